using System.Globalization;
using System.Text;
using Eider.Storage.Backends;
using Eider.Storage.Formats;
using Eider.Storage.Formats.Qcow2;

namespace Eider.Cli.QemuImg;

/// <summary>What <c>info</c> says about one image.</summary>
internal sealed record QemuImageReport
{
    /// <summary>The name that it was opened by.</summary>
    public required string Name { get; init; }

    /// <summary>The format.</summary>
    public required string Format { get; init; }

    /// <summary>The size of the disk in bytes.</summary>
    public required long VirtualBytes { get; init; }

    /// <summary>The space on the host in bytes; null if it is not known.</summary>
    public long? ActualBytes { get; init; }

    /// <summary>The bytes of a cluster; null where a format has none.</summary>
    public int? ClusterBytes { get; init; }

    /// <summary>True if the data are encrypted.</summary>
    public bool IsEncrypted { get; init; }

    /// <summary>True if the image was not closed well.</summary>
    public bool IsDirty { get; init; }

    /// <summary>The backing file as the image has it.</summary>
    public string? BackingName { get; init; }

    /// <summary>Its format as the image has it.</summary>
    public string? BackingFormat { get; init; }

    /// <summary>What only this format has, in QEMU's order; empty for none.</summary>
    public IReadOnlyList<KeyValuePair<string, object>> Specific { get; init; } = [];

    /// <summary>The backing file as it can be opened from here.</summary>
    public string? FullBackingName => BackingName == null || Path.IsPathRooted(BackingName) || !Name.Contains('/', StringComparison.Ordinal)
        ? BackingName
        : Name[..(Name.LastIndexOf('/') + 1)] + BackingName;

    /// <summary>Looks at an open image.</summary>
    public static ValueTask<QemuImageReport> OfAsync(string name, ImageStorage image, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var header = (image as Qcow2Image)?.Header;
        return ValueTask.FromResult(new QemuImageReport
        {
            Name = name,
            Format = image.Format.Name,
            VirtualBytes = image.SizeBytes,
            ActualBytes = HostFile.AllocatedBytesOf(image.File.Name),
            ClusterBytes = header?.ClusterBytes,
            IsEncrypted = image.IsEncrypted,
            IsDirty = header?.IsDirty ?? false,
            BackingName = image.BackingName,
            BackingFormat = image.BackingFormat,
            Specific = header == null ? [] : [.. QcowParts(header)],
        });
    }

    /// <summary>For programs.</summary>
    public Dictionary<string, object> ToJson()
    {
        var value = new Dictionary<string, object>
        {
            ["virtual-size"] = VirtualBytes,
            ["filename"] = Name,
            ["format"] = Format,
            ["dirty-flag"] = IsDirty,
        };
        Add("actual-size", ActualBytes);
        Add("cluster-size", ClusterBytes);
        Add("encrypted", IsEncrypted ? true : null);
        Add("backing-filename", BackingName);
        Add("full-backing-filename", FullBackingName);
        Add("backing-filename-format", BackingFormat);
        if (Specific.Count > 0)
        {
            value["format-specific"] = new Dictionary<string, object>
            {
                ["type"] = Format,
                ["data"] = Specific.ToDictionary(part => part.Key.Replace(' ', '-'), part => part.Value),
            };
        }

        return value;

        void Add(string key, object? part)
        {
            if (part != null)
            {
                value[key] = part;
            }
        }
    }

    /// <summary>For people.</summary>
    public string ToText()
    {
        var text = new StringBuilder();
        Line("image", Name);
        Line("file format", Format);
        Line("virtual size", $"{QemuSizes.Print(VirtualBytes)} ({VirtualBytes} bytes)");
        Line("disk size", ActualBytes is { } bytes ? QemuSizes.Print(bytes) : "unavailable");
        Line("encrypted", IsEncrypted ? "yes" : null);
        Line("cluster_size", ClusterBytes?.ToString(CultureInfo.InvariantCulture));
        Line("cleanly shut down", IsDirty ? "no" : null);
        Line("backing file", BackingName == FullBackingName ? BackingName : $"{BackingName} (actual path: {FullBackingName})");
        Line("backing file format", BackingFormat);
        if (Specific.Count > 0)
        {
            text.Append("Format specific information:\n");
            foreach (var (key, value) in Specific)
            {
                text.Append(CultureInfo.InvariantCulture, $"    {key}: {Word(value)}\n");
            }
        }

        return text.ToString();

        void Line(string key, string? value)
        {
            if (value != null)
            {
                text.Append(CultureInfo.InvariantCulture, $"{key}: {value}\n");
            }
        }
    }

    private static string Word(object value) =>
        value is bool flag ? (flag ? "true" : "false") : Convert.ToString(value, CultureInfo.InvariantCulture)!;

    private static IEnumerable<KeyValuePair<string, object>> QcowParts(Qcow2Header header)
    {
        var isNew = header.Version >= 3;
        yield return new("compat", isNew ? "1.1" : "0.10");
        yield return new("compression type", header.CompressionType == 1 ? "zstd" : "zlib");
        if (isNew)
        {
            yield return new("lazy refcounts", header.HasLazyRefcounts);
        }

        yield return new("refcount bits", 1 << header.RefcountOrder);
        if (header.HasDataFile)
        {
            yield return new("data file", header.DataFileName ?? "");
            yield return new("data file raw", header.IsDataFileRaw);
        }

        if (isNew)
        {
            yield return new("corrupt", header.IsCorrupt);
            yield return new("extended l2", header.HasExtendedL2);
        }
    }
}
