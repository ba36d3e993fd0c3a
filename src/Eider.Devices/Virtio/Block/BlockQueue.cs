using Eider.Devices.Requests;
using Eider.Devices.Virtio.Queue;
using Eider.Hardware.Lifecycle;
using Eider.Storage;

namespace Eider.Devices.Virtio.Block;

/// <summary>
/// Runs the requests of one queue: takes chains, gives them to the storage, many at once, and completes each as
/// the storage is done with it. All on the queue's worker, but for <see cref="Post"/>.
/// </summary>
internal sealed class BlockQueue
{
    private static readonly byte[] Zeroes = new byte[64 << 10];
    private static readonly Memory<byte>[] EraseList = MakeEraseList();

    private readonly BlockState _state;
    private readonly VirtQueue _queue;
    private readonly VirtioDeviceContext _context;
    private readonly ITraceSink? _trace;
    private BlockRequest? _posted;
    private bool _isStopping;

    /// <summary>Starts with a queue that is ready.</summary>
    public BlockQueue(BlockState state, VirtQueue queue, VirtioDeviceContext context)
    {
        _state = state;
        _queue = queue;
        _context = context;
        _trace = context.Trace(TraceCategory.Block);
    }

    /// <summary>Goes on with what the storage is done with, then starts what the driver has made available.</summary>
    public void Process()
    {
        for (var request = TakePosted(); request is not null;)
        {
            var next = request.Next;
            request.Next = null;
            Resume(request);
            request = next;
        }

        while (_queue.TryTake(out var chain))
        {
            var request = chain.State as BlockRequest;
            if (request is null)
            {
                chain.State = request = new BlockRequest(this, chain);
            }

            request.Start(_context.Clock.GetTimestamp());
            Parse(request);
            Run(request);
        }
    }

    /// <summary>The queue stops: what the storage is done with is given back, what it is not follows by itself.</summary>
    public void Stop()
    {
        Volatile.Write(ref _isStopping, true);
        // Pairs with the barrier in Post: one of both sees what the other stored.
        Interlocked.MemoryBarrier();
        for (var request = TakePosted(); request is not null; request = request.Next)
        {
            Discard(request);
            _queue.Complete(request.Chain, 0);
        }
    }

    /// <summary>Hands a request back to the worker. Any thread.</summary>
    public void Post(BlockRequest request)
    {
        BlockRequest? head;
        do
        {
            head = Volatile.Read(ref _posted);
            request.Next = head;
        }
        while (Interlocked.CompareExchange(ref _posted, request, head) != head);
        if (!Volatile.Read(ref _isStopping))
        {
            _context.Wake(_queue.Index);
            return;
        }

        for (var left = Interlocked.Exchange(ref _posted, null); left is not null;)
        {
            var next = left.Next; // read first: a posted chain is the worker's
            Discard(left);
            _queue.PostCompletion(left.Chain, 0);
            left = next;
        }
    }

    // What the storage says does not matter any more, but a result is taken once all the same.
    private static void Discard(BlockRequest request)
    {
        try
        {
            request.TakeResult();
        }
        catch (Exception e) when (HostFailure.IsOfRequest(e))
        {
            // The driver gave the request up.
        }
    }

    private static Memory<byte>[] MakeEraseList()
    {
        var list = new Memory<byte>[BlockLimits.EraseBytes / Zeroes.Length];
        Array.Fill(list, Zeroes);
        return list;
    }

    // The list holds the youngest first.
    private BlockRequest? TakePosted()
    {
        var posted = Volatile.Read(ref _posted) is null ? null : Interlocked.Exchange(ref _posted, null);
        BlockRequest? oldest = null;
        while (posted is not null)
        {
            var next = posted.Next;
            posted.Next = oldest;
            oldest = posted;
            posted = next;
        }

        return oldest;
    }

    private void Parse(BlockRequest request)
    {
        try
        {
            BlockRequestParser.Parse(_state, request);
        }
        catch (Exception e) when (HostFailure.IsOfRequest(e))
        {
            Fail(request, e); // the caller's source of lifetime metrics
        }
    }

    private void Resume(BlockRequest request)
    {
        try
        {
            Advance(request, request.TakeResult());
        }
        catch (Exception e) when (HostFailure.IsOfRequest(e))
        {
            Fail(request, e);
        }

        Run(request);
    }

    private void Run(BlockRequest request)
    {
        while (request.Step != BlockStep.Done)
        {
            try
            {
                if (!TryFinish(request, Begin(request)))
                {
                    return;
                }
            }
            catch (Exception e) when (HostFailure.IsOfRequest(e))
            {
                Fail(request, e);
            }
        }

        Complete(request);
    }

    // False if the storage is not done yet: the request comes back by itself.
    private bool TryFinish(BlockRequest request, ValueTask<BlockResult> task)
    {
        var awaiter = task.ConfigureAwait(false).GetAwaiter();
        if (awaiter.IsCompleted)
        {
            Advance(request, awaiter.GetResult());
            return true;
        }

        request.Chain.MarkPending();
        request.Await(awaiter);
        return false;
    }

    private ValueTask<BlockResult> Begin(BlockRequest request)
    {
        var stop = _queue.Cancellation;
        var storage = _state.Storage;
        switch (request.Step)
        {
            case BlockStep.Transfer:
                var offset = (long)request.Header.Sector * BlockLimits.SectorBytes;
                return request.Type == BlockRequestType.In
                    ? storage.ReadAsync(offset, request.Buffers, stop)
                    : storage.WriteAsync(offset, request.Buffers, stop);
            case BlockStep.Range:
                return BeginRange(request, request.Ranges[request.RangeIndex]);
            default:
                return storage.FlushAsync(stop);
        }
    }

