namespace Eider.Storage.Formats.Qcow2;

/// <summary>The structures of an image that data must never be written over.</summary>
internal enum MetadataKind : byte
{
    /// <summary>The header cluster.</summary>
    Header,

    /// <summary>The active L1 table.</summary>
    ActiveL1,

    /// <summary>An L2 table that the active L1 table refers to.</summary>
    ActiveL2,

    /// <summary>The refcount table.</summary>
    RefcountTable,

    /// <summary>A refcount block.</summary>
    RefcountBlock,

    /// <summary>The table of snapshots.</summary>
    SnapshotTable,

    /// <summary>The L1 table of a snapshot.</summary>
    InactiveL1,

    /// <summary>The directory of bitmaps.</summary>
    BitmapDirectory,

    /// <summary>The header and the keys of LUKS.</summary>
    EncryptionHeader,
}
