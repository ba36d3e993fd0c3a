using Eider.Devices.Pci;
using Eider.Hardware.Bus;
using Eider.Hardware.Interrupts;
using Eider.Hardware.Memory;
using Eider.Testing.Hardware;
using Eider.Testing.Pci;

namespace Eider.Devices.Tests.Pci;

/// <summary>Interrupts of functions: pins, MSI and MSI-X (PCI Local Bus 3.0, sections 2.2.6, 6.2.2 to 6.2.4 and 6.8).</summary>
public sealed class PciInterruptTests
{
    private const uint Table = 0x1000;
    private const uint Pending = 0x1800;
    private readonly PciTestBench _bench = new();

    [Theory]
    [InlineData(0, PciInterruptPin.A, 0)]
    [InlineData(0, PciInterruptPin.D, 3)]
    [InlineData(1, PciInterruptPin.A, 1)]
    [InlineData(3, PciInterruptPin.B, 0)]
    [InlineData(31, PciInterruptPin.C, 1)]
    public void Each_device_number_shifts_the_wires_by_one(int device, PciInterruptPin pin, int wire)
    {
        var function = _bench.Add(new ScriptedFunction([], pin), device);
        function.Pin.SetLevel(true);
        for (var i = 0; i < 4; i++)
        {
            Assert.Equal(i == wire, _bench.Wires[i].Level);
        }

        function.Pin.SetLevel(false);
        Assert.False(_bench.Wires[wire].Level);
    }

    [Fact]
    public void On_a_pc_the_first_wire_is_device_ones()
    {
        var bench = new PciTestBench(firstDevice: 1);
        Assert.Equal(0, bench.Bus.WireOf(new PciAddress(1), PciInterruptPin.A));
        Assert.Equal(3, bench.Bus.WireOf(new PciAddress(4), PciInterruptPin.A));
        Assert.Equal(3, bench.Bus.WireOf(new PciAddress(0), PciInterruptPin.A));
    }

    [Fact]
    public void A_shared_wire_is_high_while_anybody_wants_it()
    {
        var first = _bench.Add(new ScriptedFunction([]), 1);
        var second = _bench.Add(new ScriptedFunction([]), 5);
        first.Pin.SetLevel(true);
        second.Pin.SetLevel(true);
        first.Pin.SetLevel(false);
        Assert.True(_bench.Wires[1].Level);
        second.Pin.SetLevel(false);
        Assert.False(_bench.Wires[1].Level);
        Assert.Equal(1, _bench.Wires[1].Rises);
    }

    [Fact]
    public void Interrupt_disable_lowers_the_pin_and_the_status_still_tells()
    {
        var function = _bench.Add(new ScriptedFunction([]), 0);
        function.Pin.SetLevel(true);
        _bench.Config(function, 0x04, (uint)PciCommand.InterruptDisable, 2);
        Assert.False(_bench.Wires[0].Level);
        Assert.Equal(8U, _bench.Config(function, 0x06, 2) & 8);
        _bench.Config(function, 0x04, 0, 2);
        Assert.True(_bench.Wires[0].Level);
        function.Pin.SetLevel(false);
        Assert.Equal(0U, _bench.Config(function, 0x06, 2) & 8);
    }

    [Fact]
    public async Task Many_threads_leave_a_wire_as_the_last_levels_say()
    {
        var functions = Enumerable.Range(0, 4).Select(n => _bench.Add(new ScriptedFunction([]), n * 4)).ToList();
        await Task.WhenAll(functions.Select(function => Task.Run(() =>
        {
            for (var i = 0; i < 20_000; i++)
            {
                function.Pin.SetLevel(i % 2 == 0);
                _bench.Config(function, 0x04, i % 3 == 0 ? (uint)PciCommand.InterruptDisable : 0, 2);
            }

            function.Pin.SetLevel(false);
        })));
        Assert.False(_bench.Wires[0].Level);
        functions[2].Pin.SetLevel(true);
        _bench.Config(functions[2], 0x04, 0, 2);
        Assert.True(_bench.Wires[0].Level);
    }

    [Fact]
    public void Msix_starts_off_with_every_vector_masked()
    {
        var function = WithMsix(vectors: 70);
        var capability = _bench.FindCapability(function, PciCapabilityId.MsiX);
        Assert.Equal(69U, _bench.Config(function, capability + 2, 2));
        Assert.Equal(Table | 2, _bench.Config(function, capability + 4));
        Assert.Equal(Pending | 2, _bench.Config(function, capability + 8));
        for (var vector = 0U; vector < 70; vector++)
        {
            Assert.Equal(1U, _bench.Mmio(Entry(vector) + 12));
        }

        Assert.False(function.Signal(0));
        Assert.Empty(_bench.Messages);
    }

