using System.Globalization;

namespace Eider.Storage.Layers;

/// <summary>A layer as users write it: <c>KIND:NAME=VALUE:NAME=VALUE</c>; a doubled colon is one in a value.</summary>
internal sealed class LayerText
{
    private const string SizeSuffixes = "KMGT";

    private readonly Dictionary<string, string> _settings = [];
    private readonly HashSet<string> _known = [];

    private LayerText(string text, string kind)
    {
        Text = text;
        Kind = kind;
    }

    public string Text { get; }

    public string Kind { get; }

    /// <exception cref="FormatException">A setting is empty or there twice.</exception>
    public static LayerText Parse(string text)
    {
        var parts = text.Replace("::", "\0", StringComparison.Ordinal).Split(':').Select(part => part.Replace('\0', ':')).ToArray();
        var layer = new LayerText(text, parts[0]);
        foreach (var part in parts[1..])
        {
            var equals = part.IndexOf('=', StringComparison.Ordinal);
            var name = equals < 0 ? part : part[..equals];
            if (name.Length == 0 || !layer._settings.TryAdd(name, equals < 0 ? "" : part[(equals + 1)..]))
            {
                throw new FormatException($"found '{part}', expected each NAME=VALUE once");
            }
        }

        return layer;
    }

    /// <summary>The text with the settings that are paths starting from a directory.</summary>
    public string Rebased(string directory) => string.Join(
        ':', _settings.Select(setting => setting.Key + (setting.Value.Length == 0 ? "" : "=" + Escaped(setting.Key, setting.Value, directory)))
            .Prepend(Kind));

    /// <summary>A value; null if it is not set.</summary>
    public string? Value(string name)
    {
        _known.Add(name);
        return _settings.GetValueOrDefault(name);
    }

    public bool Flag(string name) => Value(name) != null;

    /// <summary>A number of bytes, with a suffix K, M, G or T (powers of 1024) if there is one.</summary>
    public long? Bytes(string name)
    {
        if (Value(name) is not { } value)
        {
            return null;
        }

        var power = value.Length > 0 ? SizeSuffixes.IndexOf(char.ToUpperInvariant(value[^1]), StringComparison.Ordinal) + 1 : 0;
        var digits = power > 0 ? value[..^1] : value;
        return long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number <= long.MaxValue >> (10 * power)
            ? number << (10 * power)
            : throw new FormatException($"found {name}={value}, expected a number of bytes, such as 64M");
    }

    /// <summary>A number that is not negative.</summary>
    public double? Number(string name) => Value(name) is not { } value ? null
        : double.TryParse(value, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number)
            ? number
            : throw new FormatException($"found {name}={value}, expected a number");

    /// <summary>A value that must be there.</summary>
    public static T Needed<T>(string name, T? value)
        where T : struct => value ?? throw new FormatException($"{name}=... is missing");

    private static string Escaped(string name, string value, string directory) =>
        (name is "file" or "with" ? Path.Combine(directory, value) : value).Replace(":", "::", StringComparison.Ordinal);

    /// <summary>Refuses what no one asked for.</summary>
    public void CheckAllKnown()
    {
        var unknown = _settings.Keys.FirstOrDefault(name => !_known.Contains(name));
        if (unknown != null)
        {
            throw new FormatException(
                $"unknown setting '{unknown}'; expected {(_known.Count == 0 ? "none" : string.Join(", ", _known))}");
        }
    }
}
