using Eider.Devices.Ide;
using Eider.Devices.Pci;
using Eider.Hardware.Bus;
using Eider.Hardware.Memory;
using Eider.Hardware.Resources;
using Eider.Hardware.Time;
using Eider.Testing.Hardware;
using Eider.Testing.Pci;
using Eider.Testing.Qemu;

namespace Eider.Machines.Tests.Machines;

/// <summary>The PC board: bridges, interrupt routing, reset, and the same accesses here and on QEMU.</summary>
public sealed class PcBoardTests
{
    private readonly FakeInterruptLine[] _lines = [.. Enumerable.Range(0, 16).Select(_ => new FakeInterruptLine())];

    // Every access that a firmware makes when it looks for functions, sizes and places their registers, and turns them on; but for
    // those of which docs/devices/pci.md says why they differ.
    [Fact]
    public async Task The_same_port_accesses_get_the_same_answers_on_QEMU()
    {
        using var qemu = new QtestConnection("qemu-system-x86_64", "-machine", "pc", "-m", "64M");
        using var ram = new GuestRam((0, 1 << 20));
        var board = new PcBoard(_lines);
        await using var ide = Ide(ram);
        board.Pci.Attach(ide, new PciAddress(PcBoard.PiixDevice, 1));
        var differences = new List<string>();
        foreach (var line in Firmware())
        {
            var theirs = qemu.Send(line);
            if (PortTrace.Replay(board.Dispatcher, line) is { } ours && PortTrace.Number(theirs) != ours)
            {
                differences.Add($"{line}: QEMU {theirs}, here 0x{ours:x}");
            }
        }

        Assert.Empty(differences);
    }

    [Fact]
    public void Wires_lead_to_the_line_that_their_route_says_and_to_none_while_it_is_off()
    {
        var board = new PcBoard(_lines);
        var function = new ScriptedFunction([]);
        board.Pci.Attach(function, new PciAddress(3)); // INTA of device 3 is wire C
        function.Pin.SetLevel(true);
        Assert.DoesNotContain(_lines, line => line.Level);
        Config(board, PcBoard.PiixDevice, 0x62, 10, "b");
        Assert.Equal([10], High());
        Config(board, PcBoard.PiixDevice, 0x62, 11, "b");
        Assert.Equal([11], High());
        Config(board, PcBoard.PiixDevice, 0x62, 13, "b"); // reserved
        Assert.Empty(High());
        Config(board, PcBoard.PiixDevice, 0x62, 11, "b");
        Config(board, PcBoard.PiixDevice, 0x62, 0x8B, "b");
        Assert.Empty(High());
    }

    [Fact]
    public void Two_wires_share_a_line_as_the_levels_of_both_say()
    {
        var board = new PcBoard(_lines, isPiix4: true);
        var first = new ScriptedFunction([]);
        var second = new ScriptedFunction([]);
        board.Pci.Attach(first, new PciAddress(3));
        board.Pci.Attach(second, new PciAddress(4));
        Config(board, PcBoard.PiixDevice, 0x60, 0x0B0B_0B0B, "l");
        first.Pin.SetLevel(true);
        second.Pin.SetLevel(true);
        first.Pin.SetLevel(false);
        Assert.Equal([11], High());
        second.Pin.SetLevel(false);
        Assert.Empty(High());
        Assert.Equal(1, _lines[11].Rises);
        PortTrace.Replay(board.Dispatcher, "outl 0xcf8 0x80000800");
        Assert.Equal(0x7110_8086U, PortTrace.Replay(board.Dispatcher, "inl 0xcfc"));
    }

    [Fact]
    public void The_reset_control_resets_the_board_and_says_so()
    {
        var board = new PcBoard(_lines);
        var asked = new List<bool>();
        board.ResetRequested = asked.Add;
        var function = new ScriptedFunction([PciRegion.Io(0, 16)]);
        board.Pci.Attach(function, new PciAddress(3));
        Config(board, 3, 0x10, 0xC100, "l");
        Config(board, 3, 0x04, 1, "w");
        Assert.Equal(0U, PortTrace.Replay(board.Dispatcher, "inb 0xc100"));
        PortTrace.Replay(board.Dispatcher, "outb 0xcf9 0x2");
        Assert.Equal(2U, PortTrace.Replay(board.Dispatcher, "inb 0xcf9"));
        Assert.Empty(asked);
        PortTrace.Replay(board.Dispatcher, "outb 0xcf9 0x6");
        Assert.Equal([true], asked);
        Assert.Equal(0xFFU, PortTrace.Replay(board.Dispatcher, "inb 0xc100"));
        PortTrace.Replay(board.Dispatcher, "outb 0xcf9 0x0");
        PortTrace.Replay(board.Dispatcher, "outb 0xcf9 0x4");
        Assert.Equal([true, false], asked);
    }

    [Fact]
    public void The_reset_of_the_board_lasts_until_its_functions_have_let_go_of_memory()
    {
        var board = new PcBoard(_lines);
        var asked = new List<bool>();
        board.ResetRequested = asked.Add;
        var (first, second) = (new SlowFunction(), new SlowFunction());
        board.Pci.Attach(first, new PciAddress(3));
        board.Pci.Attach(second, new PciAddress(4));
        var reset = board.Io.PioWrite(0xCF9, [6]);
        Assert.Equal(BusStatus.Pending, reset.Status);
        first.InFlight.Complete();
        Assert.False(reset.Pending!.IsCompleted);
        Assert.Empty(asked);
        second.InFlight.Complete();
        Assert.True(reset.Pending.IsCompleted);
        Assert.Equal([true], asked);
    }

