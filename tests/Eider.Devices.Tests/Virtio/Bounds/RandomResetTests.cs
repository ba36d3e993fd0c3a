using Eider.Devices.Tests.Virtio.Block;
using Eider.Devices.Virtio;
using Eider.Devices.Virtio.Block;
using Eider.Devices.Virtio.Console;
using Eider.Devices.Virtio.Entropy;
using Eider.Devices.Virtio.Transport;
using Eider.Testing.Virtio;

namespace Eider.Devices.Tests.Virtio.Bounds;

/// <summary>
/// 10,000 resets at random times with requests in flight, over disk, console and entropy source on both kinds of ring:
/// after each one no byte of guest memory is written and no interrupt raised for the old life.
/// </summary>
public sealed class RandomResetTests(ITestOutputHelper output)
{
    private const int QueueSize = 16;
    private const int DataBytes = 1 << 16;

    [Theory]
    [InlineData("disk", FeatureSets.Split, 2500)]
    [InlineData("disk", FeatureSets.Packed, 2500)]
    [InlineData("console", FeatureSets.Split, 1500)]
    [InlineData("console", FeatureSets.Packed, 1500)]
    [InlineData("entropy source", FeatureSets.Split, 1000)]
    [InlineData("entropy source", FeatureSets.Packed, 1000)]
    public async Task Nothing_of_the_old_life_is_written_or_signalled(string kind, ulong layout, int resets)
    {
        var random = new Random(resets + (layout == FeatureSets.Packed ? 1 : 0));
        await using var scene = new Scene(kind, random);
        WatchedMemory? memory = null;
        await using var bench = new VirtioTestBench(
            scene.Device, new VirtioTransportOptions { Offered = FeatureSets.All }, ram => memory = new WatchedMemory(ram));
        var features = layout | FeatureSets.Indirect | FeatureSets.EventIdx | VirtioFeature.RingReset.Mask()
            | (bench.Mmio.OfferedFeatures & ~VirtioFeatures.Reserved);
        var inFlight = 0;
        for (var life = 0; life < resets; life++)
        {
            var data = Live(bench, scene, features, random);
            inFlight += IsBusy(bench) ? 1 : 0;
            Reset(bench, scene, random);
            ExpectSilence(bench, scene, memory!, data, random);
        }

        output.WriteLine($"{kind}: {resets} resets, {inFlight} with requests in flight");
        Assert.InRange(inFlight, resets / 3, resets);
        Assert.Empty(memory!.WritesWhileFrozen);
        Assert.Equal(0, bench.Mmio.Faults);
    }

    // One life of a driver: requests, and some progress of the host.
    private static ulong Live(VirtioTestBench bench, Scene scene, ulong features, Random random)
    {
        bench.FreeAll();
        bench.Start(features, QueueSize, scene.Device.QueueSizes.Count);
        var data = bench.Allocate(DataBytes);
        scene.Prepare(bench, data);
        for (var step = random.Next(1, 8); step > 0; step--)
        {
            var queue = random.Next(bench.Rings.Count);
            while (bench.Rings[queue].FreeCount >= 3 && random.Next(4) != 0)
            {
                bench.Rings[queue].Add(scene.MakeRequest(data, queue));
            }

            bench.Write(VirtioMmioRegister.QueueNotify, (uint)queue);
            bench.Workers.RunPending(random.Next(4));
            scene.Progress();
        }

        return data;
    }

    private static bool IsBusy(VirtioTestBench bench) => bench.Rings.Values.Any(ring =>
    {
        while (ring.TryGetUsed(out _))
        {
            // Given back before the reset.
        }

        return ring.FreeCount < QueueSize;
    });

    private static void Reset(VirtioTestBench bench, Scene scene, Random random)
    {
        // A queue or two may go before the device does.
        for (var i = random.Next(3); i > 0; i--)
        {
            bench.Write(VirtioMmioRegister.QueueSel, (uint)random.Next(bench.Rings.Count));
            bench.BeginWrite(random.Next(2) == 0 ? VirtioMmioRegister.QueueReset : VirtioMmioRegister.QueueReady, (uint)random.Next(2));
            bench.Workers.RunPending(random.Next(3));
        }

        var pending = bench.BeginWrite(VirtioMmioRegister.Status, 0).Pending;
        for (var i = 0; i < 200 && pending is { IsCompleted: false }; i++)
        {
            bench.Run();
            scene.Progress();
        }

        Assert.True(pending is null or { IsCompleted: true }, "the reset never ended");
        Assert.Equal(DeviceStatus.None, bench.Status);
    }

