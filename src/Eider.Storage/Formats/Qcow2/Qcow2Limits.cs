namespace Eider.Storage.Formats.Qcow2;

/// <summary>What an image may be at most; the limits of QEMU where the specification has none.</summary>
internal static class Qcow2Limits
{
    public const int MinClusterBits = 9;
    public const int MaxClusterBits = 21;

    /// <summary>Extended L2 entries need clusters of 16 KiB: a subcluster is at least a sector.</summary>
    public const int MinClusterBitsOfExtendedL2 = 14;

    public const int MaxRefcountOrder = 6;
    public const long MaxL1Bytes = 32 << 20;
    public const long MaxRefcountTableBytes = 8 << 20;
    public const int MaxBackingNameBytes = 1023;
    public const int MaxSnapshots = 65536;
    public const int MaxBitmaps = 65535;

    /// <summary>Host offsets end below this: bits 9 to 55 of an entry.</summary>
    public const long MaxHostOffset = 1L << 56;

    /// <summary>All that a header with its extensions may take: it is held in memory.</summary>
    public const int MaxHeaderBytes = 1 << MaxClusterBits;
}
