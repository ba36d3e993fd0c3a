namespace Eider.Storage.Layers;

/// <summary>Tells a sink of every request that ended: what, where, how long, how.</summary>
public sealed class TraceStorage : BlockStorageLayer
{
    private readonly TimeProvider _timeProvider;
    private readonly Action<BlockTraceEntry> _sink;
    private readonly long _start;
    private long _number;

    /// <summary>A traced storage.</summary>
    /// <param name="inner">What it stands on.</param>
    /// <param name="timeProvider">The clock.</param>
    /// <param name="sink">Called for each request at its end, from any thread; it should be quick.</param>
    /// <param name="leaveOpen">True if closing the layer shall not close what it stands on.</param>
    public TraceStorage(BlockStorage inner, TimeProvider timeProvider, Action<BlockTraceEntry> sink, bool leaveOpen = false)
        : base(inner, leaveOpen)
    {
        ArgumentNullException.ThrowIfNull(timeProvider);
        ArgumentNullException.ThrowIfNull(sink);
        _timeProvider = timeProvider;
        _sink = sink;
        _start = timeProvider.GetTimestamp();
    }

    /// <summary>What the sink writes to, closed with the layer.</summary>
    internal IDisposable? Owned { get; init; }

    /// <inheritdoc/>
    protected override ValueTask<BlockResult> ReadCoreAsync(
        long offsetBytes, BufferList buffers, CancellationToken cancellationToken)
    {
        var call = Begin(BlockOperation.Read, offsetBytes, buffers.LengthBytes);
        return EndAsync(call, base.ReadCoreAsync(offsetBytes, buffers, cancellationToken));
    }

    /// <inheritdoc/>
    protected override ValueTask<BlockResult> WriteCoreAsync(
        long offsetBytes, BufferList buffers, CancellationToken cancellationToken)
    {
        var call = Begin(BlockOperation.Write, offsetBytes, buffers.LengthBytes);
        return EndAsync(call, base.WriteCoreAsync(offsetBytes, buffers, cancellationToken));
    }

    /// <inheritdoc/>
    protected override ValueTask<BlockResult> FlushCoreAsync(CancellationToken cancellationToken)
    {
        var call = Begin(BlockOperation.Flush, 0, 0);
        return EndAsync(call, base.FlushCoreAsync(cancellationToken));
    }

    /// <inheritdoc/>
    protected override ValueTask<BlockResult> DiscardCoreAsync(
        long offsetBytes, long lengthBytes, CancellationToken cancellationToken)
    {
        var call = Begin(BlockOperation.Discard, offsetBytes, lengthBytes);
        return EndAsync(call, base.DiscardCoreAsync(offsetBytes, lengthBytes, cancellationToken));
    }

    /// <inheritdoc/>
    protected override ValueTask<BlockResult> WriteZeroesCoreAsync(
        long offsetBytes, long lengthBytes, bool mayUnmap, CancellationToken cancellationToken)
    {
        var call = Begin(BlockOperation.WriteZeroes, offsetBytes, lengthBytes);
        return EndAsync(call, base.WriteZeroesCoreAsync(offsetBytes, lengthBytes, mayUnmap, cancellationToken));
    }

    /// <inheritdoc/>
    protected override ValueTask<BlockResult> ResizeCoreAsync(long sizeBytes, CancellationToken cancellationToken)
    {
        var call = Begin(BlockOperation.Resize, sizeBytes, 0);
        return EndAsync(call, base.ResizeCoreAsync(sizeBytes, cancellationToken));
    }

    /// <inheritdoc/>
    protected override async ValueTask DisposeCoreAsync()
    {
        await base.DisposeCoreAsync().ConfigureAwait(false);
        Owned?.Dispose();
    }

    private BlockTraceEntry Begin(BlockOperation operation, long offsetBytes, long lengthBytes) => new(
        Interlocked.Increment(ref _number), _timeProvider.GetElapsedTime(_start), default, operation, offsetBytes, lengthBytes,
        BlockResult.Ok, null);

    private async ValueTask<BlockResult> EndAsync(BlockTraceEntry call, ValueTask<BlockResult> request)
    {
        try
        {
            var result = await request.ConfigureAwait(false);
            _sink(call with { Result = result, Duration = _timeProvider.GetElapsedTime(_start) - call.Time });
            return result;
        }
        catch (Exception exception)
        {
            var failure = exception is BlockStorageException known ? known.Kind.ToString() : exception.GetType().Name;
            _sink(call with { Failure = failure, Duration = _timeProvider.GetElapsedTime(_start) - call.Time });
            throw;
        }
    }
}
