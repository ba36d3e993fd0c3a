namespace Eider.Storage.Layers;

/// <summary>
/// Counts requests, bytes, failures and time by operation, and failures by kind. Cancelled requests count as failures
/// of their operation, but of no kind.
/// </summary>
public sealed class StatisticsStorage : BlockStorageLayer
{
    private readonly TimeProvider _timeProvider;
    private readonly Counters[] _counters = new Counters[(int)BlockOperation.Resize + 1];
    private readonly long[] _failures = new long[(int)BlockErrorKind.Closed + 1];

    /// <summary>A counting layer.</summary>
    /// <param name="inner">What it stands on.</param>
    /// <param name="timeProvider">The clock.</param>
    /// <param name="leaveOpen">True if closing the layer shall not close what it stands on.</param>
    public StatisticsStorage(BlockStorage inner, TimeProvider timeProvider, bool leaveOpen = false)
        : base(inner, leaveOpen)
    {
        ArgumentNullException.ThrowIfNull(timeProvider);
        _timeProvider = timeProvider;
    }

    /// <summary>What an operation came to until now.</summary>
    public OperationStatistics this[BlockOperation operation]
    {
        get
        {
            ref var counters = ref _counters[(int)operation];
            return new OperationStatistics(
                Interlocked.Read(ref counters.Requests), Interlocked.Read(ref counters.Bytes),
                Interlocked.Read(ref counters.Failures),
                _timeProvider.GetElapsedTime(0, Interlocked.Read(ref counters.Ticks)));
        }
    }

    /// <summary>How many requests failed in a certain way.</summary>
    public long FailuresOf(BlockErrorKind kind) => Interlocked.Read(ref _failures[(int)kind]);

    /// <inheritdoc/>
    protected override ValueTask<BlockResult> ReadCoreAsync(
        long offsetBytes, BufferList buffers, CancellationToken cancellationToken)
    {
        var start = _timeProvider.GetTimestamp();
        var task = base.ReadCoreAsync(offsetBytes, buffers, cancellationToken);
        return CountAsync(task, BlockOperation.Read, buffers.LengthBytes, start);
    }

    /// <inheritdoc/>
    protected override ValueTask<BlockResult> WriteCoreAsync(
        long offsetBytes, BufferList buffers, CancellationToken cancellationToken)
    {
        var start = _timeProvider.GetTimestamp();
        var task = base.WriteCoreAsync(offsetBytes, buffers, cancellationToken);
        return CountAsync(task, BlockOperation.Write, buffers.LengthBytes, start);
    }

    /// <inheritdoc/>
    protected override ValueTask<BlockResult> FlushCoreAsync(CancellationToken cancellationToken)
    {
        var start = _timeProvider.GetTimestamp();
        return CountAsync(base.FlushCoreAsync(cancellationToken), BlockOperation.Flush, 0, start);
    }

    /// <inheritdoc/>
    protected override ValueTask<BlockResult> DiscardCoreAsync(
        long offsetBytes, long lengthBytes, CancellationToken cancellationToken)
    {
        var start = _timeProvider.GetTimestamp();
        var task = base.DiscardCoreAsync(offsetBytes, lengthBytes, cancellationToken);
        return CountAsync(task, BlockOperation.Discard, lengthBytes, start);
    }

    /// <inheritdoc/>
    protected override ValueTask<BlockResult> WriteZeroesCoreAsync(
        long offsetBytes, long lengthBytes, bool mayUnmap, CancellationToken cancellationToken)
    {
        var start = _timeProvider.GetTimestamp();
        var task = base.WriteZeroesCoreAsync(offsetBytes, lengthBytes, mayUnmap, cancellationToken);
        return CountAsync(task, BlockOperation.WriteZeroes, lengthBytes, start);
    }

    /// <inheritdoc/>
    protected override ValueTask<BlockResult> ResizeCoreAsync(long sizeBytes, CancellationToken cancellationToken)
    {
        var start = _timeProvider.GetTimestamp();
        return CountAsync(base.ResizeCoreAsync(sizeBytes, cancellationToken), BlockOperation.Resize, 0, start);
    }

    private async ValueTask<BlockResult> CountAsync(
        ValueTask<BlockResult> task, BlockOperation operation, long lengthBytes, long start)
    {
        var isGood = false;
        try
        {
            var result = await task.ConfigureAwait(false);
            isGood = result == BlockResult.Ok;
            return result;
        }
        catch (Exception exception)
        {
            Interlocked.Increment(ref _counters[(int)operation].Failures);
            if (exception is BlockStorageException { Kind: var kind })
            {
                Interlocked.Increment(ref _failures[(int)kind]);
            }

            throw;
        }
        finally
        {
            ref var counters = ref _counters[(int)operation];
            Interlocked.Increment(ref counters.Requests);
            Interlocked.Add(ref counters.Bytes, isGood ? lengthBytes : 0);
            Interlocked.Add(ref counters.Ticks, _timeProvider.GetTimestamp() - start);
        }
    }

    private struct Counters
    {
        public long Requests;
        public long Bytes;
        public long Failures;
        public long Ticks;
    }
}
