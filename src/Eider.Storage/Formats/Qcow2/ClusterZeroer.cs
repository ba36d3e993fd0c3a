using System.Buffers;

namespace Eider.Storage.Formats.Qcow2;

/// <summary>
/// Zeroes and discards by the tables where the version allows it, by data where it does not. What becomes zero or is
/// dropped never shows what an older table, or the backing image, had there.
/// </summary>
internal sealed class ClusterZeroer(Qcow2Core core)
{
    private const int ZeroBytes = 64 * 1024;

    private static readonly Memory<byte> Zeroes = new byte[ZeroBytes];

    /// <summary>Makes a range of the disk zero.</summary>
    public async ValueTask WriteZeroesAsync(long offsetBytes, long lengthBytes, bool mayUnmap, CancellationToken cancellationToken)
    {
        var end = offsetBytes + lengthBytes;
        var mask = core.Layout.SubclusterBytes - 1L;
        var first = (offsetBytes + mask) & ~mask;
        var last = end == core.Header.SizeBytes ? end : end & ~mask;
        if (first >= last)
        {
            await WriteZeroDataAsync(offsetBytes, lengthBytes, cancellationToken).ConfigureAwait(false);
            return;
        }

        await WriteZeroDataAsync(offsetBytes, first - offsetBytes, cancellationToken).ConfigureAwait(false);
        await ForSlicesAsync(first, last, new Change(this, mayUnmap), cancellationToken).ConfigureAwait(false);
        await WriteZeroDataAsync(last, end - last, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Drops the whole clusters of a range; they read as zeroes afterwards.</summary>
    public async ValueTask DiscardAsync(long offsetBytes, long lengthBytes, CancellationToken cancellationToken)
    {
        var end = offsetBytes + lengthBytes;
        var mask = core.Layout.ClusterMask;
        var first = (offsetBytes + mask) & ~mask;
        var last = end == core.Header.SizeBytes ? end : end & ~mask;
        if (first < last)
        {
            await ForSlicesAsync(first, last, new Change(this, true), cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Drops the clusters from an offset on, and all L2 tables that describe nothing else: they become unallocated.</summary>
    /// <remarks>Nobody else is in the image.</remarks>
    public async ValueTask DropFromAsync(long guestOffset, CancellationToken cancellationToken)
    {
        var mask = core.Layout.ClusterMask;
        var tableMask = (1L << core.Layout.L1EntryBits) - 1;
        for (var guest = (guestOffset + mask) & ~mask; core.Layout.L1Index(guest) < core.L1.Count;)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var entry = core.L1[core.Layout.L1Index(guest)];
            if ((entry & L2Entry.OffsetMask) != 0)
            {
                await DropTableAsync(guest, (guest & tableMask) == 0, cancellationToken).ConfigureAwait(false);
            }

            guest = (guest & ~tableMask) + tableMask + 1;
        }
    }

    /// <summary>Drops the entries of one table from a cluster on. Nothing is freed before the tables have let go of it.</summary>
    private async ValueTask DropTableAsync(long guest, bool isWhole, CancellationToken cancellationToken)
    {
        var index = core.Layout.L1Index(guest);
        var dropped = new List<L2Entry>();
        for (int count; core.Layout.L1Index(guest) == index; guest += (long)count << core.Layout.ClusterBits)
        {
            count = core.L2.ClustersInSlice(guest);
            var entries = new L2Entry[count];
            await core.L2.ReadAsync(guest, entries, cancellationToken).ConfigureAwait(false);
            var filled = entries.Where(entry => !entry.IsEmpty).ToList();
            TellBitmaps(guest, entries);
            if (isWhole)
            {
                dropped.AddRange(filled);
            }
            else if (filled.Count > 0)
            {
                var table = await core.L2.GetWritableTableAsync(guest, cancellationToken).ConfigureAwait(false);
                await core.L2.WriteAsync(table, guest, new L2Entry[count], cancellationToken).ConfigureAwait(false);
                filled.ForEach(entry => core.L2.Free(entry, mayPunch: true));
            }
        }

        if (isWhole)
        {
            DropWholeTable(index, dropped);
        }
    }

    private void TellBitmaps(long guest, L2Entry[] entries)
    {
        for (var index = 0; index < entries.Length; index++)
        {
            if (!entries[index].IsEmpty)
            {
                core.Bitmaps.OnChange(guest + ((long)index << core.Layout.ClusterBits), core.Layout.ClusterBytes);
            }
        }
    }

    private void DropWholeTable(int index, List<L2Entry> entries)
    {
        var table = (long)(core.L1[index] & L2Entry.OffsetMask);
        var isShared = (core.L1[index] & L2Entry.CopiedFlag) == 0;
        core.L1.Set(index, 0);
        core.Metadata.RemoveCluster(table);
        if (!isShared)
        {
            core.Cache.Forget(table, core.Layout.ClusterBytes);
        }

        entries.ForEach(entry => core.L2.Free(entry, mayPunch: true));
        core.Allocator.FreeLater(table, core.Layout.ClusterBytes, mayPunch: true);
    }

    private async ValueTask WriteZeroDataAsync(long offsetBytes, long lengthBytes, CancellationToken cancellationToken)
    {
        if (lengthBytes == 0
            || (!core.SaysEveryZero && await core.Reader.IsZeroAsync(offsetBytes, lengthBytes, cancellationToken).ConfigureAwait(false)))
        {
            return;
        }

        for (var done = 0L; done < lengthBytes; done += ZeroBytes)
        {
            var count = (int)Math.Min(ZeroBytes, lengthBytes - done);
            await core.Writer.WriteAsync(offsetBytes + done, Zeroes[..count], cancellationToken).ConfigureAwait(false);
        }
    }

    private async ValueTask ForSlicesAsync(long start, long end, Change change, CancellationToken cancellationToken)
    {
        var bits = core.Layout.ClusterBits;
        while (start < end)
        {
            var sliceEnd = ((start >> bits) + core.L2.ClustersInSlice(start)) << bits;
            var stop = Math.Min(end, sliceEnd);
            var held = await core.ClusterLocks.EnterAsync(start >> bits, (stop - 1) >> bits, cancellationToken).ConfigureAwait(false);
            try
            {
                await ZeroSliceAsync(start, stop, change, cancellationToken).ConfigureAwait(false);
            }
            finally
            {
                core.ClusterLocks.Exit(held);
            }

            start = stop;
        }
    }

    private async ValueTask ZeroSliceAsync(long start, long end, Change change, CancellationToken cancellationToken)
    {
        if (core.Layout.HasDataFile && (change.MayUnmap || core.Header.IsDataFileRaw))
        {
            await core.Data.WriteZeroesAsync(start, end - start, change.MayUnmap, cancellationToken).ConfigureAwait(false);
        }

        var hasBacking = HasBackingAt(start);
        var hasTable = (core.L1[core.Layout.L1Index(start)] & L2Entry.OffsetMask) != 0;
        if (core.Header.IsDataFileRaw || (!hasBacking && !hasTable))
        {
            return;
        }

        var count = (int)(((end - 1) >> core.Layout.ClusterBits) - (start >> core.Layout.ClusterBits)) + 1;
        var old = ArrayPool<L2Entry>.Shared.Rent(2 * count);
        try
        {
            var entries = old.AsMemory(count, count);
            await core.L2.ReadAsync(start, old.AsMemory(0, count), cancellationToken).ConfigureAwait(false);
            if (Plan(start, end, change, hasBacking, old.AsSpan(0, count), entries.Span, out var byData))
            {
                var table = await core.L2.GetWritableTableAsync(start, cancellationToken).ConfigureAwait(false);
                await core.L2.WriteAsync(table, start, entries, CancellationToken.None).ConfigureAwait(false);
                FreeReplaced(old.AsSpan(0, count), entries.Span);
            }

            if (byData)
            {
                await WriteByDataAsync(start, end, old.AsMemory(0, count), change, cancellationToken).ConfigureAwait(false);
            }
        }
        finally
        {
            ArrayPool<L2Entry>.Shared.Return(old);
        }
    }

    /// <summary>What the entries shall be; false if nothing changes.</summary>
    private bool Plan(
        long start, long end, Change change, bool hasBacking, ReadOnlySpan<L2Entry> old, Span<L2Entry> entries, out bool byData)
    {
        var isChanged = false;
        byData = false;
        for (var index = 0; index < old.Length; index++)
        {
            var cluster = (start & ~core.Layout.ClusterMask) + ((long)index << core.Layout.ClusterBits);
            var isDataNeeded = change.NeedsData(old[index], Math.Max(start, cluster), end, hasBacking);
            entries[index] = isDataNeeded ? old[index] : change.Apply(old[index], Math.Max(start, cluster), end, hasBacking);
            byData |= isDataNeeded;
            isChanged |= entries[index] != old[index];
        }

        return isChanged;
    }

    private void FreeReplaced(ReadOnlySpan<L2Entry> old, ReadOnlySpan<L2Entry> entries)
    {
        for (var index = 0; index < old.Length; index++)
        {
            if (old[index] != entries[index] && (old[index].IsCompressed || entries[index].HostOffset != old[index].HostOffset))
            {
                core.L2.Free(old[index], mayPunch: true);
            }
        }
    }

    private async ValueTask WriteByDataAsync(
        long start, long end, ReadOnlyMemory<L2Entry> old, Change change, CancellationToken cancellationToken)
    {
        var hasBacking = HasBackingAt(start);
        for (var index = 0; index < old.Length; index++)
        {
            var cluster = (start & ~core.Layout.ClusterMask) + ((long)index << core.Layout.ClusterBits);
            var from = Math.Max(start, cluster);
            var to = Math.Min(end, cluster + core.Layout.ClusterBytes);
            if (change.NeedsData(old.Span[index], from, end, hasBacking))
            {
                for (var place = from; place < to; place += ZeroBytes)
                {
                    var count = (int)Math.Min(ZeroBytes, to - place);
                    await core.Writer.WriteLockedAsync(place, Zeroes[..count], cancellationToken).ConfigureAwait(false);
                }
            }
        }
    }

    /// <summary>What zeroing does to an entry.</summary>
    private readonly struct Change(ClusterZeroer zeroer, bool mayUnmap)
    {
        public bool MayUnmap { get; } = mayUnmap;

        private Qcow2Layout Layout => zeroer.Layout;

        /// <summary>True if only written zeroes will do.</summary>
        public bool NeedsData(L2Entry entry, long start, long end, bool hasBacking)
        {
            // Version 2 has no zero flag: an entry can be dropped only where nothing lies behind it.
            if (!Layout.CanSayZero)
            {
                return hasBacking || (!MayUnmap && !entry.IsEmpty);
            }

            return entry.IsCompressed && !IsWhole(start, end);
        }

        public L2Entry Apply(L2Entry old, long start, long end, bool hasBacking)
        {
            if (old.IsEmpty && !hasBacking)
            {
                return old;
            }

            if (!Layout.CanSayZero)
            {
                return default;
            }

            var keepsPlace = zeroer.HasPlace(old) && (Layout.HasDataFile || (!MayUnmap && old.IsCopied));
            if (!Layout.HasExtendedL2)
            {
                return keepsPlace ? new L2Entry(old.Descriptor | L2Entry.ZeroFlag, 0) : new L2Entry(L2Entry.ZeroFlag, 0);
            }

            if (IsWhole(start, end))
            {
                return new L2Entry(keepsPlace ? old.Descriptor : 0, L2Entry.AllZero);
            }

            var stop = Math.Min(end, (start & ~Layout.ClusterMask) + Layout.ClusterBytes);
            var bits = (ulong)WriteClassifier.Touched(Layout, start, stop);
            return old with { Bitmap = (old.Bitmap & ~bits) | (bits << 32) };
        }

        private bool IsWhole(long start, long end)
        {
            var cluster = start & ~Layout.ClusterMask;
            return start == cluster && (end >= cluster + Layout.ClusterBytes || end == zeroer.DiskEnd);
        }
    }

    private bool HasBackingAt(long offset) => core.SaysEveryZero || (core.Backing != null && core.Backing.SizeBytes > offset);

    private Qcow2Layout Layout => core.Layout;

    private long DiskEnd => core.Header.SizeBytes;

    private bool HasPlace(L2Entry entry) => core.Mapper.HasPlace(entry);
}
