using Eider.Hardware.Bus;
using Eider.Hardware.Resources;
using Eider.Testing.Hardware;

namespace Eider.Hardware.Tests.Bus;

public sealed class IoManagerTests
{
    private static readonly Resource Mmio = new Resource.MmioAddressRange(0x1234_5678, 0x8765_4321);
    private static readonly Resource Pio = new Resource.PioAddressRange(0x40, 4);
    private static readonly Resource Irq = new Resource.LegacyIrq(4);

    private readonly IoManager _bus = new();
    private readonly FakeDevice _device = new();

    [Fact]
    public void A_miss_reads_all_ones_drops_writes_and_is_counted()
    {
        var data = new byte[4];
        Assert.Equal(BusStatus.NoDevice, _bus.MmioRead(0x1000, data).Status);
        Assert.Equal([0xFF, 0xFF, 0xFF, 0xFF], data);
        data = new byte[4];
        Assert.Equal(BusStatus.NoDevice, _bus.PioRead(0x1000, data).Status);
        Assert.Equal([0xFF, 0xFF, 0xFF, 0xFF], data);
        Assert.Equal(BusStatus.NoDevice, _bus.MmioWrite(0x1000, data).Status);
        Assert.Equal(BusStatus.NoDevice, _bus.PioWrite(0x1000, data).Status);
        Assert.Equal((4, 0), (_bus.MissedAccesses, _bus.RefusedAccesses));
    }

    [Fact]
    public void A_registered_device_gets_base_and_offset_apart()
    {
        _bus.Register(_device, new DeviceResources(new Resource.MmioAddressRange(0x1000, 0x100)));
        Assert.Equal(BusStatus.Ok, _bus.MmioRead(0x1034, new byte[4]).Status);
        Assert.Equal([new FakeAccess(IoSpace.Mmio, IoDirection.Read, 0x1000, 0x34, 4, 0)], _device.Accesses);
    }

    // The four cases of upstream's bus: clone, register and unregister, memory-mapped and port accesses.
    [Fact]
    public void A_clone_shares_devices_and_nothing_else()
    {
        _bus.Register(_device, new DeviceResources(Mmio, Irq, Pio));
        var clone = _bus.Clone();
        Assert.Equal(2, clone.Registrations.Count);
        Assert.All(clone.Registrations, registration => Assert.Same(_device, registration.Device));
        Assert.True(_bus.Unregister(_device, new DeviceResources(Mmio, Pio)).IsCompletedSuccessfully);
        Assert.Equal(BusStatus.NoDevice, _bus.MmioRead(0x1234_5679, new byte[1]).Status);
        Assert.Equal(BusStatus.Ok, clone.MmioRead(0x1234_5679, new byte[1]).Status);
        Assert.Equal(BusStatus.Ok, clone.PioRead(0x40, new byte[1]).Status);
    }

    [Fact]
    public void A_device_is_registered_once_and_unregistered_with_the_same_list()
    {
        var resources = new DeviceResources(Mmio, Pio, Irq);
        _bus.Register(_device, resources);
        Assert.Throws<BusOverlapException>(() => _bus.Register(_device, resources));
        _bus.Unregister(_device, resources);
        Assert.Empty(_bus.Registrations);
        _bus.Register(_device, resources);
    }

    [Fact]
    public void A_memory_mapped_access_reaches_the_first_byte_and_not_the_one_behind_the_last()
    {
        _bus.Register(_device, new DeviceResources(Mmio));
        _device.Seed = 0x34;
        var data = new byte[4];
        Assert.Equal(BusStatus.Ok, _bus.MmioRead(0x1234_5678, data).Status);
        Assert.Equal([0x34, 0x35, 0x36, 0x37], data);
        Assert.Equal(BusStatus.NoDevice, _bus.MmioRead(0x1234_5678 + 0x8765_4321UL, data).Status);
        Assert.Equal(BusStatus.Ok, _bus.MmioWrite(0x1234_5678, [0x34, 0x12, 0, 0]).Status);
        Assert.Equal(0x1234UL, _device.Accesses[^1].Value);
        Assert.Equal(BusStatus.NoDevice, _bus.MmioWrite(0x1234_5678 + 0x8765_4321UL, data).Status);
    }

