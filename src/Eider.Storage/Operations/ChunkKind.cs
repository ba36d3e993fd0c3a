namespace Eider.Storage.Operations;

/// <summary>What a chunk of a disk holds, as far as it is known without reading it.</summary>
internal enum ChunkKind
{
    /// <summary>Bytes that must be read.</summary>
    Data,

    /// <summary>Zeroes.</summary>
    Zero,

    /// <summary>Nothing that concerns the operation.</summary>
    Absent,
}
