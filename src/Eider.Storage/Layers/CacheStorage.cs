namespace Eider.Storage.Layers;

/// <summary>
/// Keeps what was read in memory, up to a limit, the least recently used first to go. Writes go through at once; what
/// is cached of the range is dropped, so a cache never holds anything that is not below.
/// </summary>
public sealed class CacheStorage : BlockStorageLayer
{
    /// <summary>Unit of the cache in bytes.</summary>
    public const int BlockBytes = 64 * 1024;

    private readonly Lock _gate = new();
    private readonly Dictionary<long, LinkedListNode<Block>> _blocks = [];
    private readonly LinkedList<Block> _oldestFirst = [];
    private readonly int _capacity;
    private long _writes;
    private int _writing;
    private long _hits;
    private long _misses;

    /// <summary>A cached storage.</summary>
    /// <param name="inner">What it stands on; nobody else may change it.</param>
    /// <param name="maxBytes">Most memory for blocks; at least one block.</param>
    /// <param name="leaveOpen">True if closing the layer shall not close what it stands on.</param>
    /// <exception cref="ArgumentOutOfRangeException">The memory is less than one block.</exception>
    public CacheStorage(BlockStorage inner, long maxBytes, bool leaveOpen = false)
        : base(inner, leaveOpen)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxBytes, BlockBytes);
        _capacity = (int)Math.Min(int.MaxValue, maxBytes / BlockBytes);
    }

    /// <summary>Blocks that were found in memory.</summary>
    public long HitCount => Interlocked.Read(ref _hits);

    /// <summary>Blocks that were read from below.</summary>
    public long MissCount => Interlocked.Read(ref _misses);

    /// <inheritdoc/>
    protected override ValueTask<BlockResult> ReadCoreAsync(
        long offsetBytes, BufferList buffers, CancellationToken cancellationToken)
    {
        var position = offsetBytes;
        var end = offsetBytes + buffers.LengthBytes;
        while (position < end && TryCopy(position, end, offsetBytes, buffers, out var count))
        {
            position += count;
        }

        return position == end
            ? ValueTask.FromResult(BlockResult.Ok)
            : ReadMissingAsync(position, offsetBytes, buffers, cancellationToken);
    }

    /// <inheritdoc/>
    protected override async ValueTask<BlockResult> WriteCoreAsync(
        long offsetBytes, BufferList buffers, CancellationToken cancellationToken)
    {
        BeginWrite();
        try
        {
            return await base.WriteCoreAsync(offsetBytes, buffers, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            EndWrite(offsetBytes, buffers.LengthBytes);
        }
    }

    /// <inheritdoc/>
    protected override async ValueTask<BlockResult> DiscardCoreAsync(
        long offsetBytes, long lengthBytes, CancellationToken cancellationToken)
    {
        BeginWrite();
        try
        {
            return await base.DiscardCoreAsync(offsetBytes, lengthBytes, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            EndWrite(offsetBytes, lengthBytes);
        }
    }

    /// <inheritdoc/>
    protected override async ValueTask<BlockResult> WriteZeroesCoreAsync(
        long offsetBytes, long lengthBytes, bool mayUnmap, CancellationToken cancellationToken)
    {
        BeginWrite();
        try
        {
            return await base.WriteZeroesCoreAsync(offsetBytes, lengthBytes, mayUnmap, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            EndWrite(offsetBytes, lengthBytes);
        }
    }

    /// <inheritdoc/>
    protected override void OnInnerSizeChanged(object? sender, EventArgs eventArgs)
    {
        lock (_gate)
        {
            _writes++;
            _blocks.Clear();
            _oldestFirst.Clear();
        }

        base.OnInnerSizeChanged(sender, eventArgs);
    }

    private bool TryCopy(long position, long end, long offsetBytes, BufferList buffers, out int count)
    {
        lock (_gate)
        {
            count = 0;
            if (!_blocks.TryGetValue(position / BlockBytes, out var node))
            {
                return false;
            }

            _hits++;
            _oldestFirst.Remove(node);
            _oldestFirst.AddLast(node);
            var within = (int)(position % BlockBytes);
            count = (int)Math.Min(end - position, node.Value.LengthBytes - within);
            buffers.CopyFrom(position - offsetBytes, node.Value.Bytes.AsSpan(within, count));
            return true;
        }
    }

    private async ValueTask<BlockResult> ReadMissingAsync(
        long position, long offsetBytes, BufferList buffers, CancellationToken cancellationToken)
    {
        var end = offsetBytes + buffers.LengthBytes;
        while (position < end)
        {
            if (TryCopy(position, end, offsetBytes, buffers, out var count))
            {
                position += count;
                continue;
            }

            var block = new Block(position / BlockBytes, (int)Math.Min(BlockBytes, SizeBytes - (position / BlockBytes * BlockBytes)));
            var writes = Interlocked.Read(ref _writes);
            Interlocked.Increment(ref _misses);
            var result = await Inner.ReadAsync(block.Index * BlockBytes, block.Bytes.AsMemory(0, block.LengthBytes), cancellationToken)
                .ConfigureAwait(false);
            if (result != BlockResult.Ok)
            {
                return result;
            }

            var within = (int)(position % BlockBytes);
            count = (int)Math.Min(end - position, block.LengthBytes - within);
            buffers.CopyFrom(position - offsetBytes, block.Bytes.AsSpan(within, count));
            Keep(block, writes);
            position += count;
        }

        return BlockResult.Ok;
    }

    /// <summary>Keeps a block, unless something may have been written while it was read.</summary>
    private void Keep(Block block, long writes)
    {
        lock (_gate)
        {
            if (_writing != 0 || _writes != writes || _blocks.ContainsKey(block.Index))
            {
                return;
            }

            _blocks.Add(block.Index, _oldestFirst.AddLast(block));
            if (_blocks.Count > _capacity)
            {
                _blocks.Remove(_oldestFirst.First!.Value.Index);
                _oldestFirst.RemoveFirst();
            }
        }
    }

    private void BeginWrite()
    {
        lock (_gate)
        {
            _writing++;
        }
    }

    private void EndWrite(long offsetBytes, long lengthBytes)
    {
        lock (_gate)
        {
            _writing--;
            _writes++;
            var first = offsetBytes / BlockBytes;
            var last = (offsetBytes + lengthBytes - 1) / BlockBytes;
            if (last - first < _blocks.Count)
            {
                for (var index = first; index <= last; index++)
                {
                    Drop(index);
                }
            }
            else
            {
                foreach (var index in _blocks.Keys.Where(index => index >= first && index <= last).ToArray())
                {
                    Drop(index);
                }
            }
        }
    }

    private void Drop(long index)
    {
        if (_blocks.Remove(index, out var node))
        {
            _oldestFirst.Remove(node);
        }
    }

    private sealed class Block(long index, int lengthBytes)
    {
        public long Index { get; } = index;

        public int LengthBytes { get; } = lengthBytes;

        public byte[] Bytes { get; } = GC.AllocateUninitializedArray<byte>(lengthBytes);
    }
}
