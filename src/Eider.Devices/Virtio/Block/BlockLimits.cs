namespace Eider.Devices.Virtio.Block;

/// <summary>The numbers that bound what a guest can make a block device do; a guest learns most from the config.</summary>
public static class BlockLimits
{
    /// <summary>The unit of the protocol, in bytes, whatever the block size is (5.2.6).</summary>
    public const int SectorBytes = 512;

    /// <summary>Length of the answer to GET_ID in bytes (5.2.6).</summary>
    public const int SerialBytes = 20;

    /// <summary>Most queues of a device.</summary>
    public const int MaxQueues = 64;

    /// <summary>Entries of a queue's ring unless the configuration says otherwise.</summary>
    public const int DefaultQueueSize = 256;

    /// <summary>Ranges of one discard request (max_discard_seg).</summary>
    public const int MaxDiscardSegments = 64;

    /// <summary>Sectors of one range of a discard request (max_discard_sectors): 1 GiB.</summary>
    public const uint MaxDiscardSectors = 1 << 21;

    /// <summary>Ranges of one write zeroes request (max_write_zeroes_seg).</summary>
    public const int MaxWriteZeroesSegments = 64;

    /// <summary>Sectors of one range of a write zeroes request (max_write_zeroes_sectors): 64 MiB.</summary>
    public const uint MaxWriteZeroesSectors = 1 << 17;

    /// <summary>Ranges of one secure erase request (max_secure_erase_seg).</summary>
    public const int MaxSecureEraseSegments = 8;

    /// <summary>Sectors of one range of a secure erase request (max_secure_erase_sectors): 16 MiB.</summary>
    public const uint MaxSecureEraseSectors = 1 << 15;

    /// <summary>The longest list of ranges that any request may carry.</summary>
    internal const int MaxRanges = 64;

    /// <summary>Bytes that a secure erase overwrites at a time.</summary>
    internal const int EraseBytes = 1 << 20;
}
