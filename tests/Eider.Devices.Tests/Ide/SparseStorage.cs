using Eider.Storage;

namespace Eider.Devices.Tests.Ide;

/// <summary>A storage of any size that holds nothing.</summary>
internal sealed class SparseStorage(long sectors, BlockGeometry? geometry = null) : BlockStorage
{
    public override string Name => "sparse";

    public override BlockGeometry Geometry { get; } = geometry ?? new BlockGeometry();

    public override long SizeBytes => sectors * 512;

    protected override ValueTask<BlockResult> ReadCoreAsync(long offsetBytes, BufferList buffers, CancellationToken cancellationToken)
    {
        buffers.Clear();
        return ValueTask.FromResult(BlockResult.Ok);
    }

    protected override ValueTask<BlockResult> WriteCoreAsync(
        long offsetBytes, BufferList buffers, CancellationToken cancellationToken) => ValueTask.FromResult(BlockResult.Ok);

    protected override ValueTask<BlockResult> FlushCoreAsync(CancellationToken cancellationToken) => ValueTask.FromResult(BlockResult.Ok);

    protected override ValueTask<BlockResult> WriteZeroesCoreAsync(
        long offsetBytes, long lengthBytes, bool mayUnmap, CancellationToken cancellationToken) => ValueTask.FromResult(BlockResult.Ok);
}