    [Fact]
    public void A_port_access_reaches_the_first_port_and_not_the_one_behind_the_last()
    {
        _bus.Register(_device, new DeviceResources(Pio));
        var data = new byte[4];
        Assert.Equal(BusStatus.Ok, _bus.PioRead(0x40, data).Status);
        Assert.Equal([0, 1, 2, 3], data);
        Assert.Equal(BusStatus.NoDevice, _bus.PioRead(0x44, data).Status);
        Assert.Equal(BusStatus.Ok, _bus.PioWrite(0x40, [0x34, 0x12, 0, 0]).Status);
        Assert.Equal(0x1234UL, _device.Accesses[^1].Value);
        Assert.Equal(BusStatus.NoDevice, _bus.PioWrite(0x44, data).Status);
    }

    [Fact]
    public void Two_buses_with_equal_devices_at_the_same_places_have_the_same_map()
    {
        var other = new IoManager();
        _bus.Register(new FakeDevice(Mmio, Pio), new DeviceResources(Mmio, Pio));
        other.Register(new FakeDevice(Mmio, Pio), new DeviceResources(Mmio, Pio));
        Assert.True(_bus.HasSameMapAs(other));
    }

    [Fact]
    public void Two_buses_that_differ_in_a_range_or_in_what_a_device_traps_have_not()
    {
        _bus.Register(new FakeDevice(Mmio, Pio), new DeviceResources(Mmio, Pio));
        var fewer = new IoManager();
        fewer.Register(new FakeDevice(Mmio, Pio), new DeviceResources(Mmio));
        Assert.False(_bus.HasSameMapAs(fewer));
        var trapsOther = new IoManager();
        trapsOther.Register(new FakeDevice(Mmio), new DeviceResources(Mmio, Pio));
        Assert.False(_bus.HasSameMapAs(trapsOther));
    }

    [Fact]
    public void The_errors_say_what_they_are() =>
        Assert.Equal("device address conflicts with existing devices", new BusOverlapException().Message);

    [Theory]
    [InlineData(0x1000, 0x100)] // the same
    [InlineData(0x0FFF, 2)] // over the start
    [InlineData(0x10FF, 1)] // the last byte: another base
    [InlineData(0x1080, 0x10)] // inside
    [InlineData(0x0F00, 0x1000)] // around
    public void An_overlap_is_refused_and_the_old_device_stays(ulong start, ulong size)
    {
        _bus.Register(_device, new DeviceResources(new Resource.MmioAddressRange(0x1000, 0x100)));
        Assert.Throws<BusOverlapException>(() => _bus.Register(new FakeDevice(), new DeviceResources(new Resource.MmioAddressRange(start, size))));
        Assert.Equal(BusStatus.Ok, _bus.MmioRead(0x10FF, new byte[1]).Status);
        Assert.Same(_device, Assert.Single(_bus.Registrations).Device);
        Assert.Single(_device.Accesses);
    }

    [Fact]
    public void Neighbours_are_no_overlap_and_neither_are_the_same_numbers_in_the_other_space()
    {
        _bus.Register(_device, new DeviceResources(new Resource.MmioAddressRange(0x1000, 0x100)));
        _bus.Register(_device, new DeviceResources(new Resource.MmioAddressRange(0x1100, 1), new Resource.MmioAddressRange(0xFFF, 1)));
        _bus.Register(_device, new DeviceResources(new Resource.PioAddressRange(0x1000, 0x100)));
        Assert.Equal(4, _bus.Registrations.Count);
    }

    [Theory]
    [InlineData(0x1000, 0)]
    [InlineData(0xFFFF_FFFF_FFFF_FF00, 0x101)]
    [InlineData(2, ulong.MaxValue)]
    public void A_range_that_is_empty_or_wraps_around_is_refused(ulong start, ulong size)
    {
        Assert.Throws<BusOverlapException>(() => _bus.Register(_device, new DeviceResources(new Resource.MmioAddressRange(start, size))));
        Assert.Empty(_bus.Registrations);
    }

