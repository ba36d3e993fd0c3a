namespace Eider.Storage.Layers;

/// <summary>A guard: whoever stands on it can read, and nothing else, whatever lies below would allow.</summary>
public sealed class ReadOnlyStorage : BlockStorageLayer
{
    /// <summary>A guarded storage.</summary>
    /// <param name="inner">What it stands on.</param>
    /// <param name="leaveOpen">True if closing the layer shall not close what it stands on.</param>
    public ReadOnlyStorage(BlockStorage inner, bool leaveOpen = false)
        : base(inner, leaveOpen) =>
        Geometry = Inner.Geometry with
        {
            IsReadOnly = true,
            CanDiscard = false,
            DiscardGranularityBytes = 0,
            WriteZeroesMayUnmap = false,
        };

    /// <inheritdoc/>
    public override BlockGeometry Geometry { get; }

    /// <summary>Nothing was written through the guard, so nothing is passed on.</summary>
    protected override ValueTask<BlockResult> FlushCoreAsync(CancellationToken cancellationToken) =>
        ValueTask.FromResult(BlockResult.Ok);
}
