using System.Globalization;

namespace Eider.Storage.Formats.Qcow2;

/// <summary>
/// Gives clusters of the file out and takes them back. What is given out has its refcount in memory at once; a cluster
/// that comes back is used again only after the tables that referred to it are changed in the file, that is durable, the
/// host has punched it out, and no request looks at it any more.
/// </summary>
internal sealed class ClusterAllocator(Qcow2Core core, RefcountTable refcounts)
{
    private const int CommitAfterFrees = 8192;

    private readonly AsyncMutex _mutex = new();
    private readonly Lock _freeGate = new();
    private readonly Queue<List<PendingFree>> _settled = new();
    private List<PendingFree> _pending = [];
    private readonly Queue<PendingFree> _ready = new();
    private List<PendingFree>? _inGrace;
    private long _hint;
    private long _openBytes = -1;

    /// <summary>The refcounts; only for who holds the mutex (<see cref="EnterAsync"/>).</summary>
    public RefcountTable Refcounts => refcounts;

    /// <summary>True if many references wait for a commit before their clusters can be used again.</summary>
    public bool HasManyFrees
    {
        get
        {
            lock (_freeGate)
            {
                return _pending.Count > CommitAfterFrees;
            }
        }
    }

    /// <summary>True if references wait for a commit.</summary>
    public bool HasFrees
    {
        get
        {
            lock (_freeGate)
            {
                return _pending.Count > 0;
            }
        }
    }

    /// <summary>Keeps every other change of refcounts out.</summary>
    public ValueTask EnterAsync(CancellationToken cancellationToken) => _mutex.EnterAsync(cancellationToken);

    /// <summary>Lets others change refcounts again.</summary>
    public void Exit() => _mutex.Exit();

