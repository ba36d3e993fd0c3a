using Eider.Devices.Pci;
using Eider.Hardware.Bus;
using Eider.Hardware.Interrupts;

namespace Eider.Fuzz.Tests.Targets;

/// <summary>A function with regions of every kind; each answers with its own number. Counts what reached it.</summary>
internal sealed class FuzzPciFunction : PciFunction
{
    /// <summary>Where the table of MSI-X is in region 1, and where its pending bits are.</summary>
    public const uint Table = 0x400, Pending = 0x800;

    /// <summary>Number of messages.</summary>
    public const uint Messages = 4;

    private static readonly PciRegion[] Layout =
        [PciRegion.Io(0, 16), PciRegion.Memory32(1, 0x1000), PciRegion.Memory64(2, 0x2000, isPrefetchable: true), PciRegion.FixedPorts(6, 0x1F0, 8)];

    public FuzzPciFunction(InterruptGroup group)
        : base(new PciIdentity(0x1234, 0x5678, 0x01_0185), Layout, PciInterruptPin.B)
    {
        if (group.Type == InterruptSourceType.PciMsix)
        {
            AddMsix(group, 1, Table, Pending);
        }
        else
        {
            AddMsi(group);
        }
    }

    /// <summary>Accesses that reached a region.</summary>
    public int Reached { get; set; }

    /// <summary>The pin.</summary>
    public IInterruptLine Pin => Interrupt;

    /// <summary>What the device wants of it.</summary>
    public bool PinLevel { get; set; }

    /// <summary>Signals by message; false if the driver uses none.</summary>
    public bool Signal(uint vector) => TrySignal(vector);

    /// <inheritdoc/>
    public override BusResult ReadRegion(int region, ulong offset, Span<byte> data)
    {
        Reached++;
        data.Fill((byte)region);
        return BusResult.Ok;
    }

    /// <inheritdoc/>
    public override BusResult WriteRegion(int region, ulong offset, ReadOnlySpan<byte> data)
    {
        Reached++;
        return BusResult.Ok;
    }

    /// <inheritdoc/>
    public override BusResult Reset()
    {
        PinLevel = false;
        return base.Reset();
    }
}
