using System.Buffers.Binary;
using Eider.Hardware.Bus;
using Eider.Hardware.Interrupts;
using Eider.Hardware.Lifecycle;
using Eider.Hardware.Memory;
using Eider.Hardware.Resources;
using Eider.Hardware.Time;

namespace Eider.RiscV.Tests.Comparison;

/// <summary>Runs an image on the engine, with nothing but RAM and the device that switches off.</summary>
internal static class EiderMachine
{
    /// <summary>The RAM at the end and the retired instructions. A guest that does not end within the limit is left.</summary>
    public static (byte[] Ram, ulong Instructions) Run(byte[] image, long instructionLimit)
    {
        using GuestRam ram = new((Layout.Ram, (ulong)image.Length));
        Assert.True(ram.TryWrite(Layout.Ram, image));
        PowerDevice power = new();
        IoManager io = new();
        TimerDevice timer = new();
        io.Register(timer, timer.AssignedResources);
        io.Register(power, power.AssignedResources);
        using RiscVEngine engine = new(new RiscVEngineOptions
        {
            Ram = ram,
            Io = io,
            Timebase = new VirtualTimebase(),
            Pins = [new HartPins()],
            EntryPoint = Layout.Handler,
            Start = RiscVStartMode.Machine,
        });
        while (!power.IsOff && engine.RetiredInstructions < (ulong)instructionLimit)
        {
            if (engine.Run(1_000_000) != EngineStop.BudgetSpent)
            {
                break;
            }
        }

        byte[] result = new byte[image.Length];
        Assert.True(ram.TryRead(Layout.Ram, result));
        return (result, engine.RetiredInstructions);
    }

    /// <summary>The first register of the test device: 0x5555 switches off.</summary>
    private sealed class PowerDevice : IDeviceIo
    {
        public bool IsOff { get; private set; }

        public DeviceResources AssignedResources { get; } = new(new Resource.MmioAddressRange(Layout.PowerDevice, 0x1000));

        public BusResult Write(IoAddress rangeBase, IoAddress offset, ReadOnlySpan<byte> data)
        {
            IsOff |= offset.Value == 0 && data.Length == 4 && BinaryPrimitives.ReadUInt32LittleEndian(data) == 0x5555;
            return BusStatus.Ok;
        }
    }

    /// <summary>Takes the write to mtimecmp that puts QEMU's timer off; there is no timer here.</summary>
    private sealed class TimerDevice : IDeviceIo
    {
        public DeviceResources AssignedResources { get; } = new(new Resource.MmioAddressRange(Layout.TimerCompare, 8));

        public BusResult Write(IoAddress rangeBase, IoAddress offset, ReadOnlySpan<byte> data) => BusStatus.Ok;
    }
}