    /// <summary>Allocates up to a number of clusters, at least one, one behind the other.</summary>
    /// <param name="most">How many are wanted.</param>
    /// <param name="cancellationToken">Ends the request early.</param>
    public async ValueTask<HostRun> AllocateAsync(int most, CancellationToken cancellationToken)
    {
        await _mutex.EnterAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await SettleFreesAsync(cancellationToken).ConfigureAwait(false);
            var (first, count) = await FindAsync(1, most, cancellationToken).ConfigureAwait(false);
            await refcounts.ChangeAsync(first, count, +1, cancellationToken).ConfigureAwait(false);
            _hint = first + count;
            return Taken(first, count);
        }
        finally
        {
            _mutex.Exit();
        }
    }

    /// <summary>Allocates exactly a number of clusters, one behind the other: for tables.</summary>
    public async ValueTask<HostRun> AllocateTableAsync(int clusters, CancellationToken cancellationToken)
    {
        await _mutex.EnterAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await SettleFreesAsync(cancellationToken).ConfigureAwait(false);
            var (first, count) = await FindAsync(clusters, clusters, cancellationToken).ConfigureAwait(false);
            await refcounts.ChangeAsync(first, count, +1, cancellationToken).ConfigureAwait(false);
            core.Cache.Forget(first << core.Layout.ClusterBits, (long)count << core.Layout.ClusterBits);
            return Taken(first, count);
        }
        finally
        {
            _mutex.Exit();
        }
    }

    /// <summary>
    /// Allocates bytes for a compressed cluster, behind the last ones where there is room; each cluster that they touch
    /// gets one reference more.
    /// </summary>
    public async ValueTask<long> AllocateBytesAsync(int bytes, CancellationToken cancellationToken)
    {
        await _mutex.EnterAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await SettleFreesAsync(cancellationToken).ConfigureAwait(false);
            return await PlaceBytesAsync(bytes, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _mutex.Exit();
        }
    }

    /// <summary>Takes clusters back that no table in the file has ever referred to.</summary>
    public async ValueTask ReleaseAsync(long offset, long lengthBytes)
    {
        await _mutex.EnterAsync(CancellationToken.None).ConfigureAwait(false);
        try
        {
            _openBytes = -1;
            await DropReferencesAsync(new PendingFree(offset, lengthBytes, false), CancellationToken.None).ConfigureAwait(false);
        }
        finally
        {
            _mutex.Exit();
        }
    }

    /// <summary>Takes back what the tables in memory do not refer to any more, after the next commit.</summary>
    public void FreeLater(long offset, long lengthBytes, bool mayPunch)
    {
        lock (_freeGate)
        {
            if (_pending.Count > 0 && _pending[^1] is var last && last.MayPunch == mayPunch
                && last.Offset + last.LengthBytes == offset && (offset & core.Layout.ClusterMask) == 0
                && (last.Offset & core.Layout.ClusterMask) == 0)
            {
                _pending[^1] = last with { LengthBytes = last.LengthBytes + lengthBytes };
            }
            else
            {
                _pending.Add(new PendingFree(offset, lengthBytes, mayPunch));
            }
        }
    }

    /// <summary>Takes what was freed until now, before a commit looks at the tables.</summary>
    public List<PendingFree> TakePending()
    {
        lock (_freeGate)
        {
            var taken = _pending;
            _pending = [];
            return taken;
        }
    }

    /// <summary>Puts back what a commit could not make durable.</summary>
    public void PutBack(List<PendingFree> frees)
    {
        lock (_freeGate)
        {
            _pending.AddRange(frees);
        }
    }

    /// <summary>Says that the references are gone in the file, durably.</summary>
    public async ValueTask CommittedAsync(List<PendingFree> frees, CancellationToken cancellationToken)
    {
        await _mutex.EnterAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (frees.Count > 0)
            {
                _settled.Enqueue(frees);
            }

            await SettleFreesAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _mutex.Exit();
        }
    }

    /// <summary>Takes all references off that are durably gone; nobody else is in the image.</summary>
    public async ValueTask SettleAloneAsync(CancellationToken cancellationToken)
    {
        // Once more than there are lists: a failing host is not asked for ever.
        for (var rounds = _settled.Count + 2; rounds > 0 && (_settled.Count > 0 || _inGrace != null || _ready.Count > 0); rounds--)
        {
            await CommittedAsync([], cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>The end of the last cluster in use, in bytes; under the mutex or alone.</summary>
    public async ValueTask<long> FindEndAsync(CancellationToken cancellationToken)
    {
        for (var block = (long)refcounts.Count - 1; block >= 0; block--)
        {
            if (refcounts.BlockOffset(block) == 0)
            {
                continue;
            }

            var last = -1L;
            for (var cluster = block << core.Layout.RefcountBlockBits; cluster >> core.Layout.RefcountBlockBits == block;)
            {
                var left = refcounts.LeftInSlice(cluster);
                var (used, free) = await refcounts.ScanAsync(cluster, left, cancellationToken).ConfigureAwait(false);
                last = used > 0 ? cluster + used - 1 : last;
                cluster += used + free;
            }

            if (last >= 0)
            {
                return (last + 1) << core.Layout.ClusterBits;
            }
        }

        return 0;
    }

    /// <summary>Adds one reference to each cluster of a range, or takes one off at once; for snapshots and repair.</summary>
    public async ValueTask ChangeAsync(long offset, long lengthBytes, int delta, CancellationToken cancellationToken)
    {
        await _mutex.EnterAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var first = offset >> core.Layout.ClusterBits;
            var last = (offset + lengthBytes - 1) >> core.Layout.ClusterBits;
            CloseIfTouched(first, last - first + 1);
            if (await refcounts.ChangeAsync(first, last - first + 1, delta, cancellationToken).ConfigureAwait(false))
            {
                _hint = Math.Min(_hint, first);
            }
        }
        finally
        {
            _mutex.Exit();
        }
    }

    /// <summary>The refcount of the cluster at an offset.</summary>
    public async ValueTask<ulong> GetRefcountAsync(long offset, CancellationToken cancellationToken)
    {
        await _mutex.EnterAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return await refcounts.GetAsync(offset >> core.Layout.ClusterBits, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _mutex.Exit();
        }
    }

    private HostRun Taken(long first, int count)
    {
        var offset = first << core.Layout.ClusterBits;
        var length = (long)count << core.Layout.ClusterBits;
        var isFresh = offset >= core.File.UsedEndBytes;
        core.File.MarkUsed(offset + length);
        core.Metadata.ThrowIfOverlaps(offset, length, "a newly allocated run");
        return new HostRun(offset, count, isFresh);
    }

    /// <summary>The first run of free clusters, from the hint on, of a length from least to most.</summary>
    private async ValueTask<(long First, int Count)> FindAsync(int least, int most, CancellationToken cancellationToken)
    {
        var start = _hint;
        var length = 0;
        for (var cluster = start; ;)
        {
            if (cluster << core.Layout.ClusterBits >= Qcow2Limits.MaxHostOffset)
            {
                throw new BlockStorageException(
                    BlockErrorKind.NoSpace, BlockOperation.Write, core.Name, null, $"{core.Name}: the image has no free cluster left");
            }

            var block = refcounts.BlockIndexOf(cluster);
            if (refcounts.BlockOffset(block) == 0)
            {
                if (length >= least)
                {
                    return (start, length);
                }

                cluster = await ExtendAsync(block, least, cancellationToken).ConfigureAwait(false);
                (start, length) = (cluster, 0);
                continue;
            }

            var (used, free) = await refcounts.ScanAsync(cluster, most - length, cancellationToken).ConfigureAwait(false);
            if (used > 0)
            {
                if (length >= least)
                {
                    return (start, length);
                }

                (start, length) = (cluster + used, 0);
                if (least == 1)
                {
                    _hint = start;
                }
            }

            length += free;
            cluster += used + free;
            if (length == most)
            {
                return (start, length);
            }
        }
    }

    /// <summary>
    /// Makes refcount blocks where there are none. A block for few clusters lies at the beginning of what it counts; a
    /// long run gets its blocks side by side in front of it.
    /// </summary>
    /// <returns>The cluster to look on from.</returns>
    private async ValueTask<long> ExtendAsync(long block, int least, CancellationToken cancellationToken)
    {
        var perBlock = 1L << core.Layout.RefcountBlockBits;
        var blocks = 1L;
        while (blocks * perBlock < blocks + least)
        {
            blocks++;
        }

        while (!IsUncovered(block, blocks))
        {
            block++;
        }

        var first = block << core.Layout.RefcountBlockBits;
        await EnsureTableAsync(block + blocks, cancellationToken).ConfigureAwait(false);
        if (refcounts.BlockOffset(block) != 0)
        {
            // The table grew, and counts itself from here on: look again.
            return first;
        }

        await AddBlocksAsync(block, blocks, first, cancellationToken).ConfigureAwait(false);
        return first + blocks;
    }

    private bool IsUncovered(long block, long count)
    {
        for (var index = block; index < block + count; index++)
        {
            if (refcounts.BlockOffset(index) != 0)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Names blocks that lie side by side from a cluster on, among the first clusters that they count.</summary>
    private async ValueTask AddBlocksAsync(long block, long count, long firstCluster, CancellationToken cancellationToken)
    {
        await ClearBlocksAsync(count, firstCluster, cancellationToken).ConfigureAwait(false);
        await NameBlocksAsync(block, count, firstCluster).ConfigureAwait(false);
    }

    /// <summary>The part that can fail: nothing refers to the blocks yet.</summary>
    private async ValueTask ClearBlocksAsync(long count, long firstCluster, CancellationToken cancellationToken)
    {
        var offset = firstCluster << core.Layout.ClusterBits;
        var length = count << core.Layout.ClusterBits;
        core.Metadata.ThrowIfOverlaps(offset, length, "a new refcount block");
        core.Cache.Forget(offset, length);
        await core.File.WriteZeroesAsync(offset, length, mayUnmap: false, cancellationToken).ConfigureAwait(false);
        core.Cache.AddZeroes(offset, length, MetadataKind.RefcountBlock);
    }

    /// <summary>Names the blocks, and has them count themselves and what follows them; all of it or nothing.</summary>
    private async ValueTask NameBlocksAsync(long block, long count, long firstCluster, long following = 0)
    {
        var offset = firstCluster << core.Layout.ClusterBits;
        for (var index = 0L; index < count; index++)
        {
            refcounts.SetBlock(block + index, offset + (index << core.Layout.ClusterBits));
        }

        try
        {
            // Large blocks may not fit into the cache at once: then they are read back, which can fail.
            await refcounts.ChangeAsync(firstCluster, count + following, +1, CancellationToken.None).ConfigureAwait(false);
        }
        catch (BlockStorageException)
        {
            for (var index = 0L; index < count; index++)
            {
                refcounts.RemoveBlock(block + index);
            }

            throw;
        }
    }

    /// <summary>Makes the refcount table large enough, by moving it behind all that it counts now.</summary>
    private async ValueTask EnsureTableAsync(long neededBlocks, CancellationToken cancellationToken)
    {
        if (neededBlocks <= refcounts.Count)
        {
            return;
        }

        var entryBits = core.Layout.ClusterBits - 3;
        var perBlock = 1L << core.Layout.RefcountBlockBits;
        var oldCount = (long)refcounts.Count;
        var clusters = 0L;
        var blocks = 0L;
        while (((clusters << entryBits) < neededBlocks + blocks + (oldCount >> 1))
            || (blocks * perBlock < blocks + clusters) || (clusters << entryBits) < oldCount + blocks)
        {
            clusters = ((neededBlocks + blocks + (oldCount >> 1)) >> entryBits) + 1;
            blocks = ((blocks + clusters - 1) / perBlock) + 1;
        }

        if (clusters << core.Layout.ClusterBits > Qcow2Limits.MaxRefcountTableBytes)
        {
            throw new BlockStorageException(
                BlockErrorKind.NoSpace, BlockOperation.Write, core.Name, null,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{core.Name}: the refcount table would need {clusters << core.Layout.ClusterBits} bytes, expected at most 8 MiB; use larger clusters"));
        }

        var first = oldCount << core.Layout.RefcountBlockBits;
        var (oldOffset, oldClusters) = (refcounts.Offset, refcounts.Clusters);
        core.Metadata.ThrowIfOverlaps(first << core.Layout.ClusterBits, (blocks + clusters) << core.Layout.ClusterBits, "a new refcount table");
        await ClearBlocksAsync(blocks, first, cancellationToken).ConfigureAwait(false);
        var before = refcounts.Move((first + blocks) << core.Layout.ClusterBits, (int)clusters);
        try
        {
            await NameBlocksAsync(oldCount, blocks, first, clusters).ConfigureAwait(false);
        }
        catch (BlockStorageException)
        {
            refcounts.MoveBack(before);
            throw;
        }

        core.File.MarkUsed((first + blocks + clusters) << core.Layout.ClusterBits);
        FreeLater(oldOffset, (long)oldClusters << core.Layout.ClusterBits, mayPunch: true);
    }

    private async ValueTask<long> PlaceBytesAsync(int bytes, CancellationToken cancellationToken)
    {
        var bits = core.Layout.ClusterBits;
        var open = _openBytes;
        if (open >= 0 && (open & core.Layout.ClusterMask) != 0
            && await refcounts.GetAsync(open >> bits, cancellationToken).ConfigureAwait(false) < core.Layout.RefcountMax)
        {
            var last = (open + bytes - 1) >> bits;
            if (last == open >> bits)
            {
                await refcounts.ChangeAsync(last, 1, +1, cancellationToken).ConfigureAwait(false);
                return Placed(open, bytes);
            }

            // The next cluster must be free, and counted already.
            if (refcounts.BlockOffset(refcounts.BlockIndexOf(last)) != 0
                && await refcounts.GetAsync(last, cancellationToken).ConfigureAwait(false) == 0)
            {
                await refcounts.ChangeAsync(open >> bits, 1, +1, cancellationToken).ConfigureAwait(false);
                await refcounts.ChangeAsync(last, 1, +1, cancellationToken).ConfigureAwait(false);
                Taken(last, 1);
                return Placed(open, bytes);
            }
        }

        var (first, _) = await FindAsync(1, 1, cancellationToken).ConfigureAwait(false);
        await refcounts.ChangeAsync(first, 1, +1, cancellationToken).ConfigureAwait(false);
        return Placed(Taken(first, 1).Offset, bytes);
    }

    private long Placed(long offset, int bytes)
    {
        if (offset + bytes > core.Layout.CompressedOffsetLimit)
        {
            throw new BlockStorageException(
                BlockErrorKind.NoSpace, BlockOperation.Write, core.Name, offset,
                $"{core.Name}: no room for compressed clusters below {core.Layout.CompressedOffsetLimit} bytes");
        }

        _openBytes = offset + bytes;
        return offset;
    }

    /// <summary>Goes on with freed references as far as that needs no waiting; under the mutex.</summary>
    private async ValueTask SettleFreesAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            if (_inGrace != null)
            {
                if (!core.Gate.TryEndGrace())
                {
                    break;
                }

                core.Reader.Forget();
                _inGrace.ForEach(_ready.Enqueue);
                _inGrace = null;
            }

            if (_settled.Count == 0 || !core.Gate.TryBeginGrace())
            {
                break;
            }

            _inGrace = _settled.Dequeue();
        }

        while (_ready.TryPeek(out var free))
        {
            try
            {
                await DropReferencesAsync(free, cancellationToken).ConfigureAwait(false);
            }
            catch (BlockStorageException exception) when (!ImageErrors.IsStructural(exception))
            {
                // The host failed, not the request that came by: the next one tries again.
                return;
            }

            _ready.Dequeue();
        }
    }

    private async ValueTask DropReferencesAsync(PendingFree free, CancellationToken cancellationToken)
    {
        var bits = core.Layout.ClusterBits;
        var first = free.Offset >> bits;
        var count = ((free.Offset + free.LengthBytes - 1) >> bits) - first + 1;
        CloseIfTouched(first, count);

        // All that can fail comes first: what is done for a part must not be done again.
        await refcounts.LoadAsync(first, count, cancellationToken).ConfigureAwait(false);
        if (free.MayPunch)
        {
            await PunchAsync(first, count, cancellationToken).ConfigureAwait(false);
        }

        if (await refcounts.ChangeAsync(first, count, -1, CancellationToken.None).ConfigureAwait(false))
        {
            _hint = Math.Min(_hint, first);
        }
    }

    /// <summary>
    /// The cluster that is filled with compressed ones may become free, and then be given to somebody else: nothing more
    /// goes behind them.
    /// </summary>
    private void CloseIfTouched(long first, long count)
    {
        var open = _openBytes >> core.Layout.ClusterBits;
        if (_openBytes >= 0 && open >= first && open < first + count)
        {
            _openBytes = -1;
        }
    }

    /// <summary>Gives the host the space of clusters with one reference, which is about to go.</summary>
    private async ValueTask PunchAsync(long first, long count, CancellationToken cancellationToken)
    {
        var bits = core.Layout.ClusterBits;
        for (var cluster = first; cluster < first + count;)
        {
            var run = 0L;
            while (cluster + run < first + count
                && await refcounts.GetAsync(cluster + run, cancellationToken).ConfigureAwait(false) == 1)
            {
                run++;
            }

            var offset = cluster << bits;
            var length = Math.Min(run << bits, core.File.Storage.SizeBytes - offset);
            if (length > 0 && core.File.Storage.Geometry.CanDiscard)
            {
                await core.File.Storage.DiscardAsync(offset, length, cancellationToken).ConfigureAwait(false);
            }

            cluster += run + 1;
        }
    }
}
