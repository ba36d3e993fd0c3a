using System.Globalization;

namespace Eider.Cli.QemuImg;

/// <summary>
/// The options of a new image by QEMU's names: known ones only, in QEMU's order and with QEMU's defaults, so that the line
/// <c>Formatting ...</c> reads the same.
/// </summary>
internal sealed class QemuCreateOptions
{
    private static readonly QemuCreateOption SizeOption = new("size", QemuOptionKind.Size, "Virtual disk size");

    private static readonly QemuCreateOption[] OfFile =
    [
        new("nocow", QemuOptionKind.Switch, "Turn off copy-on-write (valid only on btrfs)"),
        new("preallocation", QemuOptionKind.Text, "Preallocation mode (allowed values: off, falloc, full)"),
        new("extent_size_hint", QemuOptionKind.Size, "Extent size hint for the image file, 0 to disable"),
    ];

    private static readonly QemuCreateOption[] Qcow2Common =
    [
        SizeOption,
        new("compat", QemuOptionKind.Text, "Compatibility level (v2 [0.10] or v3 [1.1])"),
        new("backing_file", QemuOptionKind.Text, "File name of a base image"),
        new("backing_fmt", QemuOptionKind.Text, "Image format of the base image"),
        new("data_file", QemuOptionKind.Text, "File name of an external data file"),
        new("data_file_raw", QemuOptionKind.Switch, "The external data file must stay valid as a raw image"),
        new("lazy_refcounts", QemuOptionKind.Switch, "Postpone refcount updates", "off"),
        new("refcount_bits", QemuOptionKind.Number, "Width of a reference count entry in bits", "16"),
    ];

    private static readonly Dictionary<string, QemuCreateOption[]> Known = new()
    {
        ["qcow2"] =
        [
            new("encryption", QemuOptionKind.Switch, "Encrypt the image with format 'aes'. (Deprecated in favor of encrypt.format=aes)"),
            new("encrypt.format", QemuOptionKind.Text, "Encrypt the image, format choices: 'aes', 'luks'"),
            new("encrypt.key-secret", QemuOptionKind.Text, "ID of secret providing qcow AES key or LUKS passphrase"),
            .. Luks("encrypt."),
            new("cluster_size", QemuOptionKind.Size, "qcow2 cluster size", "65536"),
            new("extended_l2", QemuOptionKind.Switch, "Extended L2 tables", "off"),
            new("preallocation", QemuOptionKind.Text, "Preallocation mode (allowed values: off, metadata, falloc, full)"),
            new("compression_type", QemuOptionKind.Text, "Compression method used for image cluster compression", "zlib"),
            .. Qcow2Common,
        ],
        ["raw"] = [SizeOption],
        ["luks"] =
        [
            SizeOption,
            new("key-secret", QemuOptionKind.Text, "ID of the secret that provides the keyslot passphrase"),
            .. Luks(""),
        ],
    };

    private static readonly QemuCreateOption[] Qcow2Amend =
    [
        new("encrypt.state", QemuOptionKind.Text, "Select new state of affected keyslots (active/inactive)"),
        new("encrypt.keyslot", QemuOptionKind.Number, "Select a single keyslot to modify explicitly"),
        new("encrypt.old-secret", QemuOptionKind.Text, "Select all keyslots that match this password"),
        new("encrypt.new-secret", QemuOptionKind.Text, "New secret to set in the matching keyslots. Empty string to erase"),
        new("encrypt.iter-time", QemuOptionKind.Number, "Time to spend in PBKDF in milliseconds"),
        .. Qcow2Common,
    ];

    private readonly QemuCreateOption[] _known;
    private readonly Dictionary<string, string> _values = [];

    /// <summary>No options yet, for a format.</summary>
    public QemuCreateOptions(string format)
        : this(All(format))
    {
    }

    private QemuCreateOptions(QemuCreateOption[] known) => _known = known;

    /// <summary>The size of the disk; null if it is not set.</summary>
    public long? SizeBytes => this["size"] is { } text && long.TryParse(text, out var size) ? size : null;

    /// <summary>The options that can be changed in an image that is there.</summary>
    public static QemuCreateOptions ForAmend() => new(Qcow2Amend);

