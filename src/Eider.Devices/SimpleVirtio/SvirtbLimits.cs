namespace Eider.Devices.SimpleVirtio;

/// <summary>The numbers of the protocol, and what a guest can make a Simple VirtIO Block device do at most.</summary>
public static class SvirtbLimits
{
    /// <summary>Bytes of a sector.</summary>
    public const int SectorBytes = 512;

    /// <summary>Distance of two entries as compilers lay them out: the driver and the device of KeOS.</summary>
    public const int CompiledStrideBytes = 32;

    /// <summary>Distance of two entries as the document has it: without padding (1.2).</summary>
    public const int WrittenStrideBytes = 28;

    /// <summary>Size of the register window in bytes: a page, as KeOS maps it. What lies behind the registers reads 0.</summary>
    public const ulong WindowBytes = 0x1000;

    /// <summary>Most entries of a ring.</summary>
    public const int MaxQueueSize = 1 << 16;

    /// <summary>What the address of a ring is a multiple of, in bytes.</summary>
    public const int QueueAlignmentBytes = 8;

    /// <summary>Bytes that one access to the storage moves: larger entries take several.</summary>
    public const int ChunkBytes = 128 << 10;

    /// <summary>Entries and chunks that a worker does before it lets others run.</summary>
    internal const int StepsInOneRun = 256;

    /// <summary>Bytes of all registers.</summary>
    internal const int RegisterBytes = 24;
}
