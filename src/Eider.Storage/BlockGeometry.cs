namespace Eider.Storage;

/// <summary>What does not change while a storage is open; only its size may.</summary>
public sealed record BlockGeometry
{
    /// <summary>Smallest addressable unit that the storage handles well, in bytes; a power of two, at least 512.</summary>
    public int LogicalBlockBytes { get; init; } = 512;

    /// <summary>Unit without read-modify-write, in bytes; a power of two, at least the logical block.</summary>
    public int PhysicalBlockBytes { get; init; } = 512;

    /// <summary>True if writes, discards and zeroes are refused.</summary>
    public bool IsReadOnly { get; init; }

    /// <summary>True if <see cref="BlockStorage.DiscardAsync"/> does something.</summary>
    public bool CanDiscard { get; init; }

    /// <summary>Granularity of a discard in bytes; 0 if it cannot.</summary>
    public int DiscardGranularityBytes { get; init; }

    /// <summary>True if <see cref="BlockStorage.WriteZeroesAsync"/> with unmap may free space on the host.</summary>
    public bool WriteZeroesMayUnmap { get; init; }

    /// <summary>Alignment that buffers, offsets and lengths should have in bytes (O_DIRECT); 1 if none.</summary>
    public int BufferAlignmentBytes { get; init; } = 1;
}