    private ValueTask<BlockResult> BeginRange(BlockRequest request, BlockRange range)
    {
        var stop = _queue.Cancellation;
        var start = (long)range.Sector * BlockLimits.SectorBytes;
        var length = (long)range.SectorCount * BlockLimits.SectorBytes;
        switch (request.Type)
        {
            case BlockRequestType.Discard:
                request.RangeDoneBytes = length;
                return _state.Storage.DiscardAsync(start, length, stop);
            case BlockRequestType.WriteZeroes:
                request.RangeDoneBytes = length;
                return _state.Storage.WriteZeroesAsync(start, length, (range.Flags & BlockRange.Unmap) != 0, stop);
            default:
                var left = length - request.RangeDoneBytes;
                start += request.RangeDoneBytes;
                BufferList zeroes = left >= BlockLimits.EraseBytes
                    ? new BufferList(EraseList)
                    : Zeroes.AsMemory(0, (int)Math.Min(left, Zeroes.Length));
                request.RangeDoneBytes += zeroes.LengthBytes;
                return _state.Storage.WriteAsync(start, zeroes, stop);
        }
    }

    private void Advance(BlockRequest request, BlockResult result)
    {
        if (result != BlockResult.Ok)
        {
            var isUnsupported = result == BlockResult.Unsupported && request.Step == BlockStep.Range;
            request.End(isUnsupported ? BlockRequestStatus.Unsupported : BlockRequestStatus.IoError);
            return;
        }

        switch (request.Step)
        {
            case BlockStep.Transfer when request.Type == BlockRequestType.In:
                request.WrittenBytes = (uint)request.DataBytes;
                request.End(BlockRequestStatus.Ok);
                break;
            case BlockStep.Transfer:
                EndWrite(request);
                break;
            case BlockStep.Range:
                AdvanceRange(request);
                break;
            default:
                request.End(BlockRequestStatus.Ok);
                break;
        }
    }

    private void AdvanceRange(BlockRequest request)
    {
        var range = request.Ranges[request.RangeIndex];
        if (request.RangeDoneBytes < (long)range.SectorCount * BlockLimits.SectorBytes)
        {
            return;
        }

        request.RangeDoneBytes = 0;
        if (++request.RangeIndex < request.RangeCount)
        {
            return;
        }

        EndWrite(request);
    }

    // Virtio 1.3, 5.2.6.2: without a cache that the driver knows of, a write is durable before it completes. An
    // erase is worth nothing while it is in a cache only.
    private void EndWrite(BlockRequest request)
    {
        var mustCommit = request.Type switch
        {
            BlockRequestType.SecureErase => true,
            BlockRequestType.Discard => false,
            _ => _state.MustCommitWrites,
        };
        if (mustCommit)
        {
            request.Step = BlockStep.Commit;
        }
        else
        {
            request.End(BlockRequestStatus.Ok);
        }
    }

    private void Fail(BlockRequest request, Exception cause)
    {
        var step = request.Step;
        request.End(BlockRequestStatus.IoError);
        if (cause is OperationCanceledException && _queue.Cancellation.IsCancellationRequested)
        {
            return; // the driver gave the request up
        }

        var offset = step == BlockStep.Transfer ? (long?)request.Header.Sector * BlockLimits.SectorBytes : null;
        _state.ReportFailure(HostFailure.From(cause, OperationOf(step, request.Type), _state.Storage.Name, offset));
    }

    private static BlockOperation OperationOf(BlockStep step, BlockRequestType type) => (step, type) switch
    {
        (BlockStep.Commit, _) => BlockOperation.Flush,
        (_, BlockRequestType.In) => BlockOperation.Read,
        (_, BlockRequestType.Discard) => BlockOperation.Discard,
        (_, BlockRequestType.WriteZeroes) => BlockOperation.WriteZeroes,
        _ => BlockOperation.Write,
    };

    private void Complete(BlockRequest request)
    {
        var chain = request.Chain;
        if (!chain.IsLive)
        {
            _queue.Complete(chain, 0);
            return;
        }

        var written = request.WrittenBytes;
        var hasStatus = chain.WritableBytes > 0
            && chain.TryWriteAt(chain.WritableBytes - 1, [(byte)request.Status]);
        // The length counts what was written from the start (2.7.8.2): the status only if no gap is before it.
        if (hasStatus && written == chain.WritableBytes - 1)
        {
            written++;
        }

        Count(request, failed: !hasStatus || request.Status != BlockRequestStatus.Ok);
        _queue.Complete(chain, written);
    }

    private void Count(BlockRequest request, bool failed)
    {
        var isOk = request.Status == BlockRequestStatus.Ok;
        _context.Statistics.Count(
            isOk && request.Type == BlockRequestType.In ? (long)request.DataBytes : 0,
            isOk && request.Type == BlockRequestType.Out ? (long)request.DataBytes : 0,
            _context.NanosecondsSince(request.StartTimestamp),
            failed);
        _trace?.Emit(new TraceEvent(
            TraceCategory.Block,
            _context.Name,
            NameOf(request.Type),
            unchecked(request.Header.Sector * BlockLimits.SectorBytes),
            (ulong)request.Status,
            (uint)Math.Min(request.DataBytes, uint.MaxValue)));
    }

    private static string NameOf(BlockRequestType type) => type switch
    {
        BlockRequestType.In => "read",
        BlockRequestType.Out => "write",
        BlockRequestType.Flush => "flush",
        BlockRequestType.GetId => "get-id",
        BlockRequestType.GetLifetime => "get-lifetime",
        BlockRequestType.Discard => "discard",
        BlockRequestType.WriteZeroes => "write-zeroes",
        BlockRequestType.SecureErase => "secure-erase",
        _ => "unknown",
    };
}
