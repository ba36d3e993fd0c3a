using Eider.Devices.Pci;
using Eider.Hardware.Bus;
using Eider.Testing.Pci;

namespace Eider.Devices.Tests.Pci;

/// <summary>Configuration space: PCI Local Bus 3.0, chapter 6, and the two ways to it.</summary>
public sealed class PciConfigTests
{
    private readonly PciTestBench _bench = new();

    [Fact]
    public void The_header_says_who_the_function_is_and_cannot_be_written()
    {
        var function = _bench.Add(new ScriptedFunction([PciRegion.Memory32(0, 0x1000)]), 3);
        for (var round = 0; round < 2; round++)
        {
            Assert.Equal(0x5678_1234U, _bench.Config(function, 0x00));
            Assert.Equal(0xFF01_0203U, _bench.Config(function, 0x08));
            Assert.Equal(0U, _bench.Config(function, 0x0E, 1));
            Assert.Equal(0x8765_4321U, _bench.Config(function, 0x2C));
            Assert.Equal(1U, _bench.Config(function, 0x3D, 1));
            foreach (var offset in new[] { 0x00, 0x08, 0x2C, 0x30, 0x34, 0x38 })
            {
                _bench.Config(function, offset, uint.MaxValue, 4);
            }

            _bench.Config(function, 0x0E, 0xFF, 1);
            _bench.Config(function, 0x3D, 0xFF, 1);
        }
    }

    [Fact]
    public void What_software_keeps_in_the_header_is_kept()
    {
        var function = _bench.Add(new ScriptedFunction([]), 3);
        _bench.Config(function, 0x0C, 0x4010, 2);
        _bench.Config(function, 0x3C, 0x2A, 1);
        Assert.Equal(0x4010U, _bench.Config(function, 0x0C, 2));
        Assert.Equal(0x2AU, _bench.Config(function, 0x3C, 1));
    }

    [Fact]
    public void A_command_bit_that_has_nothing_to_command_reads_0()
    {
        var both = _bench.Add(new ScriptedFunction([PciRegion.Io(0, 16), PciRegion.Memory32(1, 16)]), 1);
        var ports = _bench.Add(new ScriptedFunction([PciRegion.Io(0, 16)]), 2);
        var bare = _bench.Add(new ScriptedFunction([], PciInterruptPin.None), 3);
        foreach (var function in new[] { both, ports, bare })
        {
            _bench.Config(function, 0x04, 0xFFFF, 2);
        }

        Assert.Equal(0x547U, _bench.Config(both, 0x04, 2));
        Assert.Equal(0x545U, _bench.Config(ports, 0x04, 2));
        Assert.Equal(0x144U, _bench.Config(bare, 0x04, 2));
    }

    // Section 6.2.5.1: write ones, read the size back.
    [Fact]
    public void Ones_written_to_a_base_address_register_read_back_its_size_and_kind()
    {
        var function = _bench.Add(
            new ScriptedFunction([PciRegion.Io(0, 8), PciRegion.Memory32(1, 0x1000), PciRegion.Memory64(2, 1UL << 33, isPrefetchable: true)]), 3);
        for (var bar = 0; bar < 6; bar++)
        {
            _bench.Config(function, 0x10 + (4 * bar), uint.MaxValue, 4);
        }

        Assert.Equal(0xFFFF_FFF9U, _bench.Config(function, 0x10));
        Assert.Equal(0xFFFF_F000U, _bench.Config(function, 0x14));
        Assert.Equal(0x0000_000CU, _bench.Config(function, 0x18));
        Assert.Equal(0xFFFF_FFFEU, _bench.Config(function, 0x1C));
        Assert.Equal(0U, _bench.Config(function, 0x20));
        Assert.Equal(0U, _bench.Config(function, 0x24));
    }

    [Fact]
    public void A_register_is_written_byte_by_byte_as_well()
    {
        var function = _bench.Add(new ScriptedFunction([PciRegion.Memory32(0, 0x1000)]), 3);
        _bench.Config(function, 0x13, 0x41, 1);
        _bench.Config(function, 0x10, 0x3456, 2);
        Assert.Equal(0x4100_3000U, _bench.Config(function, 0x10));
    }

    [Fact]
    public void Where_no_function_is_configuration_reads_ones()
    {
        var function = _bench.Add(new ScriptedFunction([]), 0);
        Assert.Equal(0x5678_1234U, _bench.Mmio(PciTestBench.EcamBase));
        foreach (var offset in new ulong[] { 1UL << 12, 1UL << 15, 1UL << 20, PciEcam.SizeBytes - 4, 0x100, 0xFFC })
        {
            Assert.Equal(uint.MaxValue, _bench.Mmio(PciTestBench.EcamBase + offset));
            Assert.Equal(BusResult.Ok, _bench.MmioWrite(PciTestBench.EcamBase + offset, 0));
        }

        Assert.Equal(0, _bench.Io.MissedAccesses + _bench.Io.RefusedAccesses);
        Assert.NotNull(function);
    }