    [Fact]
    public void A_range_may_end_at_the_last_address()
    {
        _bus.Register(_device, new DeviceResources(new Resource.MmioAddressRange(1, ulong.MaxValue)));
        Assert.Equal(BusStatus.Ok, _bus.MmioRead(ulong.MaxValue, new byte[1]).Status);
        Assert.Equal(BusStatus.NoDevice, _bus.MmioRead(0, new byte[1]).Status);
    }

    [Fact]
    public void Ports_reach_to_the_last_one_and_no_further()
    {
        Assert.Throws<BusOverlapException>(() => _bus.Register(_device, new DeviceResources(new Resource.PioAddressRange(0xFFFF, 2))));
        _bus.Register(_device, new DeviceResources(new Resource.PioAddressRange(0xFFFF, 1)));
        Assert.Equal(BusStatus.Ok, _bus.PioRead(0xFFFF, new byte[1]).Status);
    }

    [Fact]
    public void Registration_is_all_or_nothing_over_both_spaces()
    {
        _bus.Register(_device, new DeviceResources(Pio));
        Assert.Throws<BusOverlapException>(() => _bus.Register(new FakeDevice(), new DeviceResources(Mmio, Pio)));
        Assert.Single(_bus.Registrations);
        Assert.Throws<BusOverlapException>(() => _bus.Register(new FakeDevice(), new DeviceResources(Mmio, Mmio)));
        Assert.Single(_bus.Registrations);
    }

    [Fact]
    public void A_device_can_only_unregister_exactly_what_it_registered()
    {
        var other = new FakeDevice();
        _bus.Register(_device, new DeviceResources(Mmio, Pio));
        Refuses(other, Mmio);
        Refuses(_device, Pio, new Resource.MmioAddressRange(0x1234_5678, 1));
        Refuses(_device, new Resource.PioAddressRange(0x99, 1));
        Assert.Equal(2, _bus.Registrations.Count);

        void Refuses(FakeDevice device, params Resource[] resources) =>
            Assert.Throws<BusOwnershipException>(() => { _ = _bus.Unregister(device, new DeviceResources(resources)); });
    }

    [Theory]
    [InlineData(0x10FE, 4)]
    [InlineData(0x10FF, 2)]
    [InlineData(0x10F9, 8)]
    public void A_memory_mapped_access_over_the_end_of_a_range_is_refused(ulong address, int length)
    {
        _bus.Register(_device, new DeviceResources(new Resource.MmioAddressRange(0x1000, 0x100), new Resource.MmioAddressRange(0x1100, 0x100)));
        var data = new byte[length];
        Assert.Equal(BusStatus.Unaligned, _bus.MmioRead(address, data).Status);
        Assert.All(data, value => Assert.Equal(0xFF, value));
        Assert.Equal(BusStatus.Unaligned, _bus.MmioWrite(address, data).Status);
        Assert.Empty(_device.Accesses);
        Assert.Equal((0, 2), (_bus.MissedAccesses, _bus.RefusedAccesses));
    }

    [Fact]
    public void A_memory_mapped_access_over_the_end_of_the_space_is_refused()
    {
        _bus.Register(_device, new DeviceResources(new Resource.MmioAddressRange(ulong.MaxValue - 3, 4)));
        Assert.Equal(BusStatus.Ok, _bus.MmioRead(ulong.MaxValue - 3, new byte[4]).Status);
        Assert.Equal(BusStatus.Unaligned, _bus.MmioRead(ulong.MaxValue - 2, new byte[4]).Status);
    }