    private static void ExpectSilence(VirtioTestBench bench, Scene scene, WatchedMemory memory, ulong data, Random random)
    {
        Assert.Equal(0, memory.Leases);
        Assert.False(bench.Line.Level);
        memory.IsFrozen = true;
        var rises = bench.Line.Rises;
        var before = bench.Rings[0].Read(data, DataBytes);
        for (var i = 0; i < 3; i++)
        {
            scene.Progress();
            scene.Disturb();
            bench.BeginWrite(VirtioMmioRegister.QueueNotify, (uint)random.Next(bench.Rings.Count));
            bench.Timebase.Advance(bench.Timebase.FrequencyHz);
            bench.Run();
        }

        Assert.Equal(rises, bench.Line.Rises);
        Assert.Equal(0U, bench.Read(VirtioMmioRegister.InterruptStatus));
        Assert.True(before.AsSpan().SequenceEqual(bench.Rings[0].Read(data, DataBytes)), "guest memory changed after the reset");
        memory.IsFrozen = false;
        memory.Forget();
    }

    /// <summary>A device, its host, and the requests of its driver.</summary>
    private sealed class Scene : IAsyncDisposable
    {
        private readonly string _kind;
        private readonly Random _random;
        private readonly ScriptedStorage _storage = new(new byte[64 * 512]) { Holds = true, Log = null };
        private readonly ConsoleEndpoint _end = new(512);
        private readonly byte[] _received = new byte[4096];

        public Scene(string kind, Random random)
        {
            _kind = kind;
            _random = random;
            Device = kind switch
            {
                "disk" => new BlockDevice { Storage = _storage, Queues = 2, QueueSize = QueueSize }.Build(),
                "console" => new ConsoleDevice { Backend = _end, MaxPorts = 2 }.Build(),
                _ => new EntropyDevice { RateLimit = new EntropyRateLimit(64, TimeSpan.FromSeconds(1)) }.Build(),
            };
        }

        public VirtioDevice Device { get; }

        public ValueTask DisposeAsync() => _storage.DisposeAsync();

        public void Prepare(VirtioTestBench bench, ulong data)
        {
            _storage.IgnoresCancellation = _random.Next(2) == 0;
            var bytes = new byte[DataBytes];
            for (var i = 0; i < 16; i++)
            {
                BlockBench.Header((BlockRequestType)(i % 5 == 4 ? 4 : i % 2), (ulong)(i * 3)).CopyTo(bytes, i * 16);
            }

            // Control messages that open the port, for a driver that happens to send them.
            new ConsoleControlMessage(0, ConsoleControlEvent.DeviceReady, 1).Write(bytes.AsSpan(512));
            new ConsoleControlMessage(0, ConsoleControlEvent.PortReady, 1).Write(bytes.AsSpan(520));
            new ConsoleControlMessage(0, ConsoleControlEvent.PortOpen, 1).Write(bytes.AsSpan(528));
            Assert.True(bench.Ram.TryWrite(data, bytes));
        }

        public DriverBuffer[] MakeRequest(ulong data, int queue)
        {
            var room = data + 4096 + ((ulong)_random.Next(100) * 520);
            switch (_kind)
            {
                case "disk":
                    var header = _random.Next(16);
                    var isIn = header % 5 != 4 && header % 2 == 0;
                    return [new(data + ((ulong)header * 16), 16, false), new(room, 512, isIn), new(room + 512, 1, true)];
                case "console" when queue == 3:
                    return [new(data + 512 + ((ulong)_random.Next(3) * 8), 8, false)];
                case "console":
                    return [new(room, (uint)_random.Next(1, 400), queue % 2 == 0)];
                default:
                    return [new(room, (uint)_random.Next(1, 64), true)];
            }
        }

        /// <summary>The host does something of what it was asked.</summary>
        public void Progress()
        {
            for (var i = _random.Next(4); i > 0; i--)
            {
                _storage.TryRelease(_random.Next(8));
            }

            _end.Receive(_received.AsSpan(0, _random.Next(300)));
            _end.Send(_received.AsSpan(0, _random.Next(300)));
        }

        /// <summary>The host does all there is to do, and more.</summary>
        public void Disturb()
        {
            _storage.ReleaseAll();
            _end.Receive(_received);
            _end.Send(_received);
        }
    }
}
