using Eider.Devices.Pci;
using Eider.Hardware.Bus;
using Eider.Hardware.Resources;
using Eider.Testing.Hardware;
using Eider.Testing.Pci;

namespace Eider.Devices.Tests.Pci;

/// <summary>Where regions answer: base address registers and the command register moving them on the machine's bus.</summary>
public sealed class PciRegionTests
{
    private const PciCommand Both = PciCommand.IoSpace | PciCommand.MemorySpace;
    private readonly PciTestBench _bench = new();

    [Fact]
    public void A_region_answers_only_while_the_command_register_lets_it()
    {
        var function = _bench.Add(new ScriptedFunction([PciRegion.Io(0, 16), PciRegion.Memory32(1, 0x1000)]), 3);
        _bench.Place(function, 0, 0xC100, PciCommand.None);
        _bench.Place(function, 1, 0x4000_0000, PciCommand.None);
        Assert.Equal(0xFFU, _bench.Port(0xC100, 1));
        _bench.Config(function, 0x04, (uint)PciCommand.IoSpace, 2);
        Assert.Equal(0x00U, _bench.Port(0xC100, 1));
        Assert.Equal(uint.MaxValue, _bench.Mmio(0x4000_0000));
        _bench.Config(function, 0x04, (uint)PciCommand.MemorySpace, 2);
        Assert.Equal(0xFFU, _bench.Port(0xC100, 1));
        Assert.Equal(0x0101_0101U, _bench.Mmio(0x4000_0FFC));
        Assert.Equal(uint.MaxValue, _bench.Mmio(0x4000_1000));
    }

    [Fact]
    public void A_region_moves_with_its_register_and_the_old_place_is_empty()
    {
        var function = _bench.Add(new ScriptedFunction([PciRegion.Memory64(2, 0x1000)]), 3);
        _bench.Place(function, 2, 0x4000_0000);
        _bench.Config(function, 0x18, 0x5000_0000, 4);
        Assert.Equal(uint.MaxValue, _bench.Mmio(0x4000_0000));
        Assert.Equal(0x0202_0202U, _bench.Mmio(0x5000_0010));
        Assert.Equal([(2, 0x10UL, 4)], function.Accesses);
        _bench.Config(function, 0x1C, 1, 4);
        Assert.Equal(uint.MaxValue, _bench.Mmio(0x5000_0010));
    }

    [Fact]
    public void Ports_are_reached_through_the_window_in_memory_too()
    {
        var function = _bench.Add(new ScriptedFunction([PciRegion.Io(4, 16)]), 3);
        _bench.Place(function, 4, 0xC100, PciCommand.IoSpace);
        Assert.Equal(0x0404U, _bench.Mmio(PciTestBench.PortBase + 0xC102, 2));
        _bench.MmioWrite(PciTestBench.PortBase + 0xC104, 1, 4);
        Assert.Equal([(4, 2UL, 2), (4, 4UL, 4)], function.Accesses);
        Assert.Equal(0xFFU, _bench.Mmio(PciTestBench.PortBase + 0xC110, 1));
    }

    [Theory]
    [InlineData(0x8000_0000U)]
    [InlineData(0xC000_0000U)]
    [InlineData(0x3FFF_F000U)]
    [InlineData(0x0000_0000U)]
    [InlineData(0xFFFF_F000U)]
    public void A_region_outside_of_the_window_is_decoded_by_nobody(uint address)
    {
        var function = _bench.Add(new ScriptedFunction([PciRegion.Memory32(0, 0x1000)]), 3);
        _bench.Place(function, 0, address);
        _ = _bench.Mmio(address);
        Assert.Empty(function.Accesses);
        _bench.Config(function, 0x10, 0x4000_0000, 4);
        Assert.Equal(0U, _bench.Mmio(0x4000_0000));
    }

    [Fact]
    public void Of_two_regions_over_each_other_the_lower_one_answers_until_it_goes()
    {
        var low = _bench.Add(new ScriptedFunction([PciRegion.Memory32(0, 0x1000)]), 3);
        var high = _bench.Add(new ScriptedFunction([PciRegion.Memory32(1, 0x2000)]), 4);
        _bench.Place(high, 1, 0x4000_0000);
        Assert.Equal(0x0101_0101U, _bench.Mmio(0x4000_0000));
        _bench.Place(low, 0, 0x4000_1000);
        Assert.Equal(0U, _bench.Mmio(0x4000_1000));
        Assert.Equal(uint.MaxValue, _bench.Mmio(0x4000_0000));
        _bench.Config(low, 0x10, 0x5000_0000, 4);
        Assert.Equal(0x0101_0101U, _bench.Mmio(0x4000_1000));
        Assert.Equal(0U, _bench.Mmio(0x5000_0000));
    }

