using System.Globalization;
using System.Text;

namespace Eider.Cli.QemuImg;

/// <summary>
/// JSON as qemu-img prints it: four spaces a level, and the members of an object in the order of QEMU's hash table, which is
/// what scripts that compare texts have always seen.
/// </summary>
internal static class QemuJson
{
    private const int Buckets = 512;

    // The level of a value that is printed without line breaks.
    private const int OneLine = int.MinValue;

    /// <summary>Prints a value: an object as a dictionary, an array as a list, a string, a boolean or a whole number.</summary>
    public static string Print(object value)
    {
        var text = new StringBuilder();
        Append(text, value, 0);
        return text.ToString();
    }

    /// <summary>Prints a value on one line.</summary>
    public static string PrintLine(object value)
    {
        var text = new StringBuilder();
        Append(text, value, OneLine);
        return text.ToString();
    }

    /// <summary>The names of an object in the order of QEMU's hash table.</summary>
    public static IEnumerable<string> Order(IEnumerable<string> names) =>
        names.Reverse().OrderBy(name => HashOf(name) % Buckets);

    private static void Append(StringBuilder text, object value, int level)
    {
        switch (value)
        {
            case IReadOnlyDictionary<string, object> members:
                AppendList(text, '{', '}', level, Order(members.Keys), name =>
                {
                    AppendString(text, name);
                    text.Append(": ");
                    Append(text, members[name], level + 1);
                });
                break;
            case IReadOnlyList<object> items:
                AppendList(text, '[', ']', level, items, item => Append(text, item, level + 1));
                break;
            case string word:
                AppendString(text, word);
                break;
            case bool flag:
                text.Append(flag ? "true" : "false");
                break;
            default:
                text.Append(Convert.ToString(value, CultureInfo.InvariantCulture));
                break;
        }
    }

    private static void AppendList<T>(
        StringBuilder text, char open, char close, int level, IEnumerable<T> items, Action<T> append)
    {
        var isLine = level < 0;
        text.Append(open).Append(isLine ? "" : "\n");
        var isFirst = true;
        foreach (var item in items)
        {
            text.Append(isFirst ? "" : isLine ? ", " : ",\n").Append(' ', isLine ? 0 : 4 * (level + 1));
            isFirst = false;
            append(item);
        }

        text.Append(isFirst || isLine ? "" : "\n").Append(' ', isLine ? 0 : 4 * level).Append(close);
    }

    private static void AppendString(StringBuilder text, string word)
    {
        text.Append('"');
        foreach (var character in word)
        {
            _ = character switch
            {
                '"' => text.Append("\\\""),
                '\\' => text.Append("\\\\"),
                '\b' => text.Append("\\b"),
                '\f' => text.Append("\\f"),
                '\n' => text.Append("\\n"),
                '\r' => text.Append("\\r"),
                '\t' => text.Append("\\t"),
                < ' ' or >= (char)0x7f => text.Append(CultureInfo.InvariantCulture, $"\\u{(int)character:X4}"),
                _ => text.Append(character),
            };
        }

        text.Append('"');
    }

    /// <summary>The hash that decides the order: the one of the trivial database (tdb) that QEMU's dictionaries use.</summary>
    private static uint HashOf(string name)
    {
        unchecked
        {
            var bytes = Encoding.UTF8.GetBytes(name);
            var value = 0x238F13AFu * (uint)bytes.Length;
            for (var index = 0; index < bytes.Length; index++)
            {
                value += (uint)bytes[index] << (index * 5 % 24);
            }

            return (1103515243u * value) + 12345u;
        }
    }
}