    [Fact]
    public void Each_msix_vector_sends_its_own_message()
    {
        var function = WithMsix(vectors: 3);
        Program(1, 0x1_2345_6788, 0xCAFE);
        Program(2, 0xFEE0_0004, 7);
        EnableMsix(function, 0x8000);
        Assert.True(function.Signal(2));
        Assert.True(function.Signal(1));
        Assert.True(function.Signal(3)); // there is none: nobody hears of it
        Assert.Equal(
            [new MsiMessage(0xFEE0_0004, 7), new MsiMessage(0x1_2345_6788, 0xCAFE)], _bench.Messages.Select(sent => sent.Message));
    }

    [Fact]
    public void A_masked_vector_is_pending_and_sent_once_when_the_mask_goes()
    {
        var function = WithMsix(vectors: 40);
        Program(33, 0x1000, 1);
        EnableMsix(function, 0x8000);
        _bench.MmioWrite(Entry(33) + 12, 1);
        function.Signal(33);
        function.Signal(33);
        Assert.Empty(_bench.Messages);
        Assert.Equal(0U, _bench.Mmio(0x4000_0000 + Pending));
        Assert.Equal(2U, _bench.Mmio(0x4000_0000 + Pending + 4));
        _bench.MmioWrite(Entry(33) + 8, 99); // the message may change meanwhile
        _bench.MmioWrite(Entry(33) + 12, 0);
        Assert.Equal([new MsiMessage(0x1000, 99)], _bench.Messages.Select(sent => sent.Message));
        Assert.Equal(0U, _bench.Mmio(0x4000_0000 + Pending + 4));
    }

    [Fact]
    public void The_function_mask_holds_back_what_its_vector_does_not()
    {
        var function = WithMsix(vectors: 2);
        Program(0, 0x1000, 5);
        EnableMsix(function, 0xC000);
        function.Signal(0);
        function.Signal(1);
        Assert.Equal(3U, _bench.Mmio(0x4000_0000 + Pending));
        Assert.Empty(_bench.Messages);
        EnableMsix(function, 0x8000);
        Assert.Equal([new MsiMessage(0x1000, 5)], _bench.Messages.Select(sent => sent.Message));
        Assert.Equal(2U, _bench.Mmio(0x4000_0000 + Pending)); // vector 1 has a mask of its own
    }

    [Fact]
    public void The_msix_tables_move_with_their_region()
    {
        var function = WithMsix(vectors: 2);
        Program(0, 0x1000, 5);
        EnableMsix(function, 0x8000);
        _bench.Config(function, 0x18, 0x5000_0000, 4);
        Assert.Equal(5U, _bench.Mmio(0x5000_0000 + Table + 8));
        _bench.MmioWrite(0x5000_0000 + Table + 8, 6);
        function.Signal(0);
        Assert.Equal([new MsiMessage(0x1000, 6)], _bench.Messages.Select(sent => sent.Message));
    }

    [Fact]
    public void The_msix_tables_take_double_and_quad_words_only_and_pending_bits_no_writes()
    {
        WithMsix(vectors: 2);
        var data = new byte[8];
        Assert.Equal(BusStatus.Ok, _bench.Io.MmioRead(Entry(1), data).Status);
        Assert.Equal(BusStatus.InvalidSize, _bench.Io.MmioRead(Entry(1), data.AsSpan(0, 2)).Status);
        Assert.Equal(BusStatus.InvalidSize, _bench.Io.MmioWrite(Entry(1) + 4, data).Status);
        Assert.Equal(BusStatus.Ok, _bench.MmioWrite(0x4000_0000 + Pending, uint.MaxValue).Status);
        Assert.Equal(0U, _bench.Mmio(0x4000_0000 + Pending));
        _bench.MmioWrite(Entry(1), uint.MaxValue);
        Assert.Equal(0xFFFF_FFFCU, _bench.Mmio(Entry(1)));
    }

    [Fact]
    public void With_msix_on_the_pin_is_silent_and_comes_back_when_it_is_off()
    {
        var function = WithMsix(vectors: 2);
        function.Pin.SetLevel(true);
        Assert.True(_bench.Wires[0].Level);
        EnableMsix(function, 0x8000);
        Assert.False(_bench.Wires[0].Level);
        EnableMsix(function, 0);
        Assert.True(_bench.Wires[0].Level);
    }