    [Fact]
    public void A_port_access_over_an_edge_is_split_into_bytes()
    {
        var neighbour = new FakeDevice { Seed = 0x80 };
        _bus.Register(_device, new DeviceResources(new Resource.PioAddressRange(0x1F0, 2)));
        _bus.Register(neighbour, new DeviceResources(new Resource.PioAddressRange(0x1F2, 1)));
        var data = new byte[4];
        Assert.Equal(BusStatus.Ok, _bus.PioRead(0x1F1, data).Status);
        Assert.Equal([1, 0x80, 0xFF, 0xFF], data);
        Assert.Equal(BusStatus.Ok, _bus.PioRead(0x1EF, data.AsSpan(0, 2)).Status);
        Assert.Equal([0xFF, 0], data[..2]);
        Assert.Equal(BusStatus.Ok, _bus.PioWrite(0x1F1, [1, 2, 3, 4]).Status);
        Assert.Equal(new FakeAccess(IoSpace.Pio, IoDirection.Write, 0x1F0, 1, 1, 1), _device.Accesses[^1]);
        Assert.Equal(new FakeAccess(IoSpace.Pio, IoDirection.Write, 0x1F2, 0, 1, 2), neighbour.Accesses[^1]);
    }

    [Fact]
    public void A_port_access_over_the_end_of_the_space_is_split_and_does_not_wrap_around()
    {
        var first = new FakeDevice();
        _bus.Register(_device, new DeviceResources(new Resource.PioAddressRange(0xFFFF, 1)));
        _bus.Register(first, new DeviceResources(new Resource.PioAddressRange(0, 1)));
        var data = new byte[2];
        Assert.Equal(BusStatus.Ok, _bus.PioRead(0xFFFF, data).Status);
        Assert.Equal([0, 0xFF], data);
        Assert.Equal(BusStatus.Ok, _bus.PioWrite(0xFFFF, data).Status);
        Assert.Empty(first.Accesses);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(9, 3)]
    [InlineData(4096, 8)]
    public void A_width_that_no_bus_has_reaches_no_device(int mmioLength, int pioLength)
    {
        _bus.Register(_device, new DeviceResources(new Resource.MmioAddressRange(0, 0x10000), new Resource.PioAddressRange(0, 0x1000)));
        var data = new byte[mmioLength];
        Assert.Equal(BusStatus.InvalidSize, _bus.MmioRead(0, data).Status);
        Assert.Equal(BusStatus.InvalidSize, _bus.MmioWrite(0, data).Status);
        Assert.All(data, value => Assert.Equal(0xFF, value));
        Assert.Equal(BusStatus.InvalidSize, _bus.PioRead(0, new byte[pioLength]).Status);
        Assert.Equal(BusStatus.InvalidSize, _bus.PioWrite(0, new byte[pioLength]).Status);
        Assert.Empty(_device.Accesses);
        Assert.Equal(4, _bus.RefusedAccesses);
    }

    [Theory]
    [InlineData(BusStatus.InvalidRegister)]
    [InlineData(BusStatus.InvalidSize)]
    [InlineData(BusStatus.Unaligned)]
    [InlineData(BusStatus.NoDevice)]
    public void What_a_device_refuses_reads_all_ones(BusStatus status)
    {
        _device.OnAccess = _ => status;
        _bus.Register(_device, new DeviceResources(Pio, Mmio));
        var data = new byte[4];
        Assert.Equal(status, _bus.PioRead(0x40, data).Status);
        Assert.Equal(uint.MaxValue, BitConverter.ToUInt32(data));
        data = new byte[4];
        Assert.Equal(status, _bus.MmioRead(0x1234_5678, data).Status);
        Assert.Equal(uint.MaxValue, BitConverter.ToUInt32(data));
        Assert.Equal(2, _bus.MissedAccesses + _bus.RefusedAccesses);
    }

    [Fact]
    public void A_pending_answer_passes_through_and_leaves_the_bytes_alone()
    {
        var pending = new PendingAccess();
        _device.OnAccess = _ => BusResult.WaitFor(pending);
        _bus.Register(_device, new DeviceResources(Mmio));
        Assert.Same(pending, _bus.MmioRead(0x1234_5678, new byte[4]).Pending);
        // The device may go while its answer is pending: the call itself has left.
        Assert.True(_bus.Unregister(_device, new DeviceResources(Mmio)).IsCompletedSuccessfully);
        Assert.True(pending.Complete(5));
    }

