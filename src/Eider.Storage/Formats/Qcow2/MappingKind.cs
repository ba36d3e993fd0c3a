namespace Eider.Storage.Formats.Qcow2;

/// <summary>What an L2 entry says of a cluster or subcluster.</summary>
internal enum MappingKind : byte
{
    /// <summary>Nothing: ask the backing image.</summary>
    Unallocated,

    /// <summary>It reads as zeroes.</summary>
    Zero,

    /// <summary>It is in the file with the data.</summary>
    Data,

    /// <summary>It is in the image, compressed.</summary>
    Compressed,
}