    [Fact]
    public void Without_bus_master_no_message_is_sent()
    {
        var function = WithMsix(vectors: 1);
        Program(0, 0x1000, 5);
        EnableMsix(function, 0x8000);
        _bench.Config(function, 0x04, (uint)PciCommand.MemorySpace, 2);
        Assert.True(function.Signal(0));
        Assert.Empty(_bench.Messages);
    }

    [Fact]
    public void Msi_tells_its_vectors_by_the_low_bits_of_the_data()
    {
        var function = new ScriptedFunction([]);
        function.UseMsi(_bench.NewGroup(InterruptSourceType.PciMsi, 8));
        _bench.Add(function, 0);
        var capability = _bench.FindCapability(function, PciCapabilityId.Msi);
        Assert.Equal(0x186U, _bench.Config(function, capability + 2, 2));
        _bench.Config(function, 0x04, (uint)PciCommand.BusMaster, 2);
        _bench.Config(function, capability + 4, 0x2000, 4);
        _bench.Config(function, capability + 8, 1, 4);
        _bench.Config(function, capability + 12, 0x4567, 2);
        Assert.False(function.Signal(1));
        _bench.Config(function, capability + 2, 0x21, 2); // four of the eight
        function.Signal(1);
        function.Signal(6);
        Assert.Equal(
            [new MsiMessage(0x1_0000_2000, 0x4565), new MsiMessage(0x1_0000_2000, 0x4566)], _bench.Messages.Select(sent => sent.Message));
        _bench.Config(function, capability + 16, 0b10, 4);
        function.Signal(1);
        Assert.Equal(0b10U, _bench.Config(function, capability + 20));
        Assert.Equal(2, _bench.Messages.Count);
        _bench.Config(function, capability + 16, 0, 4);
        Assert.Equal(3, _bench.Messages.Count);
        Assert.Equal(0U, _bench.Config(function, capability + 20));
    }

    [Fact]
    public void Impossible_message_tables_are_refused()
    {
        Refused(4, 0x1001, 0x1800);
        Refused(4, 0x1000, 0x1020);
        Refused(512, 0x0000, 0x1FC8);
        Refused(512, 0x1000, 0x0000);
        Assert.Throws<ArgumentException>(() => new ScriptedFunction([]).UseMsi(_bench.NewGroup(InterruptSourceType.PciMsi, 3)));

        void Refused(uint vectors, uint table, uint pending) => Assert.Throws<ArgumentException>(() =>
            new ScriptedFunction([PciRegion.Memory32(2, 0x2000)]).UseMsix(
                _bench.NewGroup(InterruptSourceType.PciMsix, vectors), 2, table, pending));
    }

    [Fact]
    public void A_message_is_a_write_to_ram_or_to_the_one_device_that_takes_them()
    {
        using var ram = new GuestRam((0x8000_0000, 0x1000));
        var device = new FakeDevice();
        var sink = new PciMessageSink(ram);
        sink.Reach(device, 0x0200_0000, 0x20);
        sink.Send(0, new MsiMessage(0x8000_0010, 0xA1B2_C3D4));
        sink.Send(0, new MsiMessage(0x0200_0004, 1));
        sink.Send(0, new MsiMessage(0x0200_0020, 1));
        var data = new byte[4];
        Assert.True(ram.TryRead(0x8000_0010, data));
        Assert.Equal([0xD4, 0xC3, 0xB2, 0xA1], data);
        Assert.Single(device.Accesses);
        Assert.Equal(1, sink.Dropped);
    }

    private static ulong Entry(uint vector) => 0x4000_0000UL + Table + (16UL * vector);

    private ScriptedFunction WithMsix(uint vectors)
    {
        var function = new ScriptedFunction([PciRegion.Memory32(2, 0x2000)]);
        function.UseMsix(_bench.NewGroup(InterruptSourceType.PciMsix, vectors), 2, Table, Pending);
        _bench.Add(function, 0);
        _bench.Place(function, 2, 0x4000_0000, PciCommand.MemorySpace | PciCommand.BusMaster);
        return function;
    }

    private void Program(uint vector, ulong address, uint data)
    {
        _bench.MmioWrite(Entry(vector), (uint)(address & uint.MaxValue));
        _bench.MmioWrite(Entry(vector) + 4, (uint)(address >> 32));
        _bench.MmioWrite(Entry(vector) + 8, data);
        _bench.MmioWrite(Entry(vector) + 12, 0);
    }

    private void EnableMsix(ScriptedFunction function, uint control) =>
        _bench.Config(function, _bench.FindCapability(function, PciCapabilityId.MsiX) + 2, control, 2);
}
