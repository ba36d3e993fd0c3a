namespace Eider.Storage.Formats.Qcow2;

/// <summary>The sizes and shifts that follow from a header, computed once.</summary>
internal sealed class Qcow2Layout
{
    /// <summary>Metadata are cached and written in pieces of at most this size: so much is read for one entry.</summary>
    private const int MaxSliceBits = 12;

    private const int SubclusterCountBits = 5;
    private const int SectorBits = 9;

    public Qcow2Layout(Qcow2Header header)
    {
        Version = header.Version;
        ClusterBits = header.ClusterBits;
        HasExtendedL2 = header.HasExtendedL2;
        HasDataFile = header.HasDataFile;
        L2EntryBits = HasExtendedL2 ? 4 : 3;
        L2IndexBits = ClusterBits - L2EntryBits;
        SubclusterBits = HasExtendedL2 ? ClusterBits - SubclusterCountBits : ClusterBits;
        SliceBits = Math.Min(MaxSliceBits, ClusterBits);
        RefcountOrder = header.RefcountOrder;
        RefcountBlockBits = ClusterBits + 3 - RefcountOrder;
        CompressedSectorsShift = 62 - (ClusterBits - 8);
    }

    public int Version { get; }

    public int ClusterBits { get; }

    public int ClusterBytes => 1 << ClusterBits;

    public long ClusterMask => ClusterBytes - 1L;

    public bool HasExtendedL2 { get; }

    public bool HasDataFile { get; }

    /// <summary>Bytes of an L2 entry as a power of two: 3 or 4.</summary>
    public int L2EntryBits { get; }

    /// <summary>Entries of an L2 table as a power of two.</summary>
    public int L2IndexBits { get; }

    public int L2Entries => 1 << L2IndexBits;

    /// <summary>Bytes that one L2 table describes, as a power of two.</summary>
    public int L1EntryBits => L2IndexBits + ClusterBits;

    /// <summary>A subcluster's bytes as a power of two; without subclusters that is a cluster.</summary>
    public int SubclusterBits { get; }

    public int SubclusterBytes => 1 << SubclusterBits;

    /// <summary>Bytes of a cached piece of metadata as a power of two.</summary>
    public int SliceBits { get; }

    public int SliceBytes => 1 << SliceBits;

    /// <summary>L2 entries of a slice.</summary>
    public int SliceEntries => 1 << (SliceBits - L2EntryBits);

    public int RefcountOrder { get; }

    /// <summary>Refcounts of a refcount block as a power of two.</summary>
    public int RefcountBlockBits { get; }

    public ulong RefcountMax => RefcountOrder == 6 ? ulong.MaxValue : (1UL << (1 << RefcountOrder)) - 1;

    /// <summary>True if an entry may say that its cluster is zero (bit 0): version 3 without subclusters.</summary>
    public bool HasZeroFlag => Version >= 3 && !HasExtendedL2;

    /// <summary>True if zeroes can be said without an allocation.</summary>
    public bool CanSayZero => Version >= 3;

    /// <summary>Where the number of further sectors begins in a compressed descriptor.</summary>
    public int CompressedSectorsShift { get; }

    /// <summary>Host offsets of compressed clusters end below this.</summary>
    public long CompressedOffsetLimit => Math.Min(1L << CompressedSectorsShift, Qcow2Limits.MaxHostOffset);

    public int L1Index(long guestOffset) => (int)(guestOffset >> L1EntryBits);

    public int L2Index(long guestOffset) => (int)(guestOffset >> ClusterBits) & (L2Entries - 1);

    public long ClustersFor(long bytes) => bytes == 0 ? 0 : ((bytes - 1) >> ClusterBits) + 1;

    /// <summary>The place of a compressed cluster in the file: from its first byte to the end of its last sector.</summary>
    public (long Offset, int Bytes) CompressedPlace(ulong descriptor)
    {
        var body = descriptor & ((1UL << 62) - 1);
        var offset = (long)(body & ((1UL << CompressedSectorsShift) - 1));
        var sectors = (int)(body >> CompressedSectorsShift) + 1;
        return (offset, (sectors << SectorBits) - (int)(offset & ((1 << SectorBits) - 1)));
    }

    /// <summary>The descriptor of compressed bytes at a place.</summary>
    public ulong CompressedDescriptor(long offset, int bytes)
    {
        var further = ((offset + bytes - 1) >> SectorBits) - (offset >> SectorBits);
        return L2Entry.CompressedFlag | ((ulong)further << CompressedSectorsShift) | (ulong)offset;
    }
}
