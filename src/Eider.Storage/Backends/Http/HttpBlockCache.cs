namespace Eider.Storage.Backends.Http;

/// <summary>
/// Blocks of a page in bounded memory. Requests for the same block share one reply, neighbouring ones are asked for
/// together, a sequential reader is read ahead of. A failure is told to those who wait and then forgotten: the next
/// reader tries anew.
/// </summary>
internal sealed class HttpBlockCache : IAsyncDisposable
{
    /// <summary>Unit of the cache in bytes.</summary>
    public const int BlockBytes = 64 * 1024;

    private const int WindowBlocks = 8;
    private const int MaxRunBlocks = 16;

    private readonly HttpRangeReader _reader;
    private readonly HttpIdentity _identity;
    private readonly HttpStorageOptions _options;
    private readonly string _name;
    private readonly int _capacityBlocks;
    private readonly CancellationTokenSource _closing = new();
    private readonly TaskCompletionSource _idle = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // A reader holds the blocks of one window at a time, so that all readers together never hold more than the cache.
    private readonly SemaphoreSlim _windows;

    private readonly Lock _gate = new();
    private readonly Dictionary<long, HttpBlock> _blocks = [];
    private readonly Queue<HttpBlock> _pending = [];
    private readonly LinkedList<HttpBlock> _oldestFirst = new();
    private readonly Stack<byte[]> _spare = [];
    private int _activeRuns;
    private bool _isClosed;
    private long _sequentialEndBytes = -1;
    private int _readAheadBlocks;

    public HttpBlockCache(HttpRangeReader reader, HttpIdentity identity, HttpStorageOptions options, string name)
    {
        _reader = reader;
        _identity = identity;
        _options = options;
        _name = name;
        _capacityBlocks = (int)Math.Clamp(options.CacheBytes / BlockBytes, 2 * WindowBlocks, int.MaxValue / 4);
        _windows = new SemaphoreSlim(_capacityBlocks / WindowBlocks);
    }

    /// <summary>Reads a range: at once if all of it is there.</summary>
    public ValueTask<BlockResult> ReadAsync(long offsetBytes, BufferList buffers, CancellationToken cancellationToken)
    {
        var isThere = TryReadAtOnce(offsetBytes, buffers);
        Pump();
        return isThere ? ValueTask.FromResult(BlockResult.Ok) : ReadInWindowsAsync(offsetBytes, buffers, cancellationToken);
    }

    /// <summary>Ends what is under way and waits for it.</summary>
    public async ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            _isClosed = true;
            var closed = Closed();
            while (_pending.TryDequeue(out var block))
            {
                if (block.State == HttpBlock.Phase.Pending)
                {
                    block.Fail(closed);
                }
            }

