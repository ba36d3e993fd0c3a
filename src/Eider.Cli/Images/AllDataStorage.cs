using Eider.Storage;
using Eider.Storage.Layers;

namespace Eider.Cli.Images;

/// <summary>Says of no place that it is zero, so that a copy writes all of it.</summary>
/// <param name="inner">The disk; it stays open.</param>
internal sealed class AllDataStorage(BlockStorage inner) : BlockStorageLayer(inner, leaveOpen: true)
{
    /// <inheritdoc/>
    protected override ValueTask<BlockExtent> GetExtentCoreAsync(long offsetBytes, long lengthBytes, CancellationToken cancellationToken) =>
        ValueTask.FromResult(new BlockExtent(offsetBytes, lengthBytes, BlockExtentStatus.Data));
}
