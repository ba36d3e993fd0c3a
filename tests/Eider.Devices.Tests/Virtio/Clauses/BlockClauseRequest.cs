using Eider.Devices.Virtio.Block;

namespace Eider.Devices.Tests.Virtio.Clauses;

/// <summary>A request that a disk was given, with some room for data before its status.</summary>
internal sealed class BlockClauseRequest(
    BlockClauseBench clause, ulong input, int roomBytes, ulong status, (ulong Address, ulong Length)[] bookkeeping)
{
    /// <summary>
    /// It came back with a status and so many bytes of data; nothing else was written. Its length counts the bytes
    /// written from the start (2.7.8.2): the status is among them only if there is no gap before it.
    /// </summary>
    public void Expect(BlockRequestStatus expected, int dataBytes = 0)
    {
        Assert.True(clause.Ring.TryGetUsed(out var used), "the request was not used");
        Assert.Equal(expected, (BlockRequestStatus)clause.Ring.Read(status, 1)[0]);
        clause.Expect(ClauseBench.Live, ClauseBench.Used, [.. bookkeeping, (status, 1), (input, (ulong)dataBytes)]);
        Assert.Equal((uint)(dataBytes == roomBytes ? dataBytes + 1 : dataBytes), used.WrittenBytes);
    }

    /// <summary>The data it brought.</summary>
    public byte[] Data(int lengthBytes) => clause.Ring.Read(input, lengthBytes);
}
