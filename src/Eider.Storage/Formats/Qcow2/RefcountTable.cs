using System.Buffers.Binary;

namespace Eider.Storage.Formats.Qcow2;

/// <summary>
/// The refcount table in memory, and the refcounts behind it. All of it is called under the mutex of the
/// <see cref="ClusterAllocator"/>. Changes are written by <see cref="MetadataCommit"/>.
/// </summary>
internal sealed class RefcountTable(Qcow2Core core, ulong[] entries)
{
    private const int SectorEntries = 64;
    private const ulong OffsetMask = ~0x1FFUL;

    private readonly SortedSet<int> _dirtySectors = [];
    private ulong[] _entries = entries;

    /// <summary>Where the table is in the file, or will be after the next commit.</summary>
    public long Offset { get; private set; } = core.Header.RefcountTableOffset;

    /// <summary>How many clusters it takes.</summary>
    public int Clusters { get; private set; } = core.Header.RefcountTableClusters;

    /// <summary>True while the header still names the old place.</summary>
    public bool IsMoved { get; private set; }

    /// <summary>Number of refcount blocks that it can name.</summary>
    public int Count => _entries.Length;

    public bool IsDirty => IsMoved || _dirtySectors.Count > 0;

    /// <summary>
    /// Where a refcount block is; 0 if there is none, and all its refcounts are 0. An entry may say more than a file
    /// can have: that is <see cref="Qcow2Limits.MaxHostOffset"/>, which no table may have.
    /// </summary>
    public long BlockOffset(long index) =>
        index < _entries.Length ? (long)Math.Min(_entries[index] & OffsetMask, Qcow2Limits.MaxHostOffset) : 0;

    /// <summary>The number of the refcount block with a cluster.</summary>
    public long BlockIndexOf(long cluster) => cluster >> core.Layout.RefcountBlockBits;

    /// <summary>The refcount of a cluster.</summary>
    public async ValueTask<ulong> GetAsync(long cluster, CancellationToken cancellationToken)
    {
        if (BlockOffset(BlockIndexOf(cluster)) == 0)
        {
            return 0;
        }

        var slice = await SliceOfAsync(cluster, cancellationToken).ConfigureAwait(false);
        lock (slice.Gate)
        {
            return RefcountBits.Get(slice.Content, IndexInSlice(cluster), core.Layout.RefcountOrder);
        }
    }

    /// <summary>
    /// Looks for free clusters in the slice with a cluster: how many from it on are in use, and how many behind those
    /// are free, up to a number.
    /// </summary>
    public async ValueTask<(int Used, int Free)> ScanAsync(long cluster, int most, CancellationToken cancellationToken)
    {
        var slice = await SliceOfAsync(cluster, cancellationToken).ConfigureAwait(false);
        lock (slice.Gate)
        {
            var order = core.Layout.RefcountOrder;
            var count = (slice.Content.Length << 3) >> order;
            var first = IndexInSlice(cluster);
            var index = first;
            while (index < count && RefcountBits.Get(slice.Content, index, order) != 0)
            {
                index++;
            }

            var used = index - first;
            while (index < count && index - first - used < most && RefcountBits.Get(slice.Content, index, order) == 0)
            {
                index++;
            }

            return (used, index - first - used);
        }
    }

    /// <summary>Number of refcounts in a slice from a cluster on.</summary>
    public int LeftInSlice(long cluster) =>
        ((core.Layout.SliceBytes << 3) >> core.Layout.RefcountOrder) - IndexInSlice(cluster);