            if (_activeRuns == 0)
            {
                _idle.TrySetResult();
            }
        }

        await _closing.CancelAsync().ConfigureAwait(false);
        await _idle.Task.ConfigureAwait(false);
        _closing.Dispose();
        _reader.Dispose();
    }

    private bool TryReadAtOnce(long offsetBytes, BufferList buffers)
    {
        var last = (offsetBytes + buffers.LengthBytes - 1) / BlockBytes;
        lock (_gate)
        {
            for (var index = offsetBytes / BlockBytes; index <= last; index++)
            {
                if (!_blocks.TryGetValue(index, out var block) || block.State != HttpBlock.Phase.Ready)
                {
                    return false;
                }
            }

            for (var index = offsetBytes / BlockBytes; index <= last; index++)
            {
                var block = _blocks[index];
                Touch(block);
                Copy(block, offsetBytes, buffers);
            }

            NoteSequence(offsetBytes, buffers.LengthBytes);
            return true;
        }
    }

    private async ValueTask<BlockResult> ReadInWindowsAsync(
        long offsetBytes, BufferList buffers, CancellationToken cancellationToken)
    {
        var last = (offsetBytes + buffers.LengthBytes - 1) / BlockBytes;
        for (var first = offsetBytes / BlockBytes; first <= last; first += WindowBlocks)
        {
            await _windows.WaitAsync(cancellationToken).ConfigureAwait(false);
            var blocks = Pin(first, (int)Math.Min(WindowBlocks, last - first + 1));
            try
            {
                Pump();
                foreach (var block in blocks)
                {
                    await block.Settled.WaitAsync(cancellationToken).ConfigureAwait(false);
                    if (block.Failure is { } failure)
                    {
                        throw new BlockStorageException(
                            failure.Kind, BlockOperation.Read, _name, failure.OffsetBytes, failure.Message, failure);
                    }

                    Copy(block, offsetBytes, buffers);
                }
            }
            finally
            {
                Unpin(blocks);
                _windows.Release();
            }
        }

        lock (_gate)
        {
            NoteSequence(offsetBytes, buffers.LengthBytes);
        }

        Pump();
        return BlockResult.Ok;
    }

    /// <summary>Copies what a block and a request have in common.</summary>
    private static void Copy(HttpBlock block, long offsetBytes, BufferList buffers)
    {
        var blockStart = block.Index * BlockBytes;
        var start = Math.Max(offsetBytes, blockStart);
        var end = Math.Min(offsetBytes + buffers.LengthBytes, blockStart + block.LengthBytes);
        buffers.CopyFrom(start - offsetBytes, block.Data.AsSpan((int)(start - blockStart), (int)(end - start)));
    }

    private HttpBlock[] Pin(long first, int count)
    {
        var blocks = new HttpBlock[count];
        lock (_gate)
        {
            for (var position = 0; position < count; position++)
            {
                var block = _blocks.GetValueOrDefault(first + position) ?? Add(first + position);
                block.Pins++;
                blocks[position] = block;
                if (block.State == HttpBlock.Phase.Ready)
                {
                    Touch(block);
                }
            }
        }

        return blocks;
    }

    private void Unpin(HttpBlock[] blocks)
    {
        lock (_gate)
        {
            foreach (var block in blocks)
            {
                block.Pins--;
            }

            Trim();
        }
    }

    private HttpBlock Add(long index)
    {
        var block = new HttpBlock(index, (int)Math.Min(BlockBytes, _identity.SizeBytes - (index * BlockBytes)));
        if (_isClosed)
        {
            block.Fail(Closed());
            return block;
        }

        _blocks.Add(index, block);
        _pending.Enqueue(block);
        Trim();
        return block;
    }

    /// <summary>Drops the oldest blocks that nobody needs, until the memory is within its limit.</summary>
    private void Trim()
    {
        for (var node = _oldestFirst.First; node != null && _blocks.Count > _capacityBlocks;)
        {
            var next = node.Next;
            if (node.Value.Pins == 0)
            {
                _oldestFirst.Remove(node);
                _blocks.Remove(node.Value.Index);
                if (_spare.Count < MaxRunBlocks)
                {
                    _spare.Push(node.Value.Data);
                }
            }

            node = next;
        }
    }

    private void Touch(HttpBlock block)
    {
        _oldestFirst.Remove(block.Node);
        _oldestFirst.AddLast(block.Node);
    }

    /// <summary>Reads ahead of somebody who goes on where the last request ended: the longer, the further.</summary>
    private void NoteSequence(long offsetBytes, long lengthBytes)
    {
        var limit = Math.Min(_options.ReadAheadBytes / BlockBytes, _capacityBlocks / 4);
        var isSequential = offsetBytes == _sequentialEndBytes;
        _sequentialEndBytes = offsetBytes + lengthBytes;
        _readAheadBlocks = isSequential ? Math.Min(limit, Math.Max(1, _readAheadBlocks * 2)) : 0;
        var next = _sequentialEndBytes / BlockBytes;
        var end = Math.Min(next + _readAheadBlocks, ((_identity.SizeBytes - 1) / BlockBytes) + 1);

        // In large steps: only when half of what was read ahead is used up.
        if (next >= end || _isClosed || _blocks.ContainsKey(next + ((end - next) / 2)))
        {
            return;
        }

        for (var index = next; index < end && (_blocks.Count < _capacityBlocks || _oldestFirst.First is { Value.Pins: 0 }); index++)
        {
            if (!_blocks.ContainsKey(index))
            {
                Add(index);
            }
        }
    }

    /// <summary>Starts requests for what is pending, as many as are allowed at once.</summary>
    private void Pump()
    {
        while (true)
        {
            HttpRun run;
            lock (_gate)
            {
                if (_isClosed || _activeRuns >= Math.Max(1, _options.MaxConcurrentRequests) || TakeRun() is not { } taken)
                {
                    return;
                }

                run = taken;
                _activeRuns++;
            }

            _ = FetchAsync(run);
        }
    }

    /// <summary>The oldest pending block, with its pending neighbours that are as urgent as it is.</summary>
    private HttpRun? TakeRun()
    {
        HttpBlock? oldest;
        do
        {
            if (!_pending.TryDequeue(out oldest))
            {
                return null;
            }
        }
        while (oldest.State != HttpBlock.Phase.Pending);

        var isNeeded = oldest.Pins > 0;
        var first = oldest.Index;
        var end = oldest.Index + 1;
        while (end - first < MaxRunBlocks && IsPending(end, isNeeded))
        {
            end++;
        }

        while (end - first < MaxRunBlocks && IsPending(first - 1, isNeeded))
        {
            first--;
        }

        var blocks = new HttpBlock[end - first];
        for (var index = first; index < end; index++)
        {
            var block = _blocks[index];
            block.Begin(_spare.TryPop(out var spare) ? spare : GC.AllocateUninitializedArray<byte>(BlockBytes));
            blocks[index - first] = block;
        }

        return new HttpRun(blocks, PutReady);
    }

    private bool IsPending(long index, bool isNeeded) =>
        _blocks.TryGetValue(index, out var block) && block.State == HttpBlock.Phase.Pending && block.Pins > 0 == isNeeded;

    private async Task FetchAsync(HttpRun run)
    {
        BlockStorageException? failure = null;
        try
        {
            await _reader.ReadAsync(_identity, run.FirstIndex * BlockBytes, run.LengthBytes, run, _closing.Token)
                .ConfigureAwait(false);
        }
        catch (BlockStorageException exception)
        {
            failure = exception;
        }
        catch (OperationCanceledException)
        {
            failure = Closed();
        }
        catch (Exception exception)
        {
            // Whatever a handler of the caller's client throws: those who wait must hear of it.
            failure = HostErrors.FromException(exception, BlockOperation.Read, _name, run.FirstIndex * BlockBytes);
        }

        lock (_gate)
        {
            foreach (var block in run.Open.Span)
            {
                _blocks.Remove(block.Index);
                block.Fail(failure ?? Closed());
            }

            if (--_activeRuns == 0 && _isClosed)
            {
                _idle.TrySetResult();
            }
        }

        Pump();
    }

    private void PutReady(ReadOnlyMemory<HttpBlock> blocks)
    {
        lock (_gate)
        {
            foreach (var block in blocks.Span)
            {
                _oldestFirst.AddLast(block.Node);
                block.Complete();
            }

            Trim();
        }
    }

    private BlockStorageException Closed() =>
        new(BlockErrorKind.Closed, BlockOperation.Read, _name, null, $"{_name}: the storage was closed");
}
