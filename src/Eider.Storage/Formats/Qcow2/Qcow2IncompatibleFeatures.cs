namespace Eider.Storage.Formats.Qcow2;

/// <summary>Feature bits without which an image must not be opened (qcow2 specification, "Header", bytes 72 to 79).</summary>
[Flags]
public enum Qcow2IncompatibleFeatures : ulong
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>Refcounts may be too low; they must be rebuilt before the image is written.</summary>
    Dirty = 1,

    /// <summary>Any structure may be damaged; the image must not be written.</summary>
    Corrupt = 2,

    /// <summary>The data lie in another file.</summary>
    ExternalDataFile = 4,

    /// <summary>Compressed clusters are not zlib's; byte 104 says which.</summary>
    CompressionType = 8,

    /// <summary>L2 entries have 16 bytes, with 32 subclusters.</summary>
    ExtendedL2 = 16,
}
