namespace Eider.Storage.Formats.Qcow2;

/// <summary>Decides how the next clusters of a write are treated.</summary>
internal static class WriteClassifier
{
    /// <summary>The way of the first clusters, and how many go the same way, one behind the other in the file.</summary>
    /// <param name="layout">The image's sizes.</param>
    /// <param name="mapper">Reads entries.</param>
    /// <param name="guest">Where the write starts on the disk.</param>
    /// <param name="lengthBytes">How long it is.</param>
    /// <param name="entries">The entries of all clusters that it touches.</param>
    public static (WriteWay Way, int Clusters) Classify(
        Qcow2Layout layout, ClusterMapper mapper, long guest, long lengthBytes, ReadOnlySpan<L2Entry> entries)
    {
        var end = guest + lengthBytes;
        var way = WayOf(layout, mapper, guest, end, entries[0]);
        var host = entries[0].HostOffset;
        var clusters = 1;
        while (clusters < entries.Length)
        {
            var start = (guest & ~layout.ClusterMask) + ((long)clusters << layout.ClusterBits);
            var next = entries[clusters];
            if (WayOf(layout, mapper, start, end, next) != way
                || (way != WriteWay.Allocate && next.HostOffset != host + ((long)clusters << layout.ClusterBits)))
            {
                break;
            }

            clusters++;
        }

        return (way, clusters);
    }

    private static WriteWay WayOf(Qcow2Layout layout, ClusterMapper mapper, long start, long end, L2Entry entry)
    {
        if (entry.IsCompressed || !entry.IsCopied || !mapper.HasPlace(entry))
        {
            return WriteWay.Allocate;
        }

        if (!layout.HasExtendedL2)
        {
            return (entry.Descriptor & L2Entry.ZeroFlag) != 0 ? WriteWay.Reuse : WriteWay.InPlace;
        }

        var touched = Touched(layout, start, Math.Min(end, (start & ~layout.ClusterMask) + layout.ClusterBytes));
        return (entry.AllocatedSubclusters & touched) == touched ? WriteWay.InPlace : WriteWay.Reuse;
    }

    /// <summary>The subclusters that a range inside of one cluster touches, as bits.</summary>
    public static uint Touched(Qcow2Layout layout, long start, long end)
    {
        var first = (int)((start & layout.ClusterMask) >> layout.SubclusterBits);
        var last = (int)(((end - 1) & layout.ClusterMask) >> layout.SubclusterBits);
        return Bits(first, last);
    }

    /// <summary>Bits from one number to another, both included.</summary>
    public static uint Bits(int first, int last) => (uint.MaxValue >> (31 - last + first)) << first;
}
