using Eider.Devices.BlockIo;
using Eider.Storage;

namespace Eider.Machines.Tests.Machines;

internal sealed class Screens(uint sid) : BioStorage(sid, sizeBytes: 16 * 1024)
{
    private readonly byte[] _content = new byte[16 * 1024];

    protected override ValueTask<BlockResult> DoReadBlocksAsync(uint start, uint count, BufferList buffers, CancellationToken cancellationToken)
    {
        buffers.CopyFrom(0, _content.AsSpan((int)start * BlockBytes, (int)count * BlockBytes));
        return ValueTask.FromResult(BlockResult.Ok);
    }

    protected override ValueTask<BlockResult> DoWriteBlocksAsync(uint start, uint count, BufferList buffers, CancellationToken cancellationToken)
    {
        buffers.CopyTo(0, _content.AsSpan((int)start * BlockBytes, (int)count * BlockBytes));
        return ValueTask.FromResult(BlockResult.Ok);
    }
}
