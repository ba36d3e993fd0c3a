using Eider.Devices.Tests.Virtio.Block;
using Eider.Devices.Virtio.Block;
using Eider.Devices.Virtio.Queue;
using Eider.Devices.Virtio.Transport;
using Eider.Hardware.Bus;
using Eider.Hardware.Memory;
using Eider.Hardware.Resources;
using Eider.Testing.Hardware;
using Eider.Testing.Virtio;

namespace Eider.Devices.Tests.Virtio.Bounds;

/// <summary>DMA reaches RAM and nothing else: no hole, no end, no register of any device, its own included.</summary>
public sealed class OutsideRamTests(ITestOutputHelper output)
{
    private const ulong Own = 0xD000_0000, Neighbour = 0xD000_1000;

    [Theory]
    [MemberData(nameof(FeatureSets.Layouts), MemberType = typeof(FeatureSets))]
    public void A_buffer_is_taken_exactly_if_all_of_it_is_RAM(ulong features)
    {
        // Two that touch, a hole, and one more.
        (ulong Base, ulong Length)[] regions = [(0x8000_0000, 0x20_0000), (0x8020_0000, 0x1000), (0x8030_0000, 0x1000)];
        using var ram = new GuestRam(regions);
        var cases = 0;
        foreach (var edge in regions.SelectMany(region => new[] { region.Base, region.Base + region.Length }).Append(0UL).Append(1UL << 32).Distinct())
        {
            for (var offset = -3L; offset <= 3; offset++)
            {
                foreach (var length in new uint[] { 1, 2, 3, 4, 5, 0xFFF, 0x1000, 0x1001, 0x1002, 0x1F_FFFF, 0x20_0000, 0x20_0001, 0x20_1000, 0x20_1001, uint.MaxValue })
                {
                    foreach (var isWritable in new[] { false, true })
                    {
                        var address = unchecked(edge + (ulong)offset);
                        var expected = IsRam(regions, address, length);
                        Assert.Equal(expected ? QueueFault.None : QueueFault.BufferOutsideRam, Take(ram, features, address, length, isWritable));
                        cases++;
                    }
                }
            }
        }

        output.WriteLine($"{cases:N0} buffers");
    }

    [Theory]
    [MemberData(nameof(FeatureSets.Layouts), MemberType = typeof(FeatureSets))]
    public async Task No_address_that_a_guest_gives_reaches_a_register(ulong features)
    {
        foreach (var target in new[] { Own + 0x50, Own + 0x70, Own + 0x100, Neighbour, Neighbour + 0xFF0 })
        {
            foreach (var place in Enumerable.Range(0, 7))
            {
                await using var bench = new VirtioTestBench(new BlockDevice { Storage = new ScriptedStorage(new byte[64 * 512]) }.Build());
                var neighbour = new FakeDevice(new Resource.MmioAddressRange(Neighbour, 0x1000));
                var bus = new IoManager();
                bus.Register(bench.Mmio, new DeviceResources(new Resource.MmioAddressRange(Own, 0x1000)));
                bus.Register(neighbour, neighbour.AssignedResources);
                Attack(bench, features, target, place);
                Assert.Empty(neighbour.Accesses);
                Assert.Equal(0, bench.Mmio.Faults);
                Assert.True(bench.Status.HasFlag(DeviceStatus.NeedsReset), $"place {place} at 0x{target:x}");
            }
        }
    }

    [Fact]
    public async Task RAM_that_lies_under_a_device_window_is_written_as_RAM()
    {
        // On a PC board registers hide RAM from the processor; a device's own accesses do not pass them.
        await using var bench = new VirtioTestBench(new EchoDevice());
        var under = VirtioTestBench.RamBase + 0x8000;
        var neighbour = new FakeDevice(new Resource.MmioAddressRange(under, 0x1000));
        var bus = new IoManager();
        bus.Register(neighbour, neighbour.AssignedResources);
        var ring = bench.Start(FeatureSets.Split);
        var source = bench.Allocate(4);
        ring.Write(source, "abcd"u8);
        ring.Add([new(source, 4, false), new(under, 4, true)]);
        bench.Notify();
        Assert.True(ring.TryGetUsed(out _));
        Assert.Equal("bcde"u8, ring.Read(under, 4));
        Assert.Empty(neighbour.Accesses);
    }

    // Counts bytes, so that nothing can wrap around.
    private static bool IsRam((ulong Base, ulong Length)[] regions, ulong address, uint length)
    {
        var covered = UInt128.Zero;
        foreach (var (start, size) in regions)
        {
            var from = UInt128.Max(start, address);
            var to = UInt128.Min((UInt128)start + size, (UInt128)address + length);
            covered += to > from ? to - from : 0;
        }

        return covered == length;
    }

    private static QueueFault Take(GuestRam ram, ulong features, ulong address, uint length, bool isWritable)
    {
        var layout = new VirtQueueSettings
        {
            Size = 4,
            Features = features,
            DescriptorAddress = 0x8000_1000,
            DriverAddress = 0x8000_2000,
            DeviceAddress = 0x8000_3000,
        };
        RingDriver.Create(ram, layout).Add([new(address, length, isWritable)]);
        using var queue = VirtQueue.Create(layout, ram, new Proofs.RecordingHost());
        Assert.Equal(queue.TryTake(out _), queue.Fault == QueueFault.None);
        return queue.Fault;
    }

    private static void Attack(VirtioTestBench bench, ulong features, ulong target, int place)
    {
        if (place < 3)
        {
            // A part of the ring.
            Assert.True(bench.Negotiate(features));
            bench.EnableQueue(new VirtQueueSettings
            {
                Size = 8,
                DescriptorAddress = place == 0 ? target : bench.Allocate(4096),
                DriverAddress = place == 1 ? target : bench.Allocate(4096),
                DeviceAddress = place == 2 ? target : bench.Allocate(4096),
            });
            bench.Write(VirtioMmioRegister.Status, 15);
            bench.Run();
            return;
        }

        var ring = bench.Start(features, 8);
        var header = bench.Allocate(16);
        ring.Write(header, BlockBench.Header(BlockRequestType.In, 0));
        var good = bench.Allocate(4096);
        switch (place)
        {
            case 3:
                ring.Add([new(target, 16, false), new(good, 512, true), new(good + 512, 1, true)]);
                break;
            case 4:
                ring.Add([new(header, 16, false), new(target, 512, true), new(good + 512, 1, true)]);
                break;
            case 5:
                ring.Add([new(header, 16, false), new(good, 512, true), new(target, 1, true)]);
                break;
            default:
                AddTable(ring, target);
                break;
        }

        bench.Notify();
    }

    private static void AddTable(RingDriver ring, ulong target)
    {
        if (ring is PackedRingDriver packed)
        {
            ring.WriteDescriptor(packed.DescriptorAddress(0), target, 16, 0, PackedRingDriver.AvailableFlags(true, 4));
            return;
        }

        var split = (SplitRingDriver)ring;
        ring.WriteDescriptor(split.DescriptorAddress(0), target, 16, 4, 0);
        split.Publish(0);
    }
}