    [Fact]
    public void Two_functions_can_change_places_through_an_overlap()
    {
        var low = _bench.Add(new ScriptedFunction([PciRegion.Memory32(0, 0x1000)]), 3);
        var high = _bench.Add(new ScriptedFunction([PciRegion.Memory32(1, 0x1000)]), 4);
        _bench.Place(low, 0, 0x4000_0000);
        _bench.Place(high, 1, 0x4000_1000);
        _bench.Config(low, 0x10, 0x4000_1000, 4);
        _bench.Config(high, 0x14, 0x4000_0000, 4);
        Assert.Equal(0x0101_0101U, _bench.Mmio(0x4000_0000));
        Assert.Equal(0U, _bench.Mmio(0x4000_1000));
    }

    [Fact]
    public void A_device_of_the_machine_keeps_its_addresses()
    {
        var other = new FakeDevice();
        _bench.Io.Register(other, new DeviceResources(
            new Resource.MmioAddressRange(0x4000_0800, 0x10), new Resource.PioAddressRange(0x1F0, 8)));
        var function = _bench.Add(new ScriptedFunction([PciRegion.Memory32(0, 0x1000), PciRegion.FixedPorts(8, 0x1F7, 2)]), 3);
        _bench.Place(function, 0, 0x4000_0000, Both);
        Assert.Equal(uint.MaxValue, _bench.Mmio(0x4000_0000));
        Assert.Empty(function.Accesses);
        _bench.Io.Unregister(other, new DeviceResources(
            new Resource.MmioAddressRange(0x4000_0800, 0x10), new Resource.PioAddressRange(0x1F0, 8)));
        _bench.Config(function, 0x04, 0, 2); // a region looks for its place again when a register changes
        _bench.Config(function, 0x04, (uint)Both, 2);
        Assert.Equal(0U, _bench.Mmio(0x4000_0000));
        Assert.Equal(8U, _bench.Port(0x1F7, 1));
    }

    [Fact]
    public void Fixed_ports_answer_while_the_device_decodes_them()
    {
        var function = new ScriptedFunction([PciRegion.FixedPorts(8, 0x1F0, 8), PciRegion.FixedPorts(9, 0x3F6, 1)]);
        function.Off.Add(9);
        _bench.Add(function, 3);
        Assert.Equal(0xFFU, _bench.Port(0x1F7, 1));
        _bench.Config(function, 0x04, (uint)PciCommand.IoSpace, 2);
        Assert.Equal(8U, _bench.Port(0x1F7, 1));
        Assert.Equal(0xFFU, _bench.Port(0x3F6, 1));
        function.Off.Clear();
        function.LookAgain();
        Assert.Equal(9U, _bench.Port(0x3F6, 1));
    }

    [Fact]
    public void A_region_can_move_while_a_hart_is_inside_of_it()
    {
        var function = _bench.Add(new ScriptedFunction([PciRegion.Memory32(0, 0x1000)]), 3);
        _bench.Place(function, 0, 0x4000_0000);
        function.Inside = () =>
        {
            function.Inside = null;
            _bench.Config(function, 0x10, 0x5000_0000, 4);
            Assert.Equal(uint.MaxValue, _bench.Mmio(0x4000_0000));
            Assert.Equal(0U, _bench.Mmio(0x5000_0000));
        };
        Assert.Equal(0U, _bench.Mmio(0x4000_0000));
        Assert.Equal(2, function.Accesses.Count);
    }

    [Fact]
    public async Task A_region_can_move_while_another_hart_is_inside_of_it()
    {
        var function = _bench.Add(new ScriptedFunction([PciRegion.Memory32(0, 0x1000)]), 3);
        _bench.Place(function, 0, 0x4000_0000);
        using var inside = new ManualResetEventSlim();
        using var leave = new ManualResetEventSlim();
        function.Inside = () =>
        {
            inside.Set();
            leave.Wait(TestContext.Current.CancellationToken);
        };
        var access = Task.Run(() => _bench.Mmio(0x4000_0000), TestContext.Current.CancellationToken);
        inside.Wait(TestContext.Current.CancellationToken);
        function.Inside = null;
        _bench.Config(function, 0x10, 0x5000_0000, 4);
        Assert.Equal(uint.MaxValue, _bench.Mmio(0x4000_0000));
        Assert.Equal(0U, _bench.Mmio(0x5000_0000));
        leave.Set();
        Assert.Equal(0U, await access);
    }