    /// <summary>Reads what the refcounts of a run of clusters lie in, so that they can be changed without I/O.</summary>
    public async ValueTask LoadAsync(long first, long count, CancellationToken cancellationToken)
    {
        for (var cluster = first; cluster < first + count; cluster += LeftInSlice(cluster))
        {
            await SliceOfAsync(cluster, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Adds to the refcounts of a run of clusters, or takes away; the blocks are there.</summary>
    /// <returns>True if one of them became 0.</returns>
    /// <exception cref="BlockStorageException">A refcount would leave its range; nothing of this slice was changed.</exception>
    public async ValueTask<bool> ChangeAsync(long first, long count, int delta, CancellationToken cancellationToken)
    {
        var becameFree = false;
        for (var cluster = first; cluster < first + count;)
        {
            var some = (int)Math.Min(first + count - cluster, LeftInSlice(cluster));
            becameFree |= await ChangeInSliceAsync(cluster, some, delta, cancellationToken).ConfigureAwait(false);
            cluster += some;
        }

        return becameFree;
    }

    /// <summary>Names a new refcount block, whose cluster reads as zeroes.</summary>
    public void SetBlock(long index, long offset)
    {
        _entries[index] = (ulong)offset;
        _dirtySectors.Add((int)(index / SectorEntries));
        core.Metadata.AddCluster(offset, MetadataKind.RefcountBlock);
    }

    /// <summary>Takes a refcount block out of the table that counts nothing but itself: its cluster is free with it.</summary>
    public void RemoveBlock(long index)
    {
        var offset = BlockOffset(index);
        _entries[index] = 0;
        _dirtySectors.Add((int)(index / SectorEntries));
        core.Metadata.RemoveCluster(offset);
        core.Cache.Forget(offset, core.Layout.ClusterBytes);
    }

    /// <summary>Moves the table to a larger place; the next commit writes it there and then changes the header.</summary>
    /// <returns>What <see cref="MoveBack"/> takes.</returns>
    public (ulong[] Entries, long Offset, int Clusters, bool IsMoved) Move(long offset, int clusters)
    {
        var before = (_entries, Offset, Clusters, IsMoved);
        Array.Resize(ref _entries, clusters << (core.Layout.ClusterBits - 3));
        Offset = offset;
        Clusters = clusters;
        IsMoved = true;
        core.Metadata.SetRange(MetadataKind.RefcountTable, offset, (long)clusters << core.Layout.ClusterBits);
        return before;
    }

    /// <summary>Takes a move back that could not be finished; nothing was named in the new place.</summary>
    public void MoveBack((ulong[] Entries, long Offset, int Clusters, bool IsMoved) before)
    {
        (_entries, Offset, Clusters, IsMoved) = before;
        _dirtySectors.RemoveWhere(sector => sector * SectorEntries >= _entries.Length);
        core.Metadata.SetRange(MetadataKind.RefcountTable, Offset, (long)Clusters << core.Layout.ClusterBits);
    }

    /// <summary>Takes what is to be written: sectors, or all of a table that moved.</summary>
    public List<(int Sector, long Offset, byte[] Bytes)> TakeDirty()
    {
        var sectors = IsMoved ? Enumerable.Range(0, (_entries.Length + SectorEntries - 1) / SectorEntries) : _dirtySectors;
        var taken = sectors.Select(sector => (sector, Offset + (sector * 512L), BytesOf(sector))).ToList();
        _dirtySectors.Clear();
        return taken;
    }

    /// <summary>Puts sectors back that could not be written.</summary>
    public void PutBack(IEnumerable<int> sectors) => _dirtySectors.UnionWith(sectors);

    /// <summary>Says that the header names a place of the table now.</summary>
    public void HeaderNames(long offset)
    {
        if (offset == Offset)
        {
            IsMoved = false;
        }
    }

    private async ValueTask<bool> ChangeInSliceAsync(long cluster, int count, int delta, CancellationToken cancellationToken)
    {
        while (true)
        {
            var slice = await SliceOfAsync(cluster, cancellationToken).ConfigureAwait(false);
            lock (slice.Gate)
            {
                if (slice.IsEvicted)
                {
                    continue;
                }

                var becameFree = Change(slice.Content, cluster, count, delta);
                slice.Changed();
                core.Cache.MarkDirty(slice);
                return becameFree;
            }
        }
    }

    private bool Change(Span<byte> content, long cluster, int count, int delta)
    {
        var order = core.Layout.RefcountOrder;
        var first = IndexInSlice(cluster);
        var becameFree = false;
        for (var index = first; index < first + count; index++)
        {
            var value = RefcountBits.Get(content, index, order);
            if (delta < 0 ? value < (ulong)-delta : core.Layout.RefcountMax - value < (ulong)delta)
            {
                throw delta < 0
                    ? ImageErrors.Structural(core.Name, (cluster + index - first) << core.Layout.ClusterBits, "the refcount of a cluster in use is too low")
                    : new BlockStorageException(
                        BlockErrorKind.NoSpace, BlockOperation.Write, core.Name, null,
                        $"{core.Name}: a cluster has as many references as its refcount can count ({core.Layout.RefcountMax})");
            }
        }

        for (var index = first; index < first + count; index++)
        {
            var value = RefcountBits.Get(content, index, order);
            value = delta < 0 ? value - (ulong)-delta : value + (ulong)delta;
            RefcountBits.Set(content, index, order, value);
            becameFree |= value == 0;
        }

        return becameFree;
    }

    private ValueTask<MetadataSlice> SliceOfAsync(long cluster, CancellationToken cancellationToken)
    {
        var block = BlockOffset(BlockIndexOf(cluster));
        if (block == 0 || (block & core.Layout.ClusterMask) != 0)
        {
            throw ImageErrors.Structural(
                core.Name, cluster << core.Layout.ClusterBits, "a cluster is in use, but its refcount block is missing or misplaced");
        }

        var within = (((cluster & ((1L << core.Layout.RefcountBlockBits) - 1)) << core.Layout.RefcountOrder) >> 3)
            & ~(core.Layout.SliceBytes - 1L);
        return core.Cache.GetAsync(block + within, MetadataKind.RefcountBlock, cancellationToken);
    }

    private int IndexInSlice(long cluster) =>
        (int)(cluster & (((core.Layout.SliceBytes << 3) >> core.Layout.RefcountOrder) - 1));

    private byte[] BytesOf(int sector)
    {
        var bytes = new byte[512];
        var first = sector * SectorEntries;
        for (var index = first; index < Math.Min(first + SectorEntries, _entries.Length); index++)
        {
            BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan((index - first) * 8), _entries[index]);
        }

        return bytes;
    }
}
