using Eider.Devices.Virtio.Block;
using Eider.Devices.Virtio.Transport;
using Eider.Testing.Virtio;

namespace Eider.Devices.Tests.Virtio.Block;

/// <summary>How often a block device looks at what a guest may change meanwhile, and what a guest's numbers cost.</summary>
public sealed class BlockFetchTests
{
    [Theory]
    [MemberData(nameof(FeatureSets.Layouts), MemberType = typeof(FeatureSets))]
    public async Task Header_and_ranges_are_read_once(ulong features)
    {
        WatchedMemory? memory = null;
        var storage = new ScriptedStorage(new byte[64 * 512]);
        await using var bench = new VirtioTestBench(
            new BlockDevice { Storage = storage }.Build(), wrap: ram => memory = new WatchedMemory(ram));
        var ring = bench.Start(features | (1UL << (int)BlockFeature.WriteZeroes));
        var request = bench.Allocate(64);
        ring.Write(request, BlockBench.Header(BlockRequestType.WriteZeroes, 0));
        ring.Write(request + 16, BlockBench.Ranges((1, 2, 0), (5, 1, 1)));
        ring.Add([new(request, 5, false), new(request + 5, 43, false), new(bench.Allocate(1), 1, true)]);

        // A guest that changes a byte once it was read gains nothing.
        bench.Notify();
        Assert.True(ring.TryGetUsed(out _));
        Assert.Equal(["WriteZeroes 1+2", "WriteZeroes 5+1", "Flush"], storage.Log!);
        for (var i = 0UL; i < 48; i++)
        {
            Assert.Equal(1, memory!.ReadsOf(request + i));
        }
    }

    [Theory]
    [MemberData(nameof(FeatureSets.Layouts), MemberType = typeof(FeatureSets))]
    public async Task Used_in_order_if_so_negotiated_however_the_storage_answers(ulong layout)
    {
        var storage = new ScriptedStorage(new byte[64 * 512]) { Holds = true };
        await using var bench = new VirtioTestBench(
            new BlockDevice { Storage = storage }.Build(), new VirtioTransportOptions { Offered = FeatureSets.All });
        var ring = bench.Start(layout | FeatureSets.InOrder);
        var ids = new List<ushort>();
        for (var i = 0; i < 4; i++)
        {
            var header = bench.Allocate(16);
            ring.Write(header, BlockBench.Header(BlockRequestType.In, (ulong)i));
            ids.Add(ring.Add([new(header, 16, false), new(bench.Allocate(512), 512, true), new(bench.Allocate(1), 1, true)]));
        }

        bench.Notify();
        foreach (var index in new[] { 3, 1, 1, 0 })
        {
            Assert.False(ring.TryGetUsed(out _));
            storage.Release(index);
            bench.Run();
        }

        foreach (var id in ids)
        {
            Assert.True(ring.TryGetUsed(out var used));
            Assert.Equal(new UsedBuffer(id, 513), used);
        }
    }

    [Fact]
    public async Task A_buffer_outside_of_RAM_stops_the_device_and_a_reset_brings_it_back()
    {
        var storage = new ScriptedStorage(new byte[64 * 512]);
        await using var bench = new VirtioTestBench(new BlockDevice { Storage = storage }.Build());
        var ring = bench.Start(FeatureSets.Split);
        var header = bench.Allocate(16);
        ring.Write(header, BlockBench.Header(BlockRequestType.Out, 0));
        ring.Add([new(header, 16, false), new(0x1000, 512, false), new(bench.Allocate(1), 1, true)]);
        bench.Notify();
        Assert.True(bench.Status.HasFlag(DeviceStatus.NeedsReset));
        Assert.Empty(storage.Log!);
        Assert.False(ring.TryGetUsed(out _));

        ring = bench.Start(FeatureSets.Split);
        ring.Add([new(header, 16, false), new(bench.Allocate(512), 512, false), new(bench.Allocate(1), 1, true)]);
        bench.Notify();
        Assert.True(ring.TryGetUsed(out var used));
        Assert.Equal(1u, used.WrittenBytes);
    }

    [Fact]
    public async Task A_broken_queue_with_requests_in_flight_resets_cleanly()
    {
        var storage = new ScriptedStorage(new byte[64 * 512]) { Holds = true };
        WatchedMemory? memory = null;
        await using var bench = new VirtioTestBench(
            new BlockDevice { Storage = storage }.Build(), wrap: ram => memory = new WatchedMemory(ram));
        var ring = bench.Start(FeatureSets.Packed);
        var header = bench.Allocate(16);
        ring.Write(header, BlockBench.Header(BlockRequestType.In, 0));
        ring.Add([new(header, 16, false), new(bench.Allocate(512), 512, true), new(bench.Allocate(1), 1, true)]);
        bench.Notify();
        Assert.Equal(1, memory!.Leases);
        ring.Add([new(0x1000, 16, false)]);
        bench.Notify();
        Assert.True(bench.Status.HasFlag(DeviceStatus.NeedsReset));
        bench.Write(VirtioMmioRegister.Status, 0);
        Assert.Equal(0, memory.Leases);
        Assert.Equal(0, storage.HeldCount);
        Assert.Equal(0, bench.Mmio.Faults);
    }
}