    [Fact]
    public void A_device_without_a_register_in_some_direction_refuses_it()
    {
        _bus.Register(new Silent(), new DeviceResources(Mmio, Pio));
        Assert.Equal(BusStatus.InvalidRegister, _bus.MmioRead(0x1234_5678, new byte[4]).Status);
        Assert.Equal(BusStatus.InvalidRegister, _bus.MmioWrite(0x1234_5678, new byte[4]).Status);
        Assert.Equal(BusStatus.InvalidRegister, _bus.PioRead(0x40, new byte[1]).Status);
        Assert.Equal(BusStatus.InvalidRegister, _bus.PioWrite(0x40, new byte[1]).Status);
        Assert.Empty(((IDeviceIo)new Silent()).TrappedIoResources);
    }

    [Fact]
    public void What_a_device_traps_is_its_ports_and_registers_of_all_that_it_was_assigned()
    {
        IDeviceIo device = new FakeDevice(Irq, Mmio, new Resource.MemAddressRange(0, 1), Pio);
        Assert.Equal(new DeviceResources(Mmio, Pio), device.TrappedIoResources);
        Assert.Equal(4, device.AssignedResources.Count);
    }

    // Upstream's adapter case: a device without a lock behind one.
    [Fact]
    public void A_device_without_a_lock_stands_behind_an_adapter_one_access_at_a_time()
    {
        var counter = new Counter();
        var device = new LockedDeviceIo(counter);
        _bus.Register(device, device.TrappedIoResources);
        var harts = Enumerable.Range(0, 4).Select(_ => new Thread(() =>
        {
            for (var i = 0; i < 5_000; i++)
            {
                _bus.MmioWrite(0x1000, [1]);
                _bus.PioWrite(0x10, [1]);
            }
        })).ToArray();
        Array.ForEach(harts, hart => hart.Start());
        Array.ForEach(harts, hart => hart.Join());
        Assert.Equal(40_000, counter.Count);
        var data = new byte[1];
        Assert.Equal(BusStatus.Ok, _bus.MmioRead(0x1000, data).Status);
        Assert.Equal(1, data[0]);
        Assert.Equal(BusStatus.Ok, _bus.PioRead(0x10, data).Status);
        Assert.Equal(2, data[0]);
        Assert.Equal(3, device.AssignedResources.Count);
    }

    [Fact]
    public void A_port_number_is_narrowed_only_if_it_fits()
    {
        Assert.True(PioAddress.TryFrom(0xFFFF, out var port));
        Assert.Equal(new PioAddress(0xFFFF), port);
        Assert.False(PioAddress.TryFrom(0x1_0000, out _));
        Assert.Equal(new IoAddress(0x1F0), new PioAddress(0x1F0).ToIoAddress());
    }

    private sealed class Silent : IDeviceIo;

    private sealed class Counter : IDeviceIoMut
    {
        public int Count { get; private set; }

        public DeviceResources AssignedResources => new(
            new Resource.MmioAddressRange(0x1000, 4), new Resource.PioAddressRange(0x10, 1), new Resource.LegacyIrq(1));

        public BusResult Read(IoAddress rangeBase, IoAddress offset, Span<byte> data)
        {
            data.Fill(1);
            return BusStatus.Ok;
        }

        public BusResult Write(IoAddress rangeBase, IoAddress offset, ReadOnlySpan<byte> data)
        {
            Count++;
            return BusStatus.Ok;
        }

        public BusResult PioRead(PioAddress rangeBase, PioAddress offset, Span<byte> data)
        {
            data.Fill(2);
            return BusStatus.Ok;
        }

        public BusResult PioWrite(PioAddress rangeBase, PioAddress offset, ReadOnlySpan<byte> data)
        {
            Count++;
            return BusStatus.Ok;
        }
    }
}
