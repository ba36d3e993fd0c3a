using Eider.Cli.QemuImg.Nodes;
using Eider.Storage;
using Eider.Storage.Layers;

namespace Eider.Cli.QemuImg;

/// <summary>A disk under the name that the user gave: failures tell that name, and the place on the disk.</summary>
/// <param name="inner">The disk; it stays open.</param>
/// <param name="name">The name.</param>
internal sealed class NamedStorage(BlockStorage inner, string name) : BlockStorageLayer(inner, leaveOpen: true)
{
    /// <inheritdoc/>
    public override string Name => name;

    /// <inheritdoc/>
    protected override async ValueTask<BlockResult> ReadCoreAsync(long offsetBytes, BufferList buffers, CancellationToken cancellationToken)
    {
        try
        {
            return await base.ReadCoreAsync(offsetBytes, buffers, cancellationToken);
        }
        catch (BlockStorageException failure)
        {
            throw Renamed(failure, BlockOperation.Read, offsetBytes);
        }
    }

    /// <inheritdoc/>
    protected override async ValueTask<BlockExtent> GetExtentCoreAsync(long offsetBytes, long lengthBytes, CancellationToken cancellationToken)
    {
        BlkdebugStorage.IsAsking = true;
        try
        {
            return await base.GetExtentCoreAsync(offsetBytes, lengthBytes, cancellationToken);
        }
        catch (BlockStorageException failure)
        {
            throw Renamed(failure, BlockOperation.Extents, offsetBytes);
        }
        finally
        {
            BlkdebugStorage.IsAsking = false;
        }
    }

    private BlockStorageException Renamed(BlockStorageException failure, BlockOperation operation, long offsetBytes) =>
        new(failure.Kind, operation, name, offsetBytes, failure.Message, failure);
}
