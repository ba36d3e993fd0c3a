namespace Eider.Storage.Layers;

/// <summary>
/// Writes down every change in memory before it is made, and every flush after it has ended, so that the states
/// between can be made again (<see cref="WriteLog"/>). A change that fails stays in the log: it may have been made.
/// </summary>
public sealed class WriteLogStorage : BlockStorageLayer
{
    /// <summary>A logged storage.</summary>
    /// <param name="inner">What it stands on.</param>
    /// <param name="leaveOpen">True if closing the layer shall not close what it stands on.</param>
    public WriteLogStorage(BlockStorage inner, bool leaveOpen = false)
        : base(inner, leaveOpen)
    {
    }

    /// <summary>The log.</summary>
    public WriteLog Log { get; } = new();

    /// <inheritdoc/>
    protected override ValueTask<BlockResult> WriteCoreAsync(
        long offsetBytes, BufferList buffers, CancellationToken cancellationToken)
    {
        var data = new byte[buffers.LengthBytes];
        buffers.CopyTo(0, data);
        var index = Log.Begin(BlockOperation.Write, offsetBytes, data.Length, data);

        // The buffers may change meanwhile; what is written is what was written down.
        return EndAsync(index, base.WriteCoreAsync(offsetBytes, data, cancellationToken));
    }

    /// <inheritdoc/>
    protected override ValueTask<BlockResult> WriteZeroesCoreAsync(
        long offsetBytes, long lengthBytes, bool mayUnmap, CancellationToken cancellationToken)
    {
        var index = Log.Begin(BlockOperation.WriteZeroes, offsetBytes, lengthBytes, default);
        return EndAsync(index, base.WriteZeroesCoreAsync(offsetBytes, lengthBytes, mayUnmap, cancellationToken));
    }

    /// <inheritdoc/>
    protected override ValueTask<BlockResult> DiscardCoreAsync(
        long offsetBytes, long lengthBytes, CancellationToken cancellationToken)
    {
        var index = Log.Begin(BlockOperation.Discard, offsetBytes, lengthBytes, default);
        return EndAsync(index, base.DiscardCoreAsync(offsetBytes, lengthBytes, cancellationToken));
    }

    /// <inheritdoc/>
    protected override ValueTask<BlockResult> ResizeCoreAsync(long sizeBytes, CancellationToken cancellationToken)
    {
        var index = Log.Begin(BlockOperation.Resize, sizeBytes, 0, default);
        return EndAsync(index, base.ResizeCoreAsync(sizeBytes, cancellationToken));
    }

    /// <inheritdoc/>
    protected override async ValueTask<BlockResult> FlushCoreAsync(CancellationToken cancellationToken)
    {
        var ended = Log.EndedCount();
        var result = await base.FlushCoreAsync(cancellationToken).ConfigureAwait(false);
        if (result == BlockResult.Ok)
        {
            Log.AddFlush(ended);
        }

        return result;
    }

    private async ValueTask<BlockResult> EndAsync(int index, ValueTask<BlockResult> change)
    {
        try
        {
            return await change.ConfigureAwait(false);
        }
        finally
        {
            Log.End(index);
        }
    }
}
