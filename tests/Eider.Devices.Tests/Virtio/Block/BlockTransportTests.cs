using Eider.Devices.Virtio;
using Eider.Devices.Virtio.Block;
using Eider.Devices.Virtio.Transport;
using Eider.Hardware.Time;
using Eider.Testing.Virtio;

namespace Eider.Devices.Tests.Virtio.Block;

/// <summary>The block device behind real registers: its config, its interrupts, and resets while threads work.</summary>
public sealed class BlockTransportTests
{
    private const int Sectors = 1024;

    [Fact]
    public async Task A_resize_raises_a_config_interrupt_and_moves_the_generation()
    {
        var storage = new ScriptedStorage(new byte[Sectors * 512]);
        await using var bench = new VirtioTestBench(new BlockDevice { Storage = storage }.Build());
        bench.Start(FeatureSets.Split);
        Assert.Equal((uint)Sectors, ReadCapacity(bench));
        var generation = bench.Read(VirtioMmioRegister.ConfigGeneration);
        storage.Resize(7 * 512);
        bench.Run();
        Assert.Equal(7u, ReadCapacity(bench));
        Assert.NotEqual(generation, bench.Read(VirtioMmioRegister.ConfigGeneration));
        Assert.Equal(2u, bench.Acknowledge());
    }

    [Fact]
    public async Task The_registers_offer_the_blocks_features_and_four_queues()
    {
        var device = new BlockDevice { Storage = new ScriptedStorage(new byte[Sectors * 512]), Queues = 4 }.Build();
        await using var bench = new VirtioTestBench(device);
        Assert.Equal(2u, bench.Read(VirtioMmioRegister.DeviceId));
        Assert.Equal(device.Features, bench.ReadOfferedFeatures() & ~VirtioFeatures.Reserved);
        for (var i = 0u; i < 5; i++)
        {
            bench.Write(VirtioMmioRegister.QueueSel, i);
            Assert.Equal(i < 4 ? 256u : 0u, bench.Read(VirtioMmioRegister.QueueSizeMax));
        }
    }

    [Theory]
    [MemberData(nameof(FeatureSets.Layouts), MemberType = typeof(FeatureSets))]
    public async Task A_driver_that_leaves_and_comes_back_under_load_finds_a_quiet_memory_and_a_working_disk(ulong features)
    {
        var faults = new List<Exception>();
        var storage = new ScriptedStorage(new byte[Sectors * 512]) { Holds = true, Log = null };
        WatchedMemory? memory = null;
        await using var bench = new VirtioTestBench(
            new BlockDevice { Storage = storage }.Build(), wrap: ram => memory = new WatchedMemory(ram), executor: new ThreadExecutor(faults.Add));
        using var stop = new CancellationTokenSource();
        var host = Task.Factory.StartNew(
            () => ReleaseAtRandom(storage, stop.Token), stop.Token, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        var random = new Random(1);
        for (var life = 0; life < 60; life++)
        {
            bench.FreeAll();
            var ring = bench.Start(features, queueSize: 64);
            for (var i = 0; i < 20; i++)
            {
                AddRead(bench, ring, (ulong)random.Next(Sectors - 8), 4096);
            }

            bench.Write(VirtioMmioRegister.QueueNotify, 0);
            SpinWait.SpinUntil(() => bench.Line.Level, random.Next(3));
            await ResetAsync(bench);
            Assert.Equal(0, memory!.Leases);
            memory.IsFrozen = true; // from here on the old life is over
            await Task.Delay(1, TestContext.Current.CancellationToken);
            Assert.Empty(memory.WritesWhileFrozen);
            memory.IsFrozen = false;
        }

        await stop.CancelAsync();
        await host;
        storage.Holds = false;
        bench.FreeAll();
        var last = bench.Start(features, queueSize: 64);
        var status = AddRead(bench, last, 0, 512);
        bench.Write(VirtioMmioRegister.QueueNotify, 0);
        Assert.True(SpinWait.SpinUntil(() => bench.Line.Level, TimeSpan.FromSeconds(30)));
        Assert.True(last.TryGetUsed(out var used));
        Assert.Equal(513u, used.WrittenBytes);
        Assert.Equal([(byte)BlockRequestStatus.Ok], last.Read(status, 1));
        Assert.Equal(0, bench.Mmio.Faults);
        Assert.Empty(faults);
    }

    private static uint ReadCapacity(VirtioTestBench bench)
    {
        var bytes = new byte[4];
        bench.Mmio.Read(0, (ulong)VirtioMmioRegister.Config, bytes);
        return BitConverter.ToUInt32(bytes);
    }

    private static ulong AddRead(VirtioTestBench bench, RingDriver ring, ulong sector, uint lengthBytes)
    {
        var header = bench.Allocate(16, 16);
        ring.Write(header, BlockBench.Header(BlockRequestType.In, sector));
        var data = bench.Allocate(lengthBytes, 16);
        var status = bench.Allocate(1, 16);
        ring.Add([new(header, 16, false), new(data, lengthBytes, true), new(status, 1, true)]);
        return status;
    }

    private static async Task ResetAsync(VirtioTestBench bench)
    {
        var result = bench.BeginWrite(VirtioMmioRegister.Status, 0);
        for (var i = 0; result.Pending is { IsCompleted: false }; i++)
        {
            Assert.True(i < 30_000, "the reset never ended");
            await Task.Delay(1, TestContext.Current.CancellationToken);
        }
    }

    private static void ReleaseAtRandom(ScriptedStorage storage, CancellationToken stop)
    {
        var random = new Random(2);
        while (!stop.IsCancellationRequested)
        {
            if (!storage.TryRelease(random.Next(8)))
            {
                Thread.Yield();
            }
        }
    }
}
