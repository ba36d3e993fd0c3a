namespace Eider.Storage.Formats.Qcow2;

/// <summary>
/// Changes of the active L2 tables. Whoever changes an entry holds the lock of its guest cluster; whoever makes a table
/// holds the lock of its L1 entry.
/// </summary>
internal sealed class L2Access(Qcow2Core core)
{
    /// <summary>Where the L2 table of a guest offset is, after making sure that it may be written; a shared one is copied first.</summary>
    public ValueTask<long> GetWritableTableAsync(long guestOffset, CancellationToken cancellationToken)
    {
        var index = core.Layout.L1Index(guestOffset);
        var entry = core.L1[index];
        return (entry & L2Entry.CopiedFlag) != 0 && (entry & L2Entry.OffsetMask) != 0
            ? ValueTask.FromResult((long)(entry & L2Entry.OffsetMask))
            : MakeTableAsync(index, cancellationToken);
    }

    /// <summary>Reads entries of one slice, from a guest cluster on.</summary>
    /// <param name="guestOffset">A place in the first cluster.</param>
    /// <param name="entries">Filled wholly; must not reach past the slice.</param>
    /// <param name="cancellationToken">Ends the request early.</param>
    public async ValueTask ReadAsync(long guestOffset, Memory<L2Entry> entries, CancellationToken cancellationToken)
    {
        var table = (long)(core.L1[core.Layout.L1Index(guestOffset)] & L2Entry.OffsetMask);
        if (table == 0)
        {
            entries.Span.Clear();
            return;
        }

        var slice = await core.Cache.GetAsync(core.Mapper.SliceOffset(table, guestOffset), MetadataKind.ActiveL2, cancellationToken)
            .ConfigureAwait(false);
        Read(slice, guestOffset, entries.Span);
    }

    /// <summary>Changes entries of one slice; the table is writable.</summary>
    public async ValueTask WriteAsync(long table, long guestOffset, ReadOnlyMemory<L2Entry> entries, CancellationToken cancellationToken)
    {
        var offset = core.Mapper.SliceOffset(table, guestOffset);
        while (true)
        {
            var slice = await core.Cache.GetAsync(offset, MetadataKind.ActiveL2, cancellationToken).ConfigureAwait(false);
            if (TryWrite(slice, guestOffset, entries.Span))
            {
                return;
            }
        }
    }

    /// <summary>How many clusters there are from a guest offset to the end of its slice.</summary>
    public int ClustersInSlice(long guestOffset) => core.Layout.SliceEntries - core.Mapper.IndexInSlice(guestOffset);

    /// <summary>Gives back what an entry referred to, after the next commit.</summary>
    public void Free(L2Entry entry, bool mayPunch)
    {
        if (entry.IsCompressed)
        {
            var (offset, length) = core.Layout.CompressedPlace(entry.Descriptor);
            core.Allocator.FreeLater(offset, length, mayPunch: false);
        }
        else if (core.Mapper.HasPlace(entry) && !core.Layout.HasDataFile)
        {
            core.Allocator.FreeLater(entry.HostOffset, core.Layout.ClusterBytes, mayPunch);
        }
    }

    private void Read(MetadataSlice slice, long guestOffset, Span<L2Entry> entries)
    {
        var first = core.Mapper.IndexInSlice(guestOffset);
        for (var index = 0; index < entries.Length; index++)
        {
            entries[index] = core.Mapper.ReadEntry(slice, first + index);
            core.Mapper.CheckEntry(entries[index], guestOffset + ((long)index << core.Layout.ClusterBits));
        }
    }

    private bool TryWrite(MetadataSlice slice, long guestOffset, ReadOnlySpan<L2Entry> entries)
    {
        var first = core.Mapper.IndexInSlice(guestOffset);
        lock (slice.Gate)
        {
            if (slice.IsEvicted)
            {
                return false;
            }

            for (var index = 0; index < entries.Length; index++)
            {
                if (core.Layout.HasExtendedL2)
                {
                    slice.WritePair(first + index, entries[index]);
                }
                else
                {
                    slice.WriteWord(first + index, entries[index].Descriptor);
                }
            }

            core.Cache.MarkDirty(slice);
            return true;
        }
    }

    private async ValueTask<long> MakeTableAsync(int index, CancellationToken cancellationToken)
    {
        var held = await core.TableLocks.EnterAsync(index, index, cancellationToken).ConfigureAwait(false);
        try
        {
            var entry = core.L1[index];
            var old = (long)(entry & L2Entry.OffsetMask);
            if (old != 0 && (entry & L2Entry.CopiedFlag) != 0)
            {
                return old;
            }

            var run = await core.Allocator.AllocateTableAsync(1, cancellationToken).ConfigureAwait(false);
            try
            {
                await FillTableAsync(old, run.Offset, cancellationToken).ConfigureAwait(false);
                core.Metadata.AddCluster(run.Offset, MetadataKind.ActiveL2);
            }
            catch
            {
                core.Cache.Forget(run.Offset, core.Layout.ClusterBytes);
                await core.Allocator.ReleaseAsync(run.Offset, core.Layout.ClusterBytes).ConfigureAwait(false);
                throw;
            }

            core.L1.Set(index, (ulong)run.Offset | L2Entry.CopiedFlag);
            if (old != 0)
            {
                core.Metadata.RemoveCluster(old);
                core.Allocator.FreeLater(old, core.Layout.ClusterBytes, mayPunch: false);
            }

            return run.Offset;
        }
        finally
        {
            core.TableLocks.Exit(held);
        }
    }

    /// <summary>Writes a new table into the file before anything refers to it: zeroes, or what a shared one holds.</summary>
    private async ValueTask FillTableAsync(long old, long offset, CancellationToken cancellationToken)
    {
        if (old == 0)
        {
            await core.File.WriteZeroesAsync(offset, core.Layout.ClusterBytes, mayUnmap: false, cancellationToken).ConfigureAwait(false);
            core.Cache.AddZeroes(offset, core.Layout.ClusterBytes, MetadataKind.ActiveL2);
            return;
        }

        var bytes = new byte[core.Layout.ClusterBytes];
        for (var within = 0; within < bytes.Length; within += core.Layout.SliceBytes)
        {
            var slice = await core.Cache.GetAsync(old + within, MetadataKind.ActiveL2, cancellationToken).ConfigureAwait(false);
            lock (slice.Gate)
            {
                slice.Content.CopyTo(bytes.AsSpan(within));
            }
        }

        await core.File.WriteAsync(offset, bytes, cancellationToken).ConfigureAwait(false);
    }
}
