using System.Numerics;

namespace Eider.Storage.Formats.Qcow2;

/// <summary>An entry of an L2 table (qcow2 specification, "Cluster mapping" and "Extended L2 Entries").</summary>
/// <param name="Descriptor">The descriptor of the cluster with the two flags above it.</param>
/// <param name="Bitmap">Bits 0-31: subcluster allocated; 32-63: subcluster is zero. 0 without subclusters.</param>
internal readonly record struct L2Entry(ulong Descriptor, ulong Bitmap)
{
    /// <summary>The cluster's refcount is exactly one.</summary>
    public const ulong CopiedFlag = 1UL << 63;

    /// <summary>The cluster is compressed.</summary>
    public const ulong CompressedFlag = 1UL << 62;

    /// <summary>The cluster reads as zeroes (version 3, without subclusters).</summary>
    public const ulong ZeroFlag = 1;

    /// <summary>Bits 9 to 55: a host offset.</summary>
    public const ulong OffsetMask = 0x00FF_FFFF_FFFF_FE00;

    /// <summary>Bits of a standard descriptor that must be clear: 1 to 8 and 56 to 61.</summary>
    public const ulong ReservedMask = 0x3F00_0000_0000_01FE;

    /// <summary>Every subcluster is allocated.</summary>
    public const ulong AllAllocated = 0xFFFF_FFFF;

    /// <summary>Every subcluster is zero.</summary>
    public const ulong AllZero = 0xFFFF_FFFF_0000_0000;

    public bool IsCompressed => (Descriptor & CompressedFlag) != 0;

    public bool IsCopied => (Descriptor & CopiedFlag) != 0;

    public long HostOffset => (long)(Descriptor & OffsetMask);

    /// <summary>True if a host cluster belongs to the entry. With an external data file, offset 0 is a place too.</summary>
    public bool HasHostCluster => !IsCompressed && (Descriptor & (OffsetMask | CopiedFlag)) != 0;

    /// <summary>True if neither data nor zeroes are here: the backing image has the cluster.</summary>
    public bool IsEmpty => Descriptor == 0 && Bitmap == 0;

    public uint AllocatedSubclusters => (uint)(Bitmap & AllAllocated);

    public uint ZeroSubclusters => (uint)(Bitmap >> 32);

    /// <summary>What the entry says of one subcluster, and how many from it on are alike.</summary>
    public MappingKind KindAt(Qcow2Layout layout, int subcluster, out int alike)
    {
        alike = 1;
        if (IsCompressed)
        {
            return MappingKind.Compressed;
        }

        if (!layout.HasExtendedL2)
        {
            return (Descriptor & ZeroFlag) != 0 && layout.HasZeroFlag ? MappingKind.Zero
                : HasHostCluster ? MappingKind.Data : MappingKind.Unallocated;
        }

        var allocated = AllocatedSubclusters >> subcluster;
        var zero = ZeroSubclusters >> subcluster;
        var left = 32 - subcluster;
        if ((allocated & 1) != 0)
        {
            alike = Math.Min(left, BitOperations.TrailingZeroCount(~allocated));
            return MappingKind.Data;
        }

        if ((zero & 1) != 0)
        {
            alike = Math.Min(left, BitOperations.TrailingZeroCount(~zero));
            return MappingKind.Zero;
        }

        alike = Math.Min(left, BitOperations.TrailingZeroCount(allocated | zero));
        return MappingKind.Unallocated;
    }
}
