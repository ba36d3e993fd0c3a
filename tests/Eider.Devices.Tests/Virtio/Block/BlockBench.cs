using System.Buffers.Binary;
using Eider.Devices.Tests.Virtio.Bench;
using Eider.Devices.Virtio.Block;
using Eider.Hardware.Lifecycle;
using Eider.Storage;
using Eider.Testing.Virtio;

namespace Eider.Devices.Tests.Virtio.Block;

/// <summary>A block device on the bench, and a driver's way of asking it.</summary>
internal sealed class BlockBench : IDisposable
{
    public const byte Unwritten = 0xcc;

    public BlockBench(
        ScriptedStorage storage, bool isPacked = false, Func<BlockDevice, BlockDevice>? configure = null,
        ulong refused = 0, ITraceSink? trace = null)
    {
        Storage = storage;
        var settings = new BlockDevice { Storage = storage, Serial = "eider-0001", HostFailed = HostFailures.Add };
        Handler = (configure?.Invoke(settings) ?? settings).Build();
        Bench = DeviceBench.Create(Handler, isPacked, trace: trace);
        Bench.Start(refused);
    }

    public ScriptedStorage Storage { get; }

    public BlockHandler Handler { get; }

    public DeviceBench Bench { get; }

    public List<BlockStorageException> HostFailures { get; } = [];

    public static byte[] Header(BlockRequestType type, ulong sector)
    {
        var header = new byte[16];
        BinaryPrimitives.WriteUInt32LittleEndian(header, unchecked((uint)type));
        BinaryPrimitives.WriteUInt64LittleEndian(header.AsSpan(8), sector);
        return header;
    }

    public static byte[] Ranges(params (ulong Sector, uint Count, uint Flags)[] ranges)
    {
        var bytes = new byte[ranges.Length * 16];
        for (var i = 0; i < ranges.Length; i++)
        {
            var range = bytes.AsSpan(i * 16);
            BinaryPrimitives.WriteUInt64LittleEndian(range, ranges[i].Sector);
            BinaryPrimitives.WriteUInt32LittleEndian(range[8..], ranges[i].Count);
            BinaryPrimitives.WriteUInt32LittleEndian(range[12..], ranges[i].Flags);
        }

        return bytes;
    }

    public static ulong Mask(BlockFeature feature) => 1UL << (int)feature;

    /// <summary>A request in the framing that Linux uses: header, data, status.</summary>
    public BenchTicket Submit(BlockRequestType type, ulong sector, ReadOnlySpan<byte> output = default, int inputBytes = 0, int queue = 0)
    {
        var buffers = new List<DriverBuffer> { Bench.Readable(Header(type, sector)) };
        if (!output.IsEmpty)
        {
            buffers.Add(Bench.Readable(output));
        }

        if (inputBytes > 0)
        {
            buffers.Add(Bench.Writable(inputBytes, Unwritten));
        }

        buffers.Add(Bench.Writable(1, 0xff));
        return Bench.Submit(queue, [.. buffers]);
    }

    public BenchTicket Do(BlockRequestType type, ulong sector, ReadOnlySpan<byte> output = default, int inputBytes = 0)
    {
        var ticket = Submit(type, sector, output, inputBytes);
        Bench.Run();
        return ticket;
    }

    public BlockRequestStatus StatusOf(BenchTicket ticket)
    {
        Assert.True(ticket.IsUsed, "the request was not completed");
        return (BlockRequestStatus)Bench.Read(ticket.Buffers[^1])[^1];
    }

    /// <summary>What the device put into the data of a request with one data buffer.</summary>
    public byte[] DataOf(BenchTicket ticket) => Bench.Read(ticket.Buffers[^2]);

    public void Dispose() => Bench.Dispose();
}
