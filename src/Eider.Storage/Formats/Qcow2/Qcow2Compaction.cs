namespace Eider.Storage.Formats.Qcow2;

/// <summary>
/// Moves clusters from the end of a file into free ones before them, and cuts the file off. Everything goes the way of a
/// write: the copy and its refcount are durable before a table refers to it, the old place is free only after that.
/// </summary>
internal sealed class Qcow2Compaction
{
    private const long BatchBytes = 32L << 20;

    private readonly Qcow2Image _image;
    private readonly Qcow2Core _core;
    private readonly int _clusterBytes;
    private long _limit;
    private long _moved;
    private long _batch;

    public Qcow2Compaction(Qcow2Image image)
    {
        _image = image;
        _core = image.Core;
        _clusterBytes = _core.Layout.ClusterBytes;
    }

    /// <summary>Runs.</summary>
    /// <param name="progress">Told how many bytes of the disk are done.</param>
    /// <param name="cancellationToken">Ends it early, between two batches.</param>
    /// <returns>How many bytes were moved.</returns>
    public async ValueTask<long> RunAsync(Action<long> progress, CancellationToken cancellationToken)
    {
        await _image.AloneAsync(() => SettleAsync(cancellationToken), cancellationToken).ConfigureAwait(false);
        _limit = await UsedClustersAsync(cancellationToken).ConfigureAwait(false) * _clusterBytes;
        for (var index = 0; index < _core.L1.Count; index++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var start = (long)index << _core.Layout.L1EntryBits;
            await _image.AloneAsync(() => MoveAllOfAsync(index, cancellationToken), cancellationToken).ConfigureAwait(false);
            progress(Math.Max(0, Math.Min(_image.SizeBytes - start, 1L << _core.Layout.L1EntryBits)));
        }

        await _image.AloneAsync(() => FinishAsync(cancellationToken), cancellationToken).ConfigureAwait(false);
        return _moved;
    }

