using Eider.Storage;
using Eider.Storage.Layers;

namespace Eider.Cli.Images;

/// <summary>Makes each write durable before it completes.</summary>
/// <param name="inner">What is written.</param>
internal sealed class WriteThroughStorage(BlockStorage inner) : BlockStorageLayer(inner)
{
    /// <inheritdoc/>
    protected override async ValueTask<BlockResult> WriteCoreAsync(
        long offsetBytes, BufferList buffers, CancellationToken cancellationToken)
    {
        var result = await base.WriteCoreAsync(offsetBytes, buffers, cancellationToken);
        return result == BlockResult.Ok ? await Inner.FlushAsync(cancellationToken) : result;
    }

    /// <inheritdoc/>
    protected override async ValueTask<BlockResult> WriteZeroesCoreAsync(
        long offsetBytes, long lengthBytes, bool mayUnmap, CancellationToken cancellationToken)
    {
        var result = await base.WriteZeroesCoreAsync(offsetBytes, lengthBytes, mayUnmap, cancellationToken);
        return result == BlockResult.Ok ? await Inner.FlushAsync(cancellationToken) : result;
    }
}
