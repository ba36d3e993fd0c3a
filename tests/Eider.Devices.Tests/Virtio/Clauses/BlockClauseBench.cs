using Eider.Devices.Tests.Virtio.Block;
using Eider.Devices.Virtio.Block;
using Eider.Testing.Virtio;

namespace Eider.Devices.Tests.Virtio.Clauses;

/// <summary>A disk of 64 sectors on its bus.</summary>
internal sealed class BlockClauseBench : ClauseBench
{
    public const int Sectors = 64;

    public BlockClauseBench(ulong features, Func<BlockDevice, BlockDevice>? configure = null, ulong refused = 0)
        : this(new ScriptedStorage(new byte[Sectors * 512]), features, configure ?? (device => device), refused)
    {
    }

    private BlockClauseBench(ScriptedStorage storage, ulong features, Func<BlockDevice, BlockDevice> configure, ulong refused)
        : this(configure(new BlockDevice { Storage = storage, Serial = "eider" }).Build(), features, refused) => Storage = storage;

    private BlockClauseBench(BlockHandler device, ulong features, ulong refused)
        : base(device, features | (device.Features & ~refused), null, 1) => Storage = null!;

    public ScriptedStorage Storage { get; }

    public static ulong Mask(BlockFeature feature) => 1UL << (int)feature;

    /// <summary>A bench whose disk is up.</summary>
    public static BlockClauseBench Started(ulong features, Func<BlockDevice, BlockDevice>? configure = null, ulong refused = 0)
    {
        var bench = new BlockClauseBench(features, configure, refused: refused);
        bench.Start();
        return bench;
    }

    /// <summary>Makes a request and runs it; watches from before.</summary>
    /// <param name="type">Its type, which may be unknown.</param>
    /// <param name="sector">Its sector.</param>
    /// <param name="output">Data to the device.</param>
    /// <param name="inputBytes">Room for data from the device.</param>
    public BlockClauseRequest Do(BlockRequestType type, ulong sector, ReadOnlySpan<byte> output = default, int inputBytes = 0)
    {
        var header = Bench.Allocate(16, 16);
        Ring.Write(header, BlockBench.Header(type, sector));
        var buffers = new List<DriverBuffer> { new(header, 16, false) };
        if (!output.IsEmpty)
        {
            var data = Bench.Allocate((ulong)output.Length, 16);
            Ring.Write(data, output);
            buffers.Add(new(data, (uint)output.Length, false));
        }

        var input = Bench.Allocate((ulong)inputBytes, 16);
        if (inputBytes != 0)
        {
            buffers.Add(new(input, (uint)inputBytes, true));
        }

        var status = Bench.Allocate(1, 16);
        Ring.Write(status, [0xFF]);
        buffers.Add(new(status, 1, true));
        Watch();
        var used = NextUsed();
        Ring.Add([.. buffers]);
        Bench.Notify();
        return new(this, input, inputBytes, status, [.. used, Suppression()]);
    }

    /// <summary>A request ends with a status, writes that byte and its used entry only, and changes nothing on the disk.</summary>
    public void ExpectRefused(BlockRequestStatus expected, BlockRequestType type, ulong sector, ReadOnlySpan<byte> output = default, int inputBytes = 0)
    {
        var before = Storage.Content.ToArray();
        Storage.Log!.Clear();
        Do(type, sector, output, inputBytes).Expect(expected);
        Assert.Empty(Storage.Log);
        Assert.Equal(before, Storage.Content);
    }

    public override void Serve() => Do(BlockRequestType.In, 0, inputBytes: 512).Expect(BlockRequestStatus.Ok, 512);
}
