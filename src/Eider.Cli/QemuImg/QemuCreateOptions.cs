using System.Globalization;

namespace Eider.Cli.QemuImg;

/// <summary>
/// The options of a new image by QEMU's names: known ones only, in QEMU's order and with QEMU's defaults, so that the line
/// <c>Formatting ...</c> reads the same.
/// </summary>
internal sealed class QemuCreateOptions
{
    private static readonly Dictionary<string, (string Name, bool IsSize, string? Normal)[]> Known = new()
    {
        ["qcow2"] =
        [
            ("encryption", false, null), ("encrypt.format", false, null), ("encrypt.key-secret", false, null),
            ("encrypt.cipher-alg", false, null), ("encrypt.cipher-mode", false, null), ("encrypt.ivgen-alg", false, null),
            ("encrypt.ivgen-hash-alg", false, null), ("encrypt.hash-alg", false, null), ("encrypt.iter-time", false, null),
            ("cluster_size", true, "65536"), ("extended_l2", false, "off"), ("preallocation", false, null),
            ("compression_type", false, "zlib"), ("size", true, null), ("compat", false, null), ("backing_file", false, null),
            ("backing_fmt", false, null), ("data_file", false, null), ("data_file_raw", false, null), ("lazy_refcounts", false, "off"),
            ("refcount_bits", true, "16"),
        ],
        ["raw"] = [("size", true, null), ("preallocation", false, null), ("extent_size_hint", true, null), ("nocow", false, null)],
        ["luks"] =
        [
            ("size", true, null), ("key-secret", false, null), ("cipher-alg", false, null), ("cipher-mode", false, null),
            ("ivgen-alg", false, null), ("ivgen-hash-alg", false, null), ("hash-alg", false, null), ("iter-time", false, null),
            ("preallocation", false, null),
        ],
    };

    private readonly (string Name, bool IsSize, string? Normal)[] _known;
    private readonly Dictionary<string, string> _values = [];

    /// <summary>No options yet, for a format.</summary>
    public QemuCreateOptions(string format) => _known = Known[format];

    /// <summary>True if this face can create the format.</summary>
    public static bool Creates(string format) => Known.ContainsKey(format);

    /// <summary>The value of an option; null if it is not set.</summary>
    public string? this[string name] => _values.GetValueOrDefault(name);

    /// <summary>Adds the options of one <c>-o</c>; later ones win.</summary>
    /// <exception cref="QemuImgException">An unknown name, or a value that is none.</exception>
    public void Add(string text)
    {
        foreach (var (name, value) in QemuKeyValues.Parse(text))
        {
            var known = Array.Find(_known, known => known.Name == name);
            if (known.Name == null)
            {
                throw new QemuImgException($"Invalid parameter '{name}'");
            }

            Set(name, known.IsSize && QemuSizes.TryParse(value) is { } bytes ? bytes.ToString(CultureInfo.InvariantCulture) : value);
        }
    }

    /// <summary>Sets an option.</summary>
    public void Set(string name, string value) => _values[name] = value;

    /// <summary>Takes an option out.</summary>
    public void Remove(string name) => _values.Remove(name);

    /// <summary>The options as QEMU lists them.</summary>
    public string Print() => string.Concat(_known
        .Select(known => (known.Name, Value: _values.GetValueOrDefault(known.Name) ?? known.Normal))
        .Where(option => option.Value != null)
        .Select(option => $" {option.Name}={option.Value!.Replace(",", ",,", StringComparison.Ordinal)}"));

    /// <summary>What is set, by name.</summary>
    public Dictionary<string, string> ToDictionary() => new(_values);
}