    [Fact]
    public async Task A_function_that_is_taken_away_is_missed_at_once_and_left_when_the_last_access_has_left()
    {
        var function = _bench.Add(new ScriptedFunction([PciRegion.Memory32(0, 0x1000)]), 3);
        _bench.Place(function, 0, 0x4000_0000);
        function.Pin.SetLevel(true);
        Assert.True(_bench.Wires[3].Level);
        using var inside = new ManualResetEventSlim();
        using var leave = new ManualResetEventSlim();
        function.Inside = () =>
        {
            inside.Set();
            leave.Wait(TestContext.Current.CancellationToken);
        };
        var access = Task.Run(() => _bench.Mmio(0x4000_0000), TestContext.Current.CancellationToken);
        inside.Wait(TestContext.Current.CancellationToken);
        var left = _bench.Bus.Detach(function);
        Assert.False(left.IsCompleted);
        Assert.False(_bench.Wires[3].Level);
        Assert.Equal(uint.MaxValue, _bench.Mmio(0x4000_0000));
        Assert.Equal(uint.MaxValue, _bench.Mmio(PciTestBench.EcamBase + (3UL << 15)));
        leave.Set();
        await access;
        await left;
        function.Pin.SetLevel(false);
        function.Pin.SetLevel(true);
        Assert.False(_bench.Wires[3].Level);
        await Assert.ThrowsAsync<ArgumentException>(() => _bench.Bus.Detach(function));
    }

    [Fact]
    public void A_transaction_that_somebody_has_open_puts_a_move_off_and_breaks_nothing()
    {
        var function = _bench.Add(new ScriptedFunction([PciRegion.Memory32(0, 0x1000)]), 3);
        using (_bench.Io.BeginTransaction())
        {
            _bench.Place(function, 0, 0x4000_0000);
            Assert.Equal(uint.MaxValue, _bench.Mmio(0x4000_0000));
        }

        _ = _bench.Config(function, 0x04, 2);
        Assert.Equal(0U, _bench.Mmio(0x4000_0000));
    }

    [Fact]
    public void A_window_of_its_own_answers_ones_where_no_function_does()
    {
        var bench = new PciTestBench(answersUnclaimed: true);
        Reads(uint.MaxValue, 0x4000_0000, 0x5555_5554, 0x7FFF_FFFC);
        var function = bench.Add(new ScriptedFunction([PciRegion.Memory32(0, 0x1000), PciRegion.Memory32(1, 0x1000)]), 3);
        bench.Place(function, 0, 0x4000_0000);
        bench.Place(function, 1, 0x7FFF_F000);
        Reads(0, 0x4000_0000, 0x4000_0FFC);
        Reads(0x0101_0101, 0x7FFF_F000, 0x7FFF_FFFC);
        Reads(uint.MaxValue, 0x4000_1000, 0x7FFF_EFFC);
        bench.Config(function, 0x10, 0x4000_1000, 4);
        Reads(uint.MaxValue, 0x4000_0000, 0x4000_0FFC, 0x4000_2000);
        Reads(0, 0x4000_1000);
        bench.Bus.Detach(function);
        Reads(uint.MaxValue, 0x4000_1000, 0x7FFF_F000);
        Assert.Equal(BusStatus.Ok, bench.MmioWrite(0x4000_1000, 1).Status);
        Assert.Equal(0, bench.Io.MissedAccesses);
        Assert.Equal(uint.MaxValue, bench.Mmio(0x3FFF_FFFC)); // the end of the ECAM

        void Reads(uint value, params ulong[] addresses) => Assert.All(addresses, address => Assert.Equal(value, bench.Mmio(address)));
    }

    // Against a model: whatever is written, in whatever order, what answers follows from the registers alone.
    [Fact]
    public void What_answers_follows_from_the_registers_alone()
    {
        var random = new Random(7);
        var functions = Enumerable.Range(0, 4).Select(device => _bench.Add(
            new ScriptedFunction([PciRegion.Memory32(0, 0x1000), PciRegion.Memory64(2, 0x4000), PciRegion.Io(4, 256)]), device)).ToList();
        uint[] places = [0, 0x4000_0000, 0x4000_1000, 0x4000_2000, 0x4000_4000, 0x7FFF_F000, 0x8000_0000, 0xFFFF_F000, 0x100, 0x1100];
        for (var step = 0; step < 3000; step++)
        {
            var function = functions[random.Next(4)];
            if (random.Next(3) == 0)
            {
                _bench.Config(function, 0x04, (uint)random.Next(8), 2);
            }
            else
            {
                _bench.Config(function, 0x10 + (8 * random.Next(3)), places[random.Next(places.Length)], 4);
            }

            var fresh = new PciTestBench();
            var copies = functions.Select((original, device) => fresh.Add(new ScriptedFunction(original.Regions), device)).ToList();
            foreach (var (original, copy) in functions.Zip(copies))
            {
                foreach (var offset in new[] { 0x10, 0x18, 0x1C, 0x20, 0x04 })
                {
                    fresh.Config(copy, offset, _bench.Config(original, offset) & 0xFFFF_FFFF, offset == 4 ? 2 : 4);
                }
            }

            Assert.Equal(Places(fresh), Places(_bench));
        }
    }

    private static IEnumerable<(IoSpace Space, ulong Base, ulong Size)> Places(PciTestBench bench) =>
        bench.Io.Registrations.Select(entry => (entry.Space, entry.Base.Value, entry.Size));
}
