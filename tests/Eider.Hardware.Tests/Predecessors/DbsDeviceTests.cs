using Eider.Hardware.Bus;
using Eider.Hardware.Resources;
using Eider.Testing.Hardware;

namespace Eider.Hardware.Tests.Predecessors;

/// <summary>Test cases of dbs-device and its managers that no other test holds; docs/predecessors.md lists them all.</summary>
public sealed class DbsDeviceTests
{
    private static readonly DeviceResources Both = new(
        new Resource.MmioAddressRange(0x1234_5678, 0x8765_4321), new Resource.PioAddressRange(0x40, 4));

    [Fact]
    public void A_register_of_0x1234_reads_as_34_12_00_00_and_takes_a_write_in_both_spaces()
    {
        var bus = new IoManager();
        var device = new ConfigDevice { Config = 0x1234 };
        bus.Register(device, Both);
        var data = new byte[4];
        Assert.Equal(BusStatus.Ok, bus.MmioRead(0x1234_5678, data).Status);
        Assert.Equal([0x34, 0x12, 0, 0], data);
        Assert.Equal(BusStatus.Ok, bus.PioWrite(0x40, [0x10, 0, 0, 0]).Status);
        Assert.Equal(0x10u, device.Config);
        Assert.Equal(BusStatus.Ok, bus.PioRead(0x40, data).Status);
        Assert.Equal([0x10, 0, 0, 0], data);
        Assert.Equal(BusStatus.Ok, bus.MmioWrite(0x1234_5678, new byte[4]).Status);
        Assert.Equal(0u, device.Config);
    }

    [Fact]
    public void A_device_that_names_no_resources_has_none_with_and_without_a_lock()
    {
        foreach (var device in new IDeviceIo[] { new Plain(), new LockedDeviceIo(new PlainMut()) })
        {
            Assert.Equal(new DeviceResources(), device.AssignedResources);
            Assert.Equal(new DeviceResources(), device.TrappedIoResources);
        }
    }

    // There, two ranges of one base are one key whatever their sizes.
    [Theory]
    [InlineData(1)]
    [InlineData(0x1000)]
    [InlineData(0x2000)]
    public void Of_two_ranges_with_one_base_the_second_is_refused_whatever_its_size(ulong size)
    {
        var bus = new IoManager();
        var first = new FakeDevice();
        bus.Register(first, new DeviceResources(new Resource.MmioAddressRange(0x1000, 0x1000)));
        Assert.Throws<BusOverlapException>(
            () => bus.Register(new FakeDevice(), new DeviceResources(new Resource.MmioAddressRange(0x1000, size))));
        bus.Register(new FakeDevice(), new DeviceResources(new Resource.MmioAddressRange(0x2000, 0x1000)));
        Assert.Equal(BusStatus.Ok, bus.MmioRead(0x1FFF, new byte[1]).Status);
        Assert.Single(first.Accesses);
        Assert.Equal([0x1000UL, 0x2000UL], bus.Registrations.Select(registration => registration.Base.Value));
    }

    [Fact]
    public void Constraints_keep_the_bounds_and_counts_they_are_given()
    {
        var bounds = new AddressRange(0x0, 0x2000);
        var mmio = new ResourceConstraint.MmioAddress(0x2000, bounds, 0x2000);
        Assert.Equal((bounds, 0x2000UL, 0x2000UL), (mmio.Range!.Value, mmio.Align, mmio.Size));
        var memory = new ResourceConstraint.MemAddress(0x2000, bounds, 0x2000);
        Assert.Equal((bounds, 0x2000UL, 0x2000UL), (memory.Range!.Value, memory.Align, memory.Size));
        Assert.Equal(0x123u, new ResourceConstraint.PciMsiIrq(0x123).Size);
        Assert.Equal(0x123u, new ResourceConstraint.PciMsixIrq(0x123).Size);
        Assert.Equal(0x123u, new ResourceConstraint.GenericIrq(0x123).Size);
        var slot = new ResourceConstraint.MemorySlot(0x2000, 0x1000);
        Assert.Equal(((ushort?)0x2000, (ushort)0x1000), (slot.Slot, slot.Size));
    }

