using Eider.Storage;

namespace Eider.Cli.QemuImg.Nodes;

/// <summary>Reads as zeroes and forgets what is written, as QEMU's <c>null-co</c> with <c>read-zeroes</c>.</summary>
/// <param name="name">What it is called.</param>
/// <param name="sizeBytes">Its size.</param>
/// <param name="isReadOnly">True to refuse writes.</param>
internal sealed class NullStorage(string name, long sizeBytes, bool isReadOnly) : BlockStorage
{
    public override string Name => name;

    public override long SizeBytes => sizeBytes;

    public override BlockGeometry Geometry { get; } = new() { IsReadOnly = isReadOnly };

    protected override ValueTask<BlockResult> ReadCoreAsync(long offsetBytes, BufferList buffers, CancellationToken cancellationToken)
    {
        for (var index = 0; index < buffers.Count; index++)
        {
            buffers[index].Span.Clear();
        }

        return Done;
    }

    protected override ValueTask<BlockResult> WriteCoreAsync(long offsetBytes, BufferList buffers, CancellationToken cancellationToken) => Done;

    protected override ValueTask<BlockResult> FlushCoreAsync(CancellationToken cancellationToken) => Done;

    protected override ValueTask<BlockResult> WriteZeroesCoreAsync(
        long offsetBytes, long lengthBytes, bool mayUnmap, CancellationToken cancellationToken) => Done;

    private static ValueTask<BlockResult> Done => ValueTask.FromResult(BlockResult.Ok);
}
