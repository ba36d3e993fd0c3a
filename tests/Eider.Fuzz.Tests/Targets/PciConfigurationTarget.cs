using System.Buffers.Binary;
using Eider.Devices.Pci;
using Eider.Hardware.Bus;
using Eider.Hardware.Interrupts;
using Eider.Hardware.Resources;
using Eider.Testing.Fuzzing;

namespace Eider.Fuzz.Tests.Targets;

/// <summary>
/// A PCI bus with three functions: configuration accesses of any register, width and value by both ways, regions placed
/// anywhere and over each other, pins, MSI and MSI-X. Checked against what the registers themselves say. Completed: an access to an
/// address that the case programmed reached a region, or a message was sent.
/// </summary>
public sealed class PciConfigurationTarget : FuzzTarget, IMsiSink, IInterruptLine
{
    private const ulong Ecam = 0x3000_0000;
    private const ulong FirstMemory = 0x4000_0000;
    private const ulong LastMemory = 0x7FFF_FFFF;
    private const int Functions = 3;
    private const int MostSteps = 16;

    private static readonly int[] Registers =
        [0x04, 0x10, 0x14, 0x18, 0x1C, 0x40, 0x42, 0x44, 0x48, 0x4C, 0x50, 0x54, 0x06, 0x0C, 0x20, 0x30, 0x34, 0x3C];

    private static readonly uint[] Places =
        [0x4000_0000, 0x4000_1000, 0x4000_2000, 0x7FFF_F000, 0x1F0, 0xC100, 0x8000_0000, 0xFFFF_F000, 0xCF8, 0];

    private readonly IoManager _io = new();
    private readonly PciBus _bus;
    private readonly FuzzPciFunction[] _functions;
    private readonly byte[] _data = new byte[8];
    private bool _wire;
    private int _sent;

    /// <summary>Makes the bus; every case resets it.</summary>
    public PciConfigurationTarget()
    {
        var other = new Wire();
        _bus = new PciBus(
            _io, new PciWindows(FirstMemory, LastMemory, 0, 0xFFFF) { AnswersUnclaimed = true }, [other, this, other, other]);
        _io.Register(new PciEcam(_bus), new DeviceResources(new Resource.MmioAddressRange(Ecam, PciEcam.SizeBytes)));
        _io.Register(new PciConfigPorts(_bus), new DeviceResources(new Resource.PioAddressRange(PciConfigPorts.Port, PciConfigPorts.SizePorts)));
        var interrupts = new InterruptManager(_ => null, this);
        _functions = [.. Enumerable.Range(0, Functions).Select(index => new FuzzPciFunction(interrupts.CreateGroup(
            index == 1 ? InterruptSourceType.PciMsi : InterruptSourceType.PciMsix, (uint)index * FuzzPciFunction.Messages, FuzzPciFunction.Messages)))];
        for (var index = 0; index < Functions; index++)
        {
            _bus.Attach(_functions[index], new PciAddress(4 * index)); // all on one wire
        }
    }

    /// <inheritdoc/>
    public override string Name => "pci-configuration";

    /// <inheritdoc/>
    public override bool IsDevice => true;

    /// <inheritdoc/>
    public override bool Run(FuzzInput input)
    {
        _bus.Reset();
        FuzzException.Unless(!_wire, "after a reset the wire is low");
        _sent = 0;
        foreach (var function in _functions)
        {
            function.Reached = 0;
        }

        for (var steps = 1 + input.Below(MostSteps); steps > 0; steps--)
        {
            Step(input, _functions[input.Below(Functions)]);
        }

        CheckPlaces(input);
        CheckWire();
        return _sent > 0 || _functions.Any(function => function.Reached > 0);
    }

    /// <inheritdoc/>
    void IMsiSink.Send(uint vector, in MsiMessage message) => _sent++;

    /// <inheritdoc/>
    void IInterruptLine.SetLevel(bool level) => _wire = level;