    /// <summary>True if this face can create the format.</summary>
    public static bool Creates(string format) => Known.ContainsKey(format);

    /// <summary>The lists of all <c>-o</c> of a command line.</summary>
    /// <exception cref="QemuImgException">One is no list.</exception>
    public static List<string> ListOf(QemuArguments arguments)
    {
        var lists = arguments.Values("o").ToList();
        var wrong = lists.Find(text => text.Length == 0 || text[0] == ',' || (text.Length - text.TrimEnd(',').Length) % 2 != 0);
        return wrong == null ? lists : throw new QemuImgException($"Invalid option list: {wrong}");
    }

    /// <summary>True if a list asks for help.</summary>
    public static bool AsksForHelp(List<string> lists) =>
        lists.SelectMany(list => QemuKeyValues.Parse(list)).Any(pair => pair is { Key: "help" or "?", Value: "on" });

    /// <summary>The help for the options of a format.</summary>
    /// <param name="format">The format.</param>
    /// <param name="isWithFile">True to have the options of the file too.</param>
    public static string Help(string format, bool isWithFile) =>
        (isWithFile ? "Supported options:\n" : $"Supported {format} options:\n")
        + Lines(isWithFile ? All(format) : Known[format])
        + (isWithFile ? "" : "\nThe protocol level may support further options.\nSpecify the target filename to include those options.\n");

    /// <summary>The help for the options that can be changed.</summary>
    public static string AmendHelp() => "Amend options for 'qcow2':\n" + Lines(Qcow2Amend);

    /// <summary>The value of an option; null if it is not set.</summary>
    public string? this[string name] => _values.GetValueOrDefault(name);

    /// <summary>Adds the options of one <c>-o</c>; later ones win.</summary>
    /// <exception cref="QemuImgException">An unknown name, or a value that is none.</exception>
    public void Add(string text)
    {
        foreach (var (name, value) in QemuKeyValues.Parse(text))
        {
            var known = Array.Find(_known, known => known.Name == name) ?? throw new QemuImgException($"Invalid parameter '{name}'");
            Set(name, known.Read(value));
        }
    }

    /// <summary>Sets an option.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="value">Its value; null to leave it as it is.</param>
    /// <param name="refusal">The failure where the format has no such option.</param>
    public void Set(string name, string? value, string? refusal = null)
    {
        if (value != null)
        {
            _values[name] = refusal == null || Array.Exists(_known, known => known.Name == name)
                ? value : throw new QemuImgException(refusal);
        }
    }

    /// <summary>Sets the size of the disk.</summary>
    public void SetSize(long bytes) => _values["size"] = bytes.ToString(CultureInfo.InvariantCulture);

    /// <summary>The options as QEMU lists them.</summary>
    public string Print() => string.Concat(_known
        .Select(known => (known.Name, Value: _values.GetValueOrDefault(known.Name) ?? known.Normal))
        .Where(option => option.Value != null)
        .Select(option => $" {option.Name}={option.Value!.Replace(",", ",,", StringComparison.Ordinal)}"));

    /// <summary>What is set, by name, without the size.</summary>
    public Dictionary<string, string> Values() => _values.Where(pair => pair.Key != "size").ToDictionary();

    private static QemuCreateOption[] All(string format) =>
        [.. Known[format], .. OfFile.Where(option => Known[format].All(known => known.Name != option.Name))];

    private static string Lines(IEnumerable<QemuCreateOption> options) =>
        string.Concat(options.Select(option => option.HelpLine).Order(StringComparer.Ordinal));

    private static QemuCreateOption[] Luks(string prefix) =>
    [
        new($"{prefix}cipher-alg", QemuOptionKind.Text, "Name of encryption cipher algorithm"),
        new($"{prefix}cipher-mode", QemuOptionKind.Text, "Name of encryption cipher mode"),
        new($"{prefix}ivgen-alg", QemuOptionKind.Text, "Name of IV generator algorithm"),
        new($"{prefix}ivgen-hash-alg", QemuOptionKind.Text, "Name of IV generator hash algorithm"),
        new($"{prefix}hash-alg", QemuOptionKind.Text, "Name of encryption hash algorithm"),
        new($"{prefix}iter-time", QemuOptionKind.Number, "Time to spend in PBKDF in milliseconds"),
    ];
}
