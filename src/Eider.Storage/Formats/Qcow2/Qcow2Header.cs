using System.Text;

namespace Eider.Storage.Formats.Qcow2;

/// <summary>
/// The header of an image (qcow2 specification, "Header"), with what is not known here kept as it was found. Immutable:
/// a change makes a new one, which <see cref="Qcow2HeaderWriter"/> writes.
/// </summary>
public sealed record Qcow2Header
{
    /// <summary>Length of a header of version 2.</summary>
    public const int Version2Bytes = 72;

    /// <summary>Least length of a header of version 3.</summary>
    public const int Version3Bytes = 104;

    /// <summary>"QFI" and 0xFB.</summary>
    internal const uint Magic = 0x5146_49FB;

    /// <summary>2 or 3.</summary>
    public required int Version { get; init; }

    /// <summary>A cluster has 2 to the power of this many bytes; 9 to 21.</summary>
    public required int ClusterBits { get; init; }

    /// <summary>Size of the disk in bytes.</summary>
    public required long SizeBytes { get; init; }

    /// <summary>How the data are encrypted.</summary>
    public Qcow2EncryptionMethod Encryption { get; init; }

    /// <summary>Entries of the active L1 table.</summary>
    public required int L1Entries { get; init; }

    /// <summary>Byte of the file where the active L1 table starts.</summary>
    public required long L1Offset { get; init; }

    /// <summary>Byte of the file where the refcount table starts.</summary>
    public required long RefcountTableOffset { get; init; }

    /// <summary>How many clusters the refcount table takes.</summary>
    public required int RefcountTableClusters { get; init; }

    /// <summary>Number of internal snapshots.</summary>
    public int SnapshotCount { get; init; }

    /// <summary>Byte of the file where the table of snapshots starts.</summary>
    public long SnapshotsOffset { get; init; }

    /// <summary>Feature bits that must be known.</summary>
    public Qcow2IncompatibleFeatures IncompatibleFeatures { get; init; }

    /// <summary>Feature bits that may be ignored; unknown ones are kept.</summary>
    public Qcow2CompatibleFeatures CompatibleFeatures { get; init; }

    /// <summary>Feature bits to clear before a write unless they are known.</summary>
    public Qcow2AutoclearFeatures AutoclearFeatures { get; init; }

    /// <summary>A refcount has 2 to the power of this many bits; 0 to 6.</summary>
    public int RefcountOrder { get; init; } = 4;

    /// <summary>Length of the header in bytes, without extensions.</summary>
    public int HeaderBytes { get; init; } = Version2Bytes;

    /// <summary>How clusters are compressed: 0 for zlib, 1 for zstd (byte 104).</summary>
    public byte CompressionType { get; init; }

    /// <summary>Header bytes from 105 on, which are not known here.</summary>
    public ReadOnlyMemory<byte> UnknownFields { get; init; }

    /// <summary>The extensions, in order, known and unknown.</summary>
    public IReadOnlyList<Qcow2Extension> Extensions { get; init; } = [];

    /// <summary>Name of the backing file; null if there is none.</summary>
    public string? BackingName { get; init; }

    /// <summary>Bytes of a cluster.</summary>
    public int ClusterBytes => 1 << ClusterBits;

    /// <summary>Format of the backing file; null if the image does not say.</summary>
    public string? BackingFormat => TextOf(Qcow2ExtensionType.BackingFormat);

    /// <summary>Name of the external data file; null if the image does not say.</summary>
    public string? DataFileName => TextOf(Qcow2ExtensionType.DataFileName);

    /// <summary>True if the refcounts may be too low.</summary>
    public bool IsDirty => IncompatibleFeatures.HasFlag(Qcow2IncompatibleFeatures.Dirty);

    /// <summary>True if the image is marked as corrupt.</summary>
    public bool IsCorrupt => IncompatibleFeatures.HasFlag(Qcow2IncompatibleFeatures.Corrupt);

    /// <summary>True if the data lie in another file.</summary>
    public bool HasDataFile => IncompatibleFeatures.HasFlag(Qcow2IncompatibleFeatures.ExternalDataFile);

    /// <summary>True if the data file can be read alone.</summary>
    public bool IsDataFileRaw => HasDataFile && AutoclearFeatures.HasFlag(Qcow2AutoclearFeatures.RawExternalData);

    /// <summary>True if L2 entries have subclusters.</summary>
    public bool HasExtendedL2 => IncompatibleFeatures.HasFlag(Qcow2IncompatibleFeatures.ExtendedL2);

    /// <summary>True if refcounts may be written later.</summary>
    public bool HasLazyRefcounts => CompatibleFeatures.HasFlag(Qcow2CompatibleFeatures.LazyRefcounts);

    /// <summary>The first extension of a type, or null.</summary>
    public Qcow2Extension? Find(Qcow2ExtensionType type) => Extensions.FirstOrDefault(extension => extension.Type == type);

    /// <summary>The header with another backing file, or with none; a format is kept only beside a name.</summary>
    internal Qcow2Header WithBacking(string? name, string? format)
    {
        // Not one conditional: a null array would become an empty extension.
        ReadOnlyMemory<byte>? text = null;
        if (name != null && format != null)
        {
            text = Encoding.UTF8.GetBytes(format);
        }

        return (this with { BackingName = name }).With(Qcow2ExtensionType.BackingFormat, text);
    }

    /// <summary>The same header with an extension in place of the one of its type, or without it.</summary>
    /// <param name="type">Which type.</param>
    /// <param name="data">Its new bytes; null to remove it.</param>
    public Qcow2Header With(Qcow2ExtensionType type, ReadOnlyMemory<byte>? data)
    {
        var changed = Extensions.ToList();
        var place = changed.FindIndex(extension => extension.Type == type);
        if (place >= 0)
        {
            changed.RemoveAt(place);
        }

        if (data is { } bytes)
        {
            changed.Insert(place >= 0 ? place : changed.Count, new Qcow2Extension(type, bytes));
        }

        return this with { Extensions = changed };
    }

    private string? TextOf(Qcow2ExtensionType type) =>
        Find(type) is { } extension ? Encoding.UTF8.GetString(extension.Data.Span) : null;
}
