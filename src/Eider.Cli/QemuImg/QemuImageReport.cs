using System.Globalization;
using System.Text;
using Eider.Cli.QemuImg.Nodes;
using Eider.Storage.Backends;
using Eider.Storage.Formats.Qcow2;

namespace Eider.Cli.QemuImg;

/// <summary>What <c>info</c> says about one image.</summary>
internal sealed record QemuImageReport
{
    /// <summary>The name that it was opened by.</summary>
    public required string Asked { get; init; }

    /// <summary>The name as it is reported.</summary>
    public required string Name { get; init; }

    /// <summary>Where its file is.</summary>
    public required string Path { get; init; }

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

    /// <summary>True if the user wrote that name, which then may be more than a path.</summary>
    public bool IsUsersName => BackingName != null && UserNames.Find(Path) == BackingName;

    /// <summary>Its format as the image has it.</summary>
    public string? BackingFormat { get; init; }

    /// <summary>The internal snapshots.</summary>
    public IReadOnlyList<Qcow2Snapshot> Snapshots { get; init; } = [];

    /// <summary>What only this format has; empty for none.</summary>
    public IReadOnlyDictionary<string, object> Specific { get; init; } = new Dictionary<string, object>();

    /// <summary>The backing file as it can be opened from here.</summary>
    public string? FullBackingName => BackingName == null || BackingName.StartsWith('/') || NodeNames.HasProtocol(BackingName) || !Path.Contains('/', StringComparison.Ordinal)
        ? BackingName
        : Path[..(Path.LastIndexOf('/') + 1)] + BackingName;

    /// <summary>Looks at an open image.</summary>
    public static async Task<QemuImageReport> OfAsync(string asked, ImageNode node, CancellationToken cancellationToken)
    {
        var image = node.Image;
        var qcow = image as Qcow2Image;
        return new QemuImageReport
        {
            Asked = asked,
            Name = node.Text.FileName,
            Path = image.File.Name,
            Format = node.Text.Driver,
            VirtualBytes = image.SizeBytes,
            ActualBytes = File.Exists(image.File.Name) ? HostFile.AllocatedBytesOf(image.File.Name) : null,
            ClusterBytes = qcow?.Header.ClusterBytes,
            IsEncrypted = image.IsEncrypted,
            IsDirty = qcow?.Header.IsDirty ?? false,
            BackingName = image.BackingName,
            BackingFormat = image.BackingFormat,
            Snapshots = qcow == null ? [] : await qcow.GetSnapshotsAsync(cancellationToken),
            Specific = await QemuFormatReport.OfAsync(image, cancellationToken),
        };
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
        Add("snapshots", Snapshots.Count == 0 ? null : Snapshots.Select(QemuSnapshotTable.Json).ToList<object>());
        if (Specific.Count > 0)
        {
            value["format-specific"] = new Dictionary<string, object>
            {
                ["type"] = Format,
                ["data"] = Specific,
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
        text.Append(QemuSnapshotTable.Text(Snapshots));
        if (Specific.Count > 0)
        {
            text.Append("Format specific information:\n");
            QemuFormatReport.AppendTo(text, 1, Specific);
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
}
