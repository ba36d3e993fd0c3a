namespace Eider.Storage.Layers;

/// <summary>
/// A storage that stands on another one and hands every request on as it is; a layer overrides what it changes.
/// </summary>
public abstract class BlockStorageLayer : BlockStorage
{
    private readonly bool _leaveOpen;

    /// <summary>A layer.</summary>
    /// <param name="inner">What it stands on.</param>
    /// <param name="leaveOpen">True if closing the layer shall not close what it stands on.</param>
    protected BlockStorageLayer(BlockStorage inner, bool leaveOpen = false)
    {
        ArgumentNullException.ThrowIfNull(inner);
        Inner = inner;
        _leaveOpen = leaveOpen;
        inner.SizeChanged += OnInnerSizeChanged;
    }

    /// <inheritdoc/>
    public override string Name => Inner.Name;

    /// <inheritdoc/>
    public override BlockGeometry Geometry => Inner.Geometry;

    /// <inheritdoc/>
    public override long SizeBytes => Inner.SizeBytes;

    /// <summary>What the layer stands on.</summary>
    protected BlockStorage Inner { get; }

    /// <inheritdoc/>
    protected override ValueTask<BlockResult> ReadCoreAsync(
        long offsetBytes, BufferList buffers, CancellationToken cancellationToken) =>
        Inner.ReadAsync(offsetBytes, buffers, cancellationToken);

    /// <inheritdoc/>
    protected override ValueTask<BlockResult> WriteCoreAsync(
        long offsetBytes, BufferList buffers, CancellationToken cancellationToken) =>
        Inner.WriteAsync(offsetBytes, buffers, cancellationToken);

    /// <inheritdoc/>
    protected override ValueTask<BlockResult> FlushCoreAsync(CancellationToken cancellationToken) =>
        Inner.FlushAsync(cancellationToken);

    /// <inheritdoc/>
    protected override ValueTask<BlockResult> DiscardCoreAsync(
        long offsetBytes, long lengthBytes, CancellationToken cancellationToken) =>
        Inner.DiscardAsync(offsetBytes, lengthBytes, cancellationToken);

    /// <inheritdoc/>
    protected override ValueTask<BlockResult> WriteZeroesCoreAsync(
        long offsetBytes, long lengthBytes, bool mayUnmap, CancellationToken cancellationToken) =>
        Inner.WriteZeroesAsync(offsetBytes, lengthBytes, mayUnmap, cancellationToken);

    /// <inheritdoc/>
    protected override ValueTask<BlockExtent> GetExtentCoreAsync(
        long offsetBytes, long lengthBytes, CancellationToken cancellationToken) =>
        Inner.GetExtentAsync(offsetBytes, lengthBytes, cancellationToken);

    /// <inheritdoc/>
    protected override ValueTask<BlockResult> ResizeCoreAsync(long sizeBytes, CancellationToken cancellationToken) =>
        Inner.ResizeAsync(sizeBytes, cancellationToken);

    /// <inheritdoc/>
    protected override async ValueTask DisposeCoreAsync()
    {
        Inner.SizeChanged -= OnInnerSizeChanged;
        if (!_leaveOpen)
        {
            await Inner.DisposeAsync().ConfigureAwait(false);
        }

        await base.DisposeCoreAsync().ConfigureAwait(false);
    }

    /// <summary>Called after the size below changed; tells the listeners of the layer.</summary>
    protected virtual void OnInnerSizeChanged(object? sender, EventArgs eventArgs) => OnSizeChanged();
}