    [Theory]
    [InlineData(1, 2)]
    [InlineData(2, 4)]
    [InlineData(0, 8)]
    [InlineData(0, 3)]
    public void An_access_that_no_bus_has_is_refused(uint offset, int width)
    {
        _bench.Add(new ScriptedFunction([]), 0);
        var data = new byte[width];
        Assert.NotEqual(BusStatus.Ok, _bench.Io.MmioRead(PciTestBench.EcamBase + offset, data).Status);
        Assert.All(data, read => Assert.Equal(0xFF, read));
        Assert.NotEqual(BusStatus.Ok, _bench.Io.MmioWrite(PciTestBench.EcamBase + offset, data).Status);
    }

    [Fact]
    public void Further_functions_show_in_the_header_type_and_go_again()
    {
        var first = _bench.Add(new ScriptedFunction([]), 3);
        var second = _bench.Add(new ScriptedFunction([]), 3, 1);
        Assert.Equal((0x80U, 0U), (_bench.Config(first, 0x0E, 1), _bench.Config(second, 0x0E, 1)));
        _bench.Bus.Reset();
        Assert.Equal(0x80U, _bench.Config(first, 0x0E, 1));
        Assert.True(_bench.Bus.Detach(second).IsCompleted);
        Assert.Equal(0U, _bench.Config(first, 0x0E, 1));
    }

    [Fact]
    public void Capabilities_make_a_list_on_double_words()
    {
        var function = new ScriptedFunction([]);
        Assert.Equal(0x40, function.AddVendor(1, 2, 3));
        Assert.Equal(0x48, function.AddVendor(4));
        _bench.Add(function, 3);
        Assert.Equal(0x10U, _bench.Config(function, 0x06, 2));
        Assert.Equal(0x40U, _bench.Config(function, 0x34, 1));
        Assert.Equal(0x0201_4809U, _bench.Config(function, 0x40));
        Assert.Equal(0x0004_0009U, _bench.Config(function, 0x48));
    }

    [Fact]
    public void A_reset_brings_back_what_was_there_at_first()
    {
        var function = _bench.Add(new ScriptedFunction([PciRegion.Memory32(0, 0x1000)]), 3);
        _bench.Place(function, 0, 0x4000_0000);
        function.Pin.SetLevel(true);
        _bench.Bus.Reset();
        Assert.Equal(0U, _bench.Config(function, 0x04));
        Assert.Equal(0U, _bench.Config(function, 0x10));
        Assert.False(_bench.Wires[3].Level);
        Assert.Equal(uint.MaxValue, _bench.Mmio(0x4000_0000));
    }

    // Section 3.2.2.3.2.
    [Fact]
    public void Mechanism_1_reaches_a_function_by_address_and_data_ports()
    {
        var function = _bench.Add(new ScriptedFunction([PciRegion.Io(4, 16)]), 1, 1);
        _bench.PortWrite(0xCF8, 0x8000_0900, 4);
        Assert.Equal(0x8000_0900U, _bench.Port(0xCF8, 4));
        Assert.Equal(0x5678_1234U, _bench.Port(0xCFC, 4));
        Assert.Equal(0x5678U, _bench.Port(0xCFE, 2));
        Assert.Equal(0x56U, _bench.Port(0xCFF, 1));
        _bench.PortWrite(0xCF8, 0x8000_0920, 4);
        _bench.PortWrite(0xCFC, 0xC101, 4);
        Assert.Equal(0xC101U, _bench.Config(function, 0x20));
        _bench.PortWrite(0xCF8, 0x8000_1900, 4);
        Assert.Equal(uint.MaxValue, _bench.Port(0xCFC, 4));
    }

    [Fact]
    public void Mechanism_1_answers_nothing_while_its_enable_bit_is_off()
    {
        _bench.Add(new ScriptedFunction([]), 1);
        _bench.PortWrite(0xCF8, 0x0000_0800, 4);
        Assert.Equal(uint.MaxValue, _bench.Port(0xCFC, 4));
        _bench.PortWrite(0xCF8, 0xFFFF_FFFF, 4);
        Assert.Equal(0x80FF_FFFCU, _bench.Port(0xCF8, 4));
    }

    [Fact]
    public void Bytes_and_words_at_the_address_port_do_not_change_the_address()
    {
        _bench.PortWrite(0xCF8, 0x8000_0800, 4);
        _bench.PortWrite(0xCF8, 0x11, 1);
        _bench.PortWrite(0xCFA, 0x2222, 2);
        Assert.Equal(0xFFU, _bench.Port(0xCF9, 1));
        Assert.Equal(0x8000_0800U, _bench.Port(0xCF8, 4));
    }

    [Fact]
    public void An_impossible_function_is_refused_when_it_is_made()
    {
        Assert.Throws<ArgumentException>(() => PciRegion.Io(0, 512));
        Assert.Throws<ArgumentException>(() => PciRegion.Io(6, 16));
        Assert.Throws<ArgumentException>(() => PciRegion.Memory32(0, 0x1800));
        Assert.Throws<ArgumentException>(() => PciRegion.Memory64(5, 0x1000));
        Assert.Throws<ArgumentException>(() => PciRegion.FixedPorts(5, 0x1F0, 8));
        Assert.Throws<ArgumentException>(() => new ScriptedFunction([PciRegion.Memory64(0, 0x1000), PciRegion.Io(1, 16)]));
        var function = _bench.Add(new ScriptedFunction([]), 1);
        Assert.Throws<ArgumentException>(() => _bench.Add(new ScriptedFunction([]), 1));
        Assert.Throws<InvalidOperationException>(() => _bench.Add(function, 2));
    }
}