    private void Step(FuzzInput input, FuzzPciFunction function)
    {
        switch (input.Below(8))
        {
            case 0:
                Configure(function, 0x04, input.Pick<uint>([0x7, 0x3, 0x407, 0x6, 0x0]), 2);
                break;
            case 1:
                Configure(function, 0x10 + (4 * input.Below(4)), input.Pick<uint>(Places), 4);
                if (!input.OneIn(2))
                {
                    Configure(function, 0x04, 0x7, 2);
                    AccessRegion(input, function);
                }

                break;
            case 2:
                AccessAnything(input, function);
                break;
            case 3:
            case 4:
                AccessRegion(input, function);
                break;
            case 5:
                ProgramMessages(input, function);
                break;
            case 6:
                Signal(input, function);
                break;
            default:
                function.PinLevel = !function.PinLevel;
                function.Pin.SetLevel(function.PinLevel);
                break;
        }
    }

    // Any register, width, alignment and value, by either way, also where no function is.
    private void AccessAnything(FuzzInput input, FuzzPciFunction function)
    {
        var offset = input.OneIn(4) ? (int)(input.Edge(0x1000) & 0xFFF) : input.Pick<int>(Registers) + input.Below(4);
        var width = input.Pick<int>([4, 2, 1, 8, 3]);
        var value = input.OneIn(2) ? input.Pick<uint>(Places) : (uint)(input.Edge(0x4000_0000) & uint.MaxValue);
        var devFn = input.OneIn(8) ? input.Byte() : function.Address!.Value.Device << 3;
        BinaryPrimitives.WriteUInt64LittleEndian(_data, value);
        if (input.OneIn(2))
        {
            Port(0xCF8, 0x8000_0000U | ((uint)devFn << 8) | ((uint)offset & 0xFC));
            BinaryPrimitives.WriteUInt64LittleEndian(_data, value);
            var port = (ushort)(0xCFC + (offset & 3));
            _ = input.OneIn(3) ? _io.PioRead(port, _data.AsSpan(0, width)) : _io.PioWrite(port, _data.AsSpan(0, width));
            return;
        }

        var address = Ecam + ((ulong)devFn << 12) + (ulong)offset + (input.OneIn(16) ? input.Edge(0x1000_0000) & 0xFF0_0000 : 0);
        _ = input.OneIn(3) ? _io.MmioRead(address, _data.AsSpan(0, width)) : _io.MmioWrite(address, _data.AsSpan(0, width));
    }

    private void AccessRegion(FuzzInput input, FuzzPciFunction function)
    {
        var region = function.Regions[input.Below(function.Regions.Count)];
        var address = unchecked(BaseOf(function, region) + (input.Edge(region.SizeBytes) & (region.SizeBytes - 1)));
        var width = input.Pick<int>([4, 1, 2, 8]);
        input.Fill(_data);
        if (region.IsPorts)
        {
            _ = _io.PioRead((ushort)(address & 0xFFFF), _data.AsSpan(0, Math.Min(width, 4)));
        }
        else if (input.OneIn(2))
        {
            _ = _io.MmioWrite(address, _data.AsSpan(0, width));
        }
        else
        {
            _ = _io.MmioRead(address, _data.AsSpan(0, width));
        }
    }

    // The control word, then perhaps a vector: by the table of MSI-X or the registers of MSI.
    private void ProgramMessages(FuzzInput input, FuzzPciFunction function)
    {
        var isMsi = function == _functions[1];
        var control = input.Pick<uint>(isMsi ? [0x01, 0x21, 0x71, 0] : [0x8000, 0xC000, 0x4000, 0]);
        Configure(function, (int)Read(function, 0x34, 1) + 2, control, 2);
        if (isMsi)
        {
            Configure(function, 0x50, input.Byte(), 4);
            return;
        }

        var entry = BaseOf(function, function.Regions[1]) + FuzzPciFunction.Table + 12 + (16UL * (uint)input.Below((int)FuzzPciFunction.Messages));
        BinaryPrimitives.WriteUInt64LittleEndian(_data, input.OneIn(3) ? 1U : 0);
        _ = _io.MmioWrite(entry, _data.AsSpan(0, 4));
    }

    private void Signal(FuzzInput input, FuzzPciFunction function)
    {
        var vector = (uint)input.Below((int)FuzzPciFunction.Messages + 1);
        var before = _sent;
        var capability = (int)Read(function, 0x34, 1);
        var control = Read(function, capability + 2, 2);
        var isMaster = (Read(function, 0x04, 2) & 4) != 0;
        var isEnabled = (control & (function == _functions[1] ? 1U : 0x8000U)) != 0;
        FuzzException.Unless(function.Signal(vector) == isEnabled, "a function signals by message exactly while they are enabled");
        FuzzException.Unless(_sent - before <= 1, "a signal is one message at most");
        FuzzException.Unless(_sent == before || (isEnabled && isMaster), "no message without enable and bus master");
        input.Saw($"signal {(isEnabled ? isMaster ? _sent == before ? "held back" : "sent" : "not master" : "not enabled")}");
    }

