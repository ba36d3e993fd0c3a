using System.Globalization;
using System.Text;

namespace Eider.Machines;

/// <summary>
/// Makes one line for a terminal of text that may hold what a file said: no line ends, no control characters (a terminal would obey
/// them), no more than a line that one can read.
/// </summary>
internal static class OneLine
{
    private const int MaxCharacters = 1000;
    private const int TailCharacters = 300;

    /// <summary>The line.</summary>
    public static string Of(string text)
    {
        if (text.Length > MaxCharacters)
        {
            text = string.Concat(text.AsSpan(0, MaxCharacters - TailCharacters), " ... ", text.AsSpan(text.Length - TailCharacters));
        }

        return text.Any(MustBeEscaped) ? Escape(text) : text;
    }

    private static bool MustBeEscaped(char character) =>
        char.IsControl(character) || CharUnicodeInfo.GetUnicodeCategory(character)
            is UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator;

    private static string Escape(string text)
    {
        var line = new StringBuilder(text.Length + 16);
        foreach (var character in text)
        {
            if (MustBeEscaped(character))
            {
                line.Append(CultureInfo.InvariantCulture, $"\\u{(int)character:x4}");
            }
            else
            {
                line.Append(character);
            }
        }

        return line.ToString();
    }
}
