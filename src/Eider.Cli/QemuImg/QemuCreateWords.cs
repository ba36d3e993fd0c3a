using Eider.Storage;

namespace Eider.Cli.QemuImg;

/// <summary>QEMU's words for a new image that cannot be.</summary>
internal static class QemuCreateWords
{
    private static readonly string[] Preallocations = ["off", "metadata", "falloc", "full"];

    /// <summary>Refuses options of a qcow2 image that contradict each other, in QEMU's order.</summary>
    /// <exception cref="QemuImgException">They do.</exception>
    public static void Check(QemuCreateOptions options)
    {
        CheckNames(options);
        var isOld = options["compat"] is "0.10" or "v2";
        Expect(!isOld || !IsOn("extended_l2"), Needs("Extended L2 entries are only supported with"));
        CheckCluster(options, IsOn("extended_l2"));
        var hasBacking = options["backing_file"] != null;
        Expect(
            !hasBacking || options["preallocation"] is null or "off" || IsOn("extended_l2"),
            "Backing file and preallocation can only be used at the same time if extended_l2 is on");
        Expect(hasBacking || options["backing_fmt"] == null, "Backing format cannot be used without backing file");
        Expect(!isOld || !IsOn("lazy_refcounts"), Needs("Lazy refcounts only supported with"));
        var bits = options["refcount_bits"] is { } text ? long.Parse(text, System.Globalization.CultureInfo.InvariantCulture) : 16;
        Expect(bits is >= 1 and <= 64 && long.IsPow2(bits), "Refcount width must be a power of two and may not exceed 64 bits");
        Expect(
            !isOld || bits == 16, "Different refcount widths than 16 bits require compatibility level 1.1 or above (use version=v3 or greater)");
        Expect(!IsOn("data_file_raw") || options["data_file"] != null, "data-file-raw requires data-file");
        Expect(!IsOn("data_file_raw") || !hasBacking, "Backing file and data-file-raw cannot be used at the same time");
        Expect(!isOld || options["data_file"] == null, Needs("External data files are only supported with"));
        Expect(!isOld || options["compression_type"] is null or "zlib", Needs("Non-zlib compression type is only supported with"));

        bool IsOn(string name) => options[name] is "on" or "yes" or "true" or "y";

        static string Needs(string what) => $"{what} compatibility level 1.1 and above (use version=v3 or greater)";
    }

    /// <summary>The words for a failure while an image is made.</summary>
    /// <param name="failure">The failure.</param>
    /// <param name="format">The format.</param>
    public static string Of(BlockStorageException failure, string format)
    {
        var isTooLarge = failure.Message.Contains("is too large for clusters", StringComparison.Ordinal)
            || failure.Message.Contains("File too large", StringComparison.Ordinal);
        return isTooLarge
            ? $"The image size is too large for file format '{format}'{(format == "qcow2" ? " (try using a larger cluster size)" : "")}"
            : QemuWords.Of(failure, failure.Path);
    }

    private static void CheckNames(QemuCreateOptions options)
    {
        Accept("version", options["compat"], "0.10", "1.1", "v2", "v3");
        Accept("compression-type", options["compression_type"], "zlib", "zstd");
        Accept("preallocation", options["preallocation"], Preallocations);
        Accept("encrypt.format", options["encrypt.format"], "aes", "luks", "qcow");

        static void Accept(string name, string? value, params string[] values) =>
            Expect(value == null || values.Contains(value), $"Parameter '{name}' does not accept value '{value}'");
    }

    private static void CheckCluster(QemuCreateOptions options, bool isExtended)
    {
        var bytes = options["cluster_size"] is { } text ? long.Parse(text, System.Globalization.CultureInfo.InvariantCulture) : 65536;
        Expect(bytes is >= 512 and <= 2 << 20 && long.IsPow2(bytes), "Cluster size must be a power of two between 512 and 2048k");
        Expect(!isExtended || bytes >= 16384, "Extended L2 entries are only supported with cluster sizes of at least 16384 bytes");
    }

    private static void Expect(bool condition, string message)
    {
        if (!condition)
        {
            throw new QemuImgException(message);
        }
    }
}
