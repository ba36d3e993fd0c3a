using Eider.Devices.BlockIo;
using Eider.Devices.Tests.Virtio.Block;
using Eider.Storage;

namespace Eider.Devices.Tests.BlockIo;

/// <summary>Storages for tests.</summary>
internal static class BioStorages
{
    public const uint Buffer = Eider.Testing.BlockIo.BioTestBench.RamBase + 0x1_0000;

    /// <summary>Blocks of 1024 bytes whose every word tells its place.</summary>
    public static ScriptedStorage Numbered(int blocks, int extraBytes = 0)
    {
        var content = new byte[(blocks * 1024) + extraBytes];
        for (var i = 0; i + 4 <= content.Length; i += 4)
        {
            BitConverter.TryWriteBytes(content.AsSpan(i), 0x5EED_0000 + (i / 4));
        }

        return new ScriptedStorage(content);
    }

    public static uint WordOf(int block, int word) => 0x5EED_0000 + (uint)((block * 256) + word);

    public static byte[] Pattern(int seed, int length)
    {
        var bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }
}

/// <summary>Blocks of 4, 8, 12, ... bytes: the n-th is 4 n bytes long.</summary>
internal sealed class GrowingStorage(uint sid, int blocks) : BioStorage(sid, OffsetOf(blocks), 4 * blocks)
{
    public byte[] Content { get; } = BioStorages.Pattern(blocks, (int)OffsetOf(blocks));

    public static long OffsetOf(long block) => 2 * block * (block + 1);

    protected override (long OffsetBytes, long LengthBytes) Place(uint start, uint count) =>
        (ulong)start + count > (ulong)blocks ? (-1, 0) : (OffsetOf(start), OffsetOf((long)start + count) - OffsetOf(start));

    protected override ValueTask<BlockResult> DoReadBlocksAsync(uint start, uint count, BufferList buffers, CancellationToken cancellationToken)
    {
        var (offset, length) = Place(start, count);
        buffers.CopyFrom(0, Content.AsSpan((int)offset, (int)length));
        return ValueTask.FromResult(BlockResult.Ok);
    }

    protected override ValueTask<BlockResult> DoWriteBlocksAsync(uint start, uint count, BufferList buffers, CancellationToken cancellationToken)
    {
        var (offset, length) = Place(start, count);
        buffers.CopyTo(0, Content.AsSpan((int)offset, (int)length));
        return ValueTask.FromResult(BlockResult.Ok);
    }
}
