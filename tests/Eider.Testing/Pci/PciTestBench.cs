using System.Buffers.Binary;
using Eider.Devices.Pci;
using Eider.Hardware.Bus;
using Eider.Hardware.Interrupts;
using Eider.Hardware.Resources;
using Eider.Testing.Hardware;

namespace Eider.Testing.Pci;

/// <summary>A machine's bus with a PCI bus on it, its three windows, and what a driver does there.</summary>
public sealed class PciTestBench : IMsiSink
{
    public const ulong EcamBase = 0x3000_0000;
    public const ulong PortBase = 0x0300_0000;
    public const ulong MemoryBase = 0x4000_0000;
    public const ulong MemoryLast = 0x7FFF_FFFF;

    private readonly Lock _gate = new();
    private readonly List<(uint Vector, MsiMessage Message)> _messages = [];
    private uint _nextVector;

    public PciTestBench(int firstDevice = 0, bool answersUnclaimed = false)
    {
        Bus = new PciBus(Io, new PciWindows(MemoryBase, MemoryLast, 0, 0xFFFF) { AnswersUnclaimed = answersUnclaimed }, Wires, firstDevice);
        Io.Register(new PciEcam(Bus), new DeviceResources(new Resource.MmioAddressRange(EcamBase, PciEcam.SizeBytes)));
        Io.Register(new PciPortWindow(Io), new DeviceResources(new Resource.MmioAddressRange(PortBase, PciPortWindow.SizeBytes)));
        Io.Register(
            new PciConfigPorts(Bus), new DeviceResources(new Resource.PioAddressRange(PciConfigPorts.Port, PciConfigPorts.SizePorts)));
        Interrupts = new InterruptManager(_ => null, this);
    }

    public IoManager Io { get; } = new();

    public FakeInterruptLine[] Wires { get; } = [new(), new(), new(), new()];

    public PciBus Bus { get; }

    public InterruptManager Interrupts { get; }

    /// <summary>The messages that were sent.</summary>
    public IReadOnlyList<(uint Vector, MsiMessage Message)> Messages
    {
        get
        {
            lock (_gate)
            {
                return [.. _messages];
            }
        }
    }

    /// <summary>A group of messages.</summary>
    public InterruptGroup NewGroup(InterruptSourceType type, uint count)
    {
        var first = _nextVector;
        _nextVector += count;
        return Interrupts.CreateGroup(type, first, count);
    }

    /// <summary>Puts a function at a device number.</summary>
    public TFunction Add<TFunction>(TFunction function, int device, int number = 0)
        where TFunction : PciFunction
    {
        Bus.Attach(function, new PciAddress(device, number));
        return function;
    }

    /// <summary>Reads a configuration register through the ECAM.</summary>
    public uint Config(PciFunction function, int offset, int width = 4) => Mmio(ConfigAddress(function, offset), width);

    /// <summary>Writes a configuration register through the ECAM.</summary>
    public void Config(PciFunction function, int offset, uint value, int width) =>
        MmioWrite(ConfigAddress(function, offset), value, width);

    /// <summary>Programs a base address register and turns decoding on.</summary>
    public void Place(PciFunction function, int bar, uint address, PciCommand command = PciCommand.MemorySpace)
    {
        Config(function, (int)PciRegister.Bar0 + (4 * bar), address, 4);
        Config(function, (int)PciRegister.Command, (uint)command, 2);
    }

    /// <summary>Offset of a capability; 0 if it is not there.</summary>
    public int FindCapability(PciFunction function, PciCapabilityId id)
    {
        var offset = (int)Config(function, (int)PciRegister.CapabilitiesPointer, 1);
        while (offset != 0 && Config(function, offset, 1) != (uint)id)
        {
            offset = (int)Config(function, offset + 1, 1);
        }

        return offset;
    }

    public uint Mmio(ulong address, int width = 4)
    {
        Span<byte> data = stackalloc byte[8];
        data.Clear();
        Io.MmioRead(address, data[..width]);
        return BinaryPrimitives.ReadUInt32LittleEndian(data);
    }

    public BusResult MmioWrite(ulong address, uint value, int width = 4)
    {
        Span<byte> data = stackalloc byte[8];
        data.Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(data, value);
        return Io.MmioWrite(address, data[..width]);
    }

    public uint Port(ushort port, int width)
    {
        Span<byte> data = stackalloc byte[4];
        data.Clear();
        Io.PioRead(port, data[..width]);
        return BinaryPrimitives.ReadUInt32LittleEndian(data);
    }

    public void PortWrite(ushort port, uint value, int width)
    {
        Span<byte> data = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(data, value);
        Io.PioWrite(port, data[..width]);
    }

    public static ulong ConfigAddress(PciFunction function, int offset)
    {
        var address = function.Address!.Value;
        return EcamBase + ((ulong)address.Device << 15) + ((ulong)address.Function << 12) + (ulong)offset;
    }

    void IMsiSink.Send(uint vector, in MsiMessage message)
    {
        lock (_gate)
        {
            _messages.Add((vector, message));
        }
    }
}