    [Fact]
    public async Task Two_channels_on_one_port_are_refused_with_one_line_that_names_it()
    {
        var board = new PcBoard(_lines);
        using var ram = new GuestRam((0, 1 << 20));
        var services = new IdeServices { Memory = ram, Executor = new ManualExecutor() };
        await using var first = new IdeChannel("first", null, null, services, _lines[14]);
        await using var second = new IdeChannel("second", null, null, services, _lines[15]);
        var (here, there) = (new IdeLegacyPorts(first, 0x1F0, 0x3F6), new IdeLegacyPorts(second, 0x1F4, 0x376));
        board.Io.Register(here, here.AssignedResources);
        var refused = Assert.Throws<BusOverlapException>(() => board.Io.Register(there, there.AssignedResources));
        Assert.Contains("0x1f4", refused.Message, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("0x1f0", refused.Message, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain('\n', refused.Message);
        Assert.Equal(0x7FU, PortTrace.Replay(board.Dispatcher, "inb 0x1f7")); // the first one is as it was
    }

    [Fact]
    public void A_device_of_the_ISA_bus_keeps_its_ports_from_PCI_regions()
    {
        var board = new PcBoard(_lines);
        var isa = new FakeDevice { Seed = 0x42 };
        board.Io.Register(isa, new DeviceResources(new Resource.PioAddressRange(0x8400, 0x20)));
        var function = new ScriptedFunction([PciRegion.Io(0, 16), PciRegion.Memory32(1, 0x1000)]);
        board.Pci.Attach(function, new PciAddress(3));
        Config(board, 3, 0x10, 0x8410, "l");
        Config(board, 3, 0x14, 0xE000_0000, "l");
        Config(board, 3, 0x04, 3, "w");
        Assert.Equal(0x42U + 0x10, PortTrace.Replay(board.Dispatcher, "inb 0x8410"));
        Config(board, 3, 0x10, 0x8420, "l");
        Assert.Equal(0U, PortTrace.Replay(board.Dispatcher, "inb 0x8420"));
        var data = new byte[4];
        board.Dispatcher.Dispatch(new IoAccess(IoSpace.Mmio, 0xE000_0FFC, IoDirection.Read, 4, 1, data), out _);
        Assert.Equal([1, 1, 1, 1], data);
    }

    private sealed class SlowFunction() : PciFunction(new PciIdentity(0x1234, 1, 0xFF_0000), [], PciInterruptPin.A)
    {
        public PendingAccess InFlight { get; } = new();

        public override BusResult Reset()
        {
            base.Reset();
            return BusResult.WaitFor(InFlight);
        }

        public override BusResult ReadRegion(int region, ulong offset, Span<byte> data) => BusStatus.InvalidRegister;

        public override BusResult WriteRegion(int region, ulong offset, ReadOnlySpan<byte> data) => BusStatus.InvalidRegister;
    }

    private static Piix3Ide Ide(GuestRam ram)
    {
        var services = new IdeServices { Memory = ram, Executor = new ManualExecutor() };
        var nowhere = new FakeInterruptLine();
        return new Piix3Ide(new IdeChannelDevices(), new IdeChannelDevices(), services, nowhere, nowhere);
    }

    private static IEnumerable<string> Firmware()
    {
        int[] devices = [0x00, 0x08, 0x09, 0x0A, 0x10, 0xF8];
        foreach (var devFn in devices)
        {
            foreach (var offset in new[] { 0x00, 0x04, 0x08, 0x0C, 0x10, 0x14, 0x18, 0x1C, 0x20, 0x24, 0x30, 0x34, 0x3C })
            {
                yield return Select(devFn, offset);
                yield return "inl 0xcfc";
                yield return "inw 0xcfe";
                yield return "inb 0xcfd";
            }
        }

        foreach (var offset in new[] { 0x4C, 0x60, 0x68, 0x70, 0x78 })
        {
            yield return Select(0x08, offset);
            yield return "inl 0xcfc";
        }

        foreach (var (devFn, offset, value) in new (int, int, uint)[]
        {
            (0x09, 0x20, uint.MaxValue), (0x09, 0x20, 0xC101), (0x09, 0x0C, 0x0010), (0x08, 0x60, 0x0B0B_0A05), (0x00, 0x30, uint.MaxValue),
            (0x09, 0x10, uint.MaxValue), (0x09, 0x00, 0), (0x10, 0x10, 0x1234),
        })
        {
            yield return Select(devFn, offset);
            yield return FormattableString.Invariant($"outl 0xcfc 0x{value:x}");
            yield return "inl 0xcfc";
        }

        // The bus master's ports come, move and go with the registers.
        yield return "inb 0xc102";
        yield return Select(0x09, 0x04);
        yield return "outw 0xcfc 0x5";
        yield return "inw 0xcfc";
        yield return "inb 0xc102";
        yield return "inl 0xc104";
        yield return Select(0x09, 0x20);
        yield return "outl 0xcfc 0xc201";
        yield return "inb 0xc102";
        yield return "inb 0xc20a";
        yield return Select(0x09, 0x04);
        yield return "outw 0xcfc 0x0";
        yield return "inb 0xc20a";
        yield return "outl 0xcf8 0x0";
        yield return "inl 0xcfc";
    }

    private static string Select(int devFn, int offset) => FormattableString.Invariant($"outl 0xcf8 0x{0x8000_0000U | ((uint)devFn << 8) | ((uint)offset & 0xFC):x}");

    private static void Config(PcBoard board, int device, int offset, uint value, string width)
    {
        PortTrace.Replay(board.Dispatcher, Select(device << 3, offset));
        PortTrace.Replay(board.Dispatcher, FormattableString.Invariant($"out{width} 0x{0xCFC + (offset & 3):x} 0x{value:x}"));
    }

    private IEnumerable<int> High() => Enumerable.Range(0, 16).Where(irq => _lines[irq].Level);
}