    /// <summary>Makes all durable, and takes the references off that are gone then.</summary>
    private async ValueTask SettleAsync(CancellationToken cancellationToken)
    {
        _batch = 0;
        await _core.Commit.RunAsync(mustFlush: true, withRefcounts: true, cancellationToken).ConfigureAwait(false);
        await _core.Allocator.SettleAloneAsync(cancellationToken).ConfigureAwait(false);
        await _core.Commit.RunAsync(mustFlush: true, withRefcounts: true, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Moves what one L2 table refers to, then the table.</summary>
    private async ValueTask MoveAllOfAsync(int index, CancellationToken cancellationToken)
    {
        var entry = _core.L1[index];
        var table = (long)(entry & L2Entry.OffsetMask);
        if (table == 0 || (entry & L2Entry.CopiedFlag) == 0)
        {
            return;
        }

        if (!_core.Layout.HasDataFile && !_image.IsEncrypted)
        {
            for (var guest = (long)index << _core.Layout.L1EntryBits; _core.Layout.L1Index(guest) == index;)
            {
                var entries = new L2Entry[_core.L2.ClustersInSlice(guest)];
                await _core.L2.ReadAsync(guest, entries, cancellationToken).ConfigureAwait(false);
                for (var slot = 0; slot < entries.Length; slot++)
                {
                    await MoveClusterAsync(table, guest + ((long)slot << _core.Layout.ClusterBits), entries[slot], cancellationToken)
                        .ConfigureAwait(false);
                }

                guest += (long)entries.Length << _core.Layout.ClusterBits;
            }
        }

        if (table >= _limit)
        {
            await MoveTableAsync(index, table, cancellationToken).ConfigureAwait(false);
        }
    }

    private async ValueTask MoveClusterAsync(long table, long guest, L2Entry entry, CancellationToken cancellationToken)
    {
        if (entry.IsCompressed)
        {
            await MoveCompressedAsync(table, guest, entry, cancellationToken).ConfigureAwait(false);
            return;
        }

        if (!entry.IsCopied || !_core.Mapper.HasPlace(entry) || entry.HostOffset < _limit)
        {
            return;
        }

        var run = await _core.Allocator.AllocateAsync(1, cancellationToken).ConfigureAwait(false);
        if (run.Offset >= entry.HostOffset)
        {
            await _core.Allocator.ReleaseAsync(run.Offset, _clusterBytes).ConfigureAwait(false);
            return;
        }

        await CopyAsync(entry.HostOffset, run.Offset, _clusterBytes, cancellationToken).ConfigureAwait(false);
        var moved = entry with { Descriptor = (entry.Descriptor & ~L2Entry.OffsetMask) | (ulong)run.Offset };
        await ReplaceAsync(table, guest, entry, moved, _clusterBytes, cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask MoveCompressedAsync(long table, long guest, L2Entry entry, CancellationToken cancellationToken)
    {
        var (offset, length) = _core.Layout.CompressedPlace(entry.Descriptor);
        if (offset < _limit || await _core.Allocator.GetRefcountAsync(offset, cancellationToken).ConfigureAwait(false) == 0)
        {
            return;
        }

        var place = await _core.Allocator.AllocateBytesAsync((int)length, cancellationToken).ConfigureAwait(false);
        var descriptor = _core.Layout.CompressedDescriptor(place, (int)length);
        if (place >= offset)
        {
            var (_, placed) = _core.Layout.CompressedPlace(descriptor);
            await _core.Allocator.ReleaseAsync(place, placed).ConfigureAwait(false);
            return;
        }

        await CopyAsync(offset, place, (int)length, cancellationToken).ConfigureAwait(false);
        await ReplaceAsync(table, guest, entry, new L2Entry(descriptor, 0), (int)length, cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask ReplaceAsync(
        long table, long guest, L2Entry old, L2Entry moved, int length, CancellationToken cancellationToken)
    {
        await _core.L2.WriteAsync(table, guest, new[] { moved }, cancellationToken).ConfigureAwait(false);
        _core.L2.Free(old, mayPunch: true);
        await CountAsync(length, cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask MoveTableAsync(int index, long old, CancellationToken cancellationToken)
    {
        var run = await _core.Allocator.AllocateTableAsync(1, cancellationToken).ConfigureAwait(false);
        if (run.Offset >= old)
        {
            await _core.Allocator.ReleaseAsync(run.Offset, _clusterBytes).ConfigureAwait(false);
            return;
        }

        // What the entries refer to is durable then, and the table in the file is the one in memory.
        await _core.Commit.RunAsync(mustFlush: true, withRefcounts: true, cancellationToken).ConfigureAwait(false);
        await CopyAsync(old, run.Offset, _clusterBytes, cancellationToken).ConfigureAwait(false);
        _core.Cache.Forget(old, _clusterBytes);
        _core.Metadata.RemoveCluster(old);
        _core.Metadata.AddCluster(run.Offset, MetadataKind.ActiveL2);
        _core.L1.Set(index, (ulong)run.Offset | L2Entry.CopiedFlag);
        _core.Allocator.FreeLater(old, _clusterBytes, mayPunch: true);
        await CountAsync(_clusterBytes, cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask CopyAsync(long from, long to, int length, CancellationToken cancellationToken)
    {
        var bytes = new byte[length];
        await _core.File.ReadAsync(from, bytes, cancellationToken).ConfigureAwait(false);
        await _core.File.WriteAsync(to, bytes, cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask CountAsync(int bytes, CancellationToken cancellationToken)
    {
        _moved += bytes;
        _batch += bytes;
        if (_batch >= BatchBytes)
        {
            await SettleAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Cuts the file off, after it is durable that nothing lies behind.</summary>
    private async ValueTask FinishAsync(CancellationToken cancellationToken)
    {
        await SettleAsync(cancellationToken).ConfigureAwait(false);
        await DropIdleBlocksAsync(cancellationToken).ConfigureAwait(false);
        await SettleAsync(cancellationToken).ConfigureAwait(false);
        var end = await _core.Allocator.FindEndAsync(cancellationToken).ConfigureAwait(false);
        await _core.File.CutAsync(end, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Takes the last refcount blocks out of the table that count nothing but themselves.</summary>
    private async ValueTask DropIdleBlocksAsync(CancellationToken cancellationToken)
    {
        var refcounts = _core.Allocator.Refcounts;
        await _core.Allocator.EnterAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            for (var block = refcounts.Count - 1; block > 0; block--)
            {
                if (refcounts.BlockOffset(block) is not (> 0 and var offset))
                {
                    continue;
                }

                if (refcounts.BlockIndexOf(offset >> _core.Layout.ClusterBits) != block
                    || await UsedInBlockAsync(block, cancellationToken).ConfigureAwait(false) != 1)
                {
                    return;
                }

                refcounts.RemoveBlock(block);
            }
        }
        finally
        {
            _core.Allocator.Exit();
        }
    }

    private async ValueTask<long> UsedClustersAsync(CancellationToken cancellationToken)
    {
        var used = 0L;
        await _core.Allocator.EnterAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            for (var block = 0; block < _core.Allocator.Refcounts.Count; block++)
            {
                used += await UsedInBlockAsync(block, cancellationToken).ConfigureAwait(false);
            }
        }
        finally
        {
            _core.Allocator.Exit();
        }

        return used;
    }

    private async ValueTask<long> UsedInBlockAsync(long block, CancellationToken cancellationToken)
    {
        var refcounts = _core.Allocator.Refcounts;
        if (refcounts.BlockOffset(block) == 0)
        {
            return 0;
        }

        var total = 0L;
        for (var cluster = block << _core.Layout.RefcountBlockBits; cluster >> _core.Layout.RefcountBlockBits == block;)
        {
            var (used, free) = await refcounts.ScanAsync(cluster, refcounts.LeftInSlice(cluster), cancellationToken).ConfigureAwait(false);
            total += used;
            cluster += used + free;
        }

        return total;
    }
}
