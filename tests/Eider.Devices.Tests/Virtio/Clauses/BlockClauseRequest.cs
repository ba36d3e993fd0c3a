using Eider.Devices.Virtio.Block;

namespace Eider.Devices.Tests.Virtio.Clauses;

/// <summary>A request that a disk was given.</summary>
internal sealed class BlockClauseRequest(BlockClauseBench clause, ulong input, ulong status, (ulong Address, ulong Length)[] bookkeeping)
{
    /// <summary>It came back with a status and so many bytes of data before it, and nothing else was written.</summary>
    public void Expect(BlockRequestStatus expected, int dataBytes = 0)
    {
        Assert.True(clause.Ring.TryGetUsed(out var used), "the request was not used");
        Assert.Equal((uint)dataBytes + 1, used.WrittenBytes);
        Assert.Equal(expected, (BlockRequestStatus)clause.Ring.Read(status, 1)[0]);
        clause.Expect(ClauseBench.Live, ClauseBench.Used, [.. bookkeeping, (status, 1), (input, (ulong)dataBytes)]);
    }

    /// <summary>The data it brought.</summary>
    public byte[] Data(int lengthBytes) => clause.Ring.Read(input, lengthBytes);
}