    [Fact]
    public void A_block_is_known_by_its_own_bounds_alone_until_it_is_given_back()
    {
        var pool = new IntervalAllocator();
        Assert.Empty(pool.Free);
        pool.Add(0x100, 0x100);
        pool.Add(0x200, 0x2FF);
        Assert.True(pool.TryAllocate(2, 1, 0, ulong.MaxValue, out var first));
        Assert.Equal(0x200UL, first);
        Assert.True(pool.IsAllocated(0x200, 2));
        Assert.False(pool.IsAllocated(0x200, 1));
        Assert.False(pool.IsAllocated(0x200, 4));
        Assert.Equal((0x200UL, 0x201UL), pool.FindAllocated(0x201, 0x201)); // by any number in it
        Assert.Null(pool.FindAllocated(0x202, 0x2FF));
        pool.Release(0x200, 2);
        Assert.False(pool.IsAllocated(0x200, 2));
        Assert.Null(pool.FindAllocated(0, ulong.MaxValue));
        Assert.Equal([(0x100UL, 0x100UL), (0x200UL, 0x2FFUL)], pool.Free);
    }

    // There, a range made of a base and a size was one number too long.
    [Theory]
    [InlineData(1, 1)]
    [InlineData(4, 6)]
    [InlineData(7, 10)]
    public void A_block_of_a_size_ends_that_many_numbers_after_its_start(ulong start, ulong end)
    {
        var pool = new IntervalAllocator();
        pool.Add(start, end);
        Assert.False(pool.TryAllocate(end - start + 2, 1, 0, ulong.MaxValue, out _));
        Assert.True(pool.TryAllocate(end - start + 1, 1, start, end, out var first));
        Assert.Equal(start, first);
        Assert.Equal([(start, end)], pool.Allocated);
        Assert.Empty(pool.Free);
    }

    [Fact]
    public void Freeing_ports_over_the_end_is_an_error() =>
        Assert.Throws<InvalidOperationException>(
            () => new ResourceManager(ResourcePools.ForX86()).Release(new DeviceResources(new Resource.PioAddressRange(0xFFFF, 3))));

    [Fact]
    public void Sixteen_MiB_below_4_GiB_are_neither_registers_nor_memory_and_above_they_are()
    {
        var manager = new ResourceManager(ResourcePools.ForX86());
        var below = new AddressRange(0xFE00_0000UL, 0xFFFF_FFFFUL);
        var open = new AddressRange(0xFE00_0000UL, ulong.MaxValue);
        Assert.Throws<ResourceUnavailableException>(() => manager.Allocate([new ResourceConstraint.MmioAddress(0x100_0000, below)]));
        Assert.Throws<ResourceUnavailableException>(() => manager.Allocate([new ResourceConstraint.MemAddress(0x100_0000, below)]));
        Assert.True(manager.Allocate([new ResourceConstraint.MmioAddress(0x100_0000, open)]).MmioAddressRanges[0].Base.Value > uint.MaxValue);
        Assert.True(manager.Allocate([new ResourceConstraint.MemAddress(0x100_0000, open)]).MemAddressRanges[0].Base > uint.MaxValue);
    }

    private sealed class ConfigDevice : IDeviceIo
    {
        public uint Config { get; set; }

        public BusResult Read(IoAddress rangeBase, IoAddress offset, Span<byte> data) => Get(data);

        public BusResult Write(IoAddress rangeBase, IoAddress offset, ReadOnlySpan<byte> data) => Set(data);

        public BusResult PioRead(PioAddress rangeBase, PioAddress offset, Span<byte> data) => Get(data);

        public BusResult PioWrite(PioAddress rangeBase, PioAddress offset, ReadOnlySpan<byte> data) => Set(data);

        private BusStatus Get(Span<byte> data)
        {
            BitConverter.TryWriteBytes(data, Config);
            return BusStatus.Ok;
        }

        private BusStatus Set(ReadOnlySpan<byte> data)
        {
            Config = BitConverter.ToUInt32(data);
            return BusStatus.Ok;
        }
    }

    private sealed class Plain : IDeviceIo;

    private sealed class PlainMut : IDeviceIoMut;
}
