using System.Globalization;

namespace Eider.Storage.Formats.Qcow2;

/// <summary>Finds where the disk lies in the file, by the active L1 table and its L2 tables.</summary>
internal sealed class ClusterMapper(Qcow2Layout layout, L1Table l1, MetadataCache cache, string name)
{
    /// <summary>Looks up a run if that takes no I/O.</summary>
    /// <param name="guestOffset">Where it starts on the disk.</param>
    /// <param name="lengthBytes">How far to look at most.</param>
    /// <param name="run">What is there.</param>
    public bool TryMap(long guestOffset, long lengthBytes, out MappedRun run)
    {
        var table = TableOf(guestOffset);
        if (table == 0)
        {
            var end = ((guestOffset >> layout.L1EntryBits) + 1) << layout.L1EntryBits;
            run = new MappedRun(MappingKind.Unallocated, -1, Math.Min(lengthBytes, end - guestOffset), false, 0);
            return true;
        }

        if (!cache.TryGet(SliceOffset(table, guestOffset), out var slice))
        {
            run = default;
            return false;
        }

        run = MapInSlice(slice, guestOffset, lengthBytes);
        return true;
    }

    /// <summary>Looks up a run, and reads the L2 table if it must.</summary>
    public async ValueTask<MappedRun> MapAsync(long guestOffset, long lengthBytes, CancellationToken cancellationToken)
    {
        MappedRun run;
        while (!TryMap(guestOffset, lengthBytes, out run))
        {
            var table = TableOf(guestOffset);
            if (table != 0)
            {
                await cache.GetAsync(SliceOffset(table, guestOffset), MetadataKind.ActiveL2, cancellationToken).ConfigureAwait(false);
            }
        }

        return run;
    }

    /// <summary>Where the slice with the entry of a guest offset lies, in an L2 table.</summary>
    public long SliceOffset(long table, long guestOffset) =>
        table + (((long)layout.L2Index(guestOffset) << layout.L2EntryBits) & ~(layout.SliceBytes - 1L));

    /// <summary>The number of the entry of a guest offset in its slice.</summary>
    public int IndexInSlice(long guestOffset) => layout.L2Index(guestOffset) & (layout.SliceEntries - 1);

    /// <summary>An entry, as it is at this moment.</summary>
    public L2Entry ReadEntry(MetadataSlice slice, int index) =>
        layout.HasExtendedL2 ? slice.ReadPair(index) : new L2Entry(slice.ReadWord(index), 0);

    /// <summary>Refuses an entry that cannot be.</summary>
    /// <exception cref="BlockStorageException">The entry contradicts the specification.</exception>
    public void CheckEntry(L2Entry entry, long guestOffset)
    {
        if (WhatIsWrong(entry) is { } what)
        {
            throw Damaged(guestOffset, entry, what);
        }
    }

    /// <summary>Why an entry cannot be; null if it can.</summary>
    public string? WhatIsWrong(L2Entry entry)
    {
        if (entry.IsCompressed)
        {
            return layout.HasDataFile || (layout.HasExtendedL2 && entry.Bitmap != 0) ? "a compressed cluster that cannot be there" : null;
        }

        if ((entry.HostOffset & layout.ClusterMask) != 0)
        {
            return "an offset inside of a cluster";
        }

        if ((entry.Descriptor & L2Entry.ZeroFlag) != 0 && !layout.HasZeroFlag)
        {
            return "a zero flag that this version does not have";
        }

        return layout.HasExtendedL2 && ((entry.AllocatedSubclusters & entry.ZeroSubclusters) != 0
            || (entry.AllocatedSubclusters != 0 && !HasPlace(entry)))
            ? "subclusters that contradict each other" : null;
    }

    /// <summary>True if an entry has a host cluster. Only a data file has one at offset 0.</summary>
    public bool HasPlace(L2Entry entry) => layout.HasDataFile ? entry.HasHostCluster : !entry.IsCompressed && entry.HostOffset != 0;

    private long TableOf(long guestOffset)
    {
        var index = layout.L1Index(guestOffset);
        var entry = l1[index];
        var offset = (long)(entry & L2Entry.OffsetMask);
        return (offset & layout.ClusterMask) == 0
            ? offset
            : throw ImageErrors.Structural(
                name, l1.Offset + (index * 8L),
                string.Create(
                    CultureInfo.InvariantCulture, $"L1 entry {index} is {entry:x16}: its L2 table does not begin with a cluster"));
    }

    private MappedRun MapInSlice(MetadataSlice slice, long guestOffset, long lengthBytes)
    {
        var index = IndexInSlice(guestOffset);
        var within = guestOffset & layout.ClusterMask;
        var first = ReadEntry(slice, index);
        CheckEntry(first, guestOffset);
        var subcluster = (int)(within >> layout.SubclusterBits);
        var kind = first.KindAt(layout, subcluster, out var alike);
        if (kind == MappingKind.Compressed)
        {
            var rest = Math.Min(lengthBytes, layout.ClusterBytes - within);
            return new MappedRun(kind, -1, rest, false, first.Descriptor);
        }

        var hasPlace = HasPlace(first);
        var host = kind != MappingKind.Unallocated && hasPlace ? first.HostOffset + within : -1;
        var length = ((long)(subcluster + alike) << layout.SubclusterBits) - within;
        var isCopied = first.IsCopied;
        var end = guestOffset + length;
        while (length < lengthBytes && (end & layout.ClusterMask) == 0 && ++index < layout.SliceEntries)
        {
            var next = ReadEntry(slice, index);
            CheckEntry(next, end);
            var nextKind = next.KindAt(layout, 0, out alike);
            var nextHost = nextKind != MappingKind.Unallocated && HasPlace(next) ? next.HostOffset : -1;
            if (nextKind != kind || next.IsCopied != isCopied || (host < 0 ? nextHost >= 0 : nextHost != host + length))
            {
                break;
            }

            length += (long)alike << layout.SubclusterBits;
            end = guestOffset + length;
        }

        return new MappedRun(kind, host, Math.Min(length, lengthBytes), isCopied && hasPlace, 0);
    }

    private BlockStorageException Damaged(long guestOffset, L2Entry entry, string what) => ImageErrors.Structural(
        name, TableOf(guestOffset) + ((long)layout.L2Index(guestOffset) << layout.L2EntryBits),
        string.Create(
            CultureInfo.InvariantCulture, $"the L2 entry of disk offset {guestOffset} is {entry.Descriptor:x16}: {what}"));
}
