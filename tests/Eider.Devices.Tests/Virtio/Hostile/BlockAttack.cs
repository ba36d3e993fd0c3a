using Eider.Devices.Tests.Virtio.Block;
using Eider.Devices.Tests.Virtio.Clauses;
using Eider.Devices.Virtio.Block;
using Eider.Testing.Virtio;

namespace Eider.Devices.Tests.Virtio.Hostile;

/// <summary>A guest that frames its requests by hand, on a disk of 64 sectors whose bytes are known.</summary>
internal sealed class BlockAttack
{
    private readonly List<DriverBuffer> _buffers = [];
    private readonly byte[] _before;

    private BlockAttack(BlockClauseBench clause)
    {
        Clause = clause;
        for (var i = 0; i < clause.Storage.Content.Length; i++)
        {
            clause.Storage.Content[i] = (byte)(i % 251);
        }

        _before = [.. clause.Storage.Content];
        clause.Storage.Log!.Clear();
    }

    public BlockClauseBench Clause { get; }

    /// <summary>The buffers so far.</summary>
    public IReadOnlyList<DriverBuffer> Buffers => _buffers;

    public static HostileScenario Scenario(
        string name, Action<BlockAttack> attack, Func<BlockDevice, BlockDevice>? configure = null, ulong refused = 0) =>
        new("block", name, Rings.Both, async features =>
        {
            // A cache that the guest knows of, so that no flush of ours stands in the log.
            await using var clause = BlockClauseBench.Started(features, configure, refused);
            attack(new BlockAttack(clause));
        });

    /// <summary>A header.</summary>
    public BlockAttack Header(uint type, ulong sector, uint reserved = 0)
    {
        var header = BlockBench.Header(unchecked((BlockRequestType)type), sector);
        BitConverter.TryWriteBytes(header.AsSpan(4), reserved);
        return Readable(header);
    }

    /// <summary>A readable buffer with this in it.</summary>
    public BlockAttack Readable(ReadOnlySpan<byte> content)
    {
        var address = Clause.Bench.Allocate((ulong)content.Length, 16);
        Assert.True(Clause.Bench.Ram.TryWrite(address, content));
        return At(address, content.Length, false);
    }

    /// <summary>A writable buffer, full of 0xCC.</summary>
    public BlockAttack Writable(int lengthBytes)
    {
        var address = Clause.Bench.Allocate((ulong)lengthBytes, 16);
        var fill = new byte[lengthBytes];
        Array.Fill(fill, (byte)0xCC);
        Assert.True(Clause.Bench.Ram.TryWrite(address, fill));
        return At(address, lengthBytes, true);
    }

    /// <summary>A buffer anywhere.</summary>
    public BlockAttack At(ulong address, int lengthBytes, bool isWritable)
    {
        _buffers.Add(new DriverBuffer(address, (uint)lengthBytes, isWritable));
        return this;
    }

    /// <summary>
    /// Rings the doorbell. The verdict: the last writable byte is the status, unless there is none; so many bytes of data
    /// were written before it; the used length; what reached the storage.
    /// </summary>
    public void Ends(BlockRequestStatus? status, int dataBytes, uint usedBytes, params string[] log)
    {
        Clause.Watch();
        var used = Clause.NextUsed();
        Clause.Ring.Add([.. _buffers]);
        Clause.Bench.Notify();
        Assert.True(Clause.Ring.TryGetUsed(out var entry), "the request was not used");
        Assert.Equal(log, Clause.Storage.Log);
        if (!log.Any(line => line.StartsWith("Write", StringComparison.Ordinal) || line.StartsWith("Discard", StringComparison.Ordinal)))
        {
            Assert.Equal(_before, Clause.Storage.Content);
        }

        var writes = Bytes(dataBytes).ToList();
        if (status is not null)
        {
            var last = _buffers.Last(buffer => buffer.IsWritable && buffer.LengthBytes != 0);
            var at = last.Address + last.LengthBytes - 1;
            Assert.Equal(status, (BlockRequestStatus)Clause.Ring.Read(at, 1)[0]);
            writes.Add((at, 1));
        }

        Assert.Equal(usedBytes, entry.WrittenBytes);
        Clause.ExpectAndRecover(ClauseBench.Live, ClauseBench.Used, [.. used, Clause.Suppression(), .. writes]);
    }

    private IEnumerable<(ulong, ulong)> Bytes(int count)
    {
        foreach (var buffer in _buffers.Where(buffer => buffer.IsWritable))
        {
            var take = Math.Min(count, (int)buffer.LengthBytes);
            count -= take;
            yield return (buffer.Address, (ulong)take);
        }
    }
}
