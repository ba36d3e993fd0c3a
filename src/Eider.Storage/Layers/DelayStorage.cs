namespace Eider.Storage.Layers;

/// <summary>Lets every request wait before it is run: a slow disk, or one whose requests overtake each other.</summary>
public sealed class DelayStorage : BlockStorageLayer
{
    private readonly TimeProvider _timeProvider;
    private readonly Func<BlockOperation, TimeSpan> _delay;

    /// <summary>The same delay for all requests.</summary>
    /// <param name="inner">What it stands on.</param>
    /// <param name="timeProvider">The clock.</param>
    /// <param name="delay">How long each request waits.</param>
    /// <param name="leaveOpen">True if closing the layer shall not close what it stands on.</param>
    public DelayStorage(BlockStorage inner, TimeProvider timeProvider, TimeSpan delay, bool leaveOpen = false)
        : this(inner, timeProvider, _ => delay, leaveOpen)
    {
    }

    /// <summary>A delay that is asked for with each request; it may differ from one to the next.</summary>
    /// <param name="inner">What it stands on.</param>
    /// <param name="timeProvider">The clock.</param>
    /// <param name="delay">Called for each request, from any thread; zero lets it pass at once.</param>
    /// <param name="leaveOpen">True if closing the layer shall not close what it stands on.</param>
    public DelayStorage(
        BlockStorage inner, TimeProvider timeProvider, Func<BlockOperation, TimeSpan> delay, bool leaveOpen = false)
        : base(inner, leaveOpen)
    {
        ArgumentNullException.ThrowIfNull(timeProvider);
        ArgumentNullException.ThrowIfNull(delay);
        _timeProvider = timeProvider;
        _delay = delay;
    }

    /// <inheritdoc/>
    protected override async ValueTask<BlockResult> ReadCoreAsync(
        long offsetBytes, BufferList buffers, CancellationToken cancellationToken)
    {
        await WaitAsync(BlockOperation.Read, cancellationToken).ConfigureAwait(false);
        return await base.ReadCoreAsync(offsetBytes, buffers, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    protected override async ValueTask<BlockResult> WriteCoreAsync(
        long offsetBytes, BufferList buffers, CancellationToken cancellationToken)
    {
        await WaitAsync(BlockOperation.Write, cancellationToken).ConfigureAwait(false);
        return await base.WriteCoreAsync(offsetBytes, buffers, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    protected override async ValueTask<BlockResult> FlushCoreAsync(CancellationToken cancellationToken)
    {
        await WaitAsync(BlockOperation.Flush, cancellationToken).ConfigureAwait(false);
        return await base.FlushCoreAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    protected override async ValueTask<BlockResult> DiscardCoreAsync(
        long offsetBytes, long lengthBytes, CancellationToken cancellationToken)
    {
        await WaitAsync(BlockOperation.Discard, cancellationToken).ConfigureAwait(false);
        return await base.DiscardCoreAsync(offsetBytes, lengthBytes, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    protected override async ValueTask<BlockResult> WriteZeroesCoreAsync(
        long offsetBytes, long lengthBytes, bool mayUnmap, CancellationToken cancellationToken)
    {
        await WaitAsync(BlockOperation.WriteZeroes, cancellationToken).ConfigureAwait(false);
        return await base.WriteZeroesCoreAsync(offsetBytes, lengthBytes, mayUnmap, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    protected override async ValueTask<BlockExtent> GetExtentCoreAsync(
        long offsetBytes, long lengthBytes, CancellationToken cancellationToken)
    {
        await WaitAsync(BlockOperation.Extents, cancellationToken).ConfigureAwait(false);
        return await base.GetExtentCoreAsync(offsetBytes, lengthBytes, cancellationToken).ConfigureAwait(false);
    }

    private ValueTask WaitAsync(BlockOperation operation, CancellationToken cancellationToken)
    {
        var delay = _delay(operation);
        return delay > TimeSpan.Zero
            ? new ValueTask(Task.Delay(delay, _timeProvider, cancellationToken))
            : ValueTask.CompletedTask;
    }
}