    // What is registered follows from the registers: every region is where they say, or is hidden by one before it, or is nowhere.
    private void CheckPlaces(FuzzInput input)
    {
        var taken = new List<(bool IsPorts, ulong First, ulong Last)> { (true, PciConfigPorts.Port, PciConfigPorts.Port + PciConfigPorts.SizePorts - 1UL) };
        var expected = new List<(bool IsPorts, ulong First, ulong Size)>();
        foreach (var function in _functions)
        {
            FuzzException.Unless(Read(function, 0x00, 4) == 0x5678_1234, "nobody changes who a function is");
            var command = Read(function, 0x04, 2);
            foreach (var region in function.Regions)
            {
                var first = BaseOf(function, region);
                var last = unchecked(first + (region.SizeBytes - 1));
                var isOn = (command & (region.IsPorts ? 1U : 2U)) != 0 && first != 0 && last >= first
                    && (region.IsPorts ? last <= 0xFFFF : first >= FirstMemory && last <= LastMemory);
                if (isOn && !taken.Exists(other => other.IsPorts == region.IsPorts && first <= other.Last && other.First <= last))
                {
                    taken.Add((region.IsPorts, first, last));
                    expected.Add((region.IsPorts, first, region.SizeBytes));
                }
            }
        }

        var known = 0;
        ulong memory = 0;
        foreach (var entry in _io.Registrations)
        {
            known += expected.Contains((entry.Space == IoSpace.Pio, entry.Base.Value, entry.Size)) ? 1 : 0;
            memory += entry.Space == IoSpace.Mmio && entry.Base.Value >= FirstMemory ? entry.Size : 0;
        }

        FuzzException.Unless(known == expected.Count, "every region is where its registers say");
        FuzzException.Unless(memory == LastMemory - FirstMemory + 1, "the memory window answers everywhere, once");
        input.Saw($"{expected.Count} regions");
    }

    private void CheckWire()
    {
        var level = false;
        foreach (var function in _functions)
        {
            var control = Read(function, (int)Read(function, 0x34, 1) + 2, 2);
            var usesMessages = (control & (function == _functions[1] ? 1U : 0x8000U)) != 0;
            level |= function.PinLevel && (Read(function, 0x04, 2) & 0x400) == 0 && !usesMessages;
            FuzzException.Unless(((Read(function, 0x06, 2) & 8) != 0) == function.PinLevel, "the status shows what the pin is wanted to be");
        }

        FuzzException.Unless(_wire == level, "the wire is high exactly while a function wants it");
    }

    private ulong BaseOf(FuzzPciFunction function, PciRegion region)
    {
        var low = Read(function, 0x10 + (4 * Math.Min(region.Index, 5)), 4);
        return region.Kind switch
        {
            PciRegionKind.FixedPorts => region.Port.Value,
            PciRegionKind.Io => low & ~3U,
            PciRegionKind.Memory64 => (low & ~15U) | ((ulong)Read(function, 0x10 + (4 * region.Index) + 4, 4) << 32),
            _ => low & ~15U,
        };
    }

    private uint Read(FuzzPciFunction function, int offset, int width)
    {
        Span<byte> data = stackalloc byte[4];
        data.Clear();
        _ = _io.MmioRead(Ecam + ((ulong)function.Address!.Value.Device << 15) + (ulong)offset, data[..width]);
        return BinaryPrimitives.ReadUInt32LittleEndian(data);
    }

    private void Configure(FuzzPciFunction function, int offset, uint value, int width)
    {
        Span<byte> data = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(data, value);
        _ = _io.MmioWrite(Ecam + ((ulong)function.Address!.Value.Device << 15) + (ulong)offset, data[..width]);
    }

    private void Port(ushort port, uint value)
    {
        Span<byte> data = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(data, value);
        _ = _io.PioWrite(port, data);
    }

    private sealed class Wire : IInterruptLine
    {
        public void SetLevel(bool level) => FuzzException.Unless(!level, "only the functions' own wire is driven");
    }
}
