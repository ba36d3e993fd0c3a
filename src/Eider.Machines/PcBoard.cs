using Eider.Devices.Pci;
using Eider.Hardware.Bus;
using Eider.Hardware.Interrupts;
using Eider.Hardware.Resources;

namespace Eider.Machines;

/// <summary>
/// The PCI side of a PC without a processor: host bridge, PIIX with its interrupt routing, configuration ports, reset control. Devices are
/// attached to it or registered on its bus, and whoever plays the processor sends accesses through <see cref="Dispatcher"/>: a
/// trace that is replayed, a fuzzer, an engine.
/// </summary>
/// <remarks>
/// Device 0 is the host bridge (8086:1237), device 1 function 0 the ISA bridge (8086:7000 or 7110); the PIIX's IDE belongs at device 1
/// function 1. Regions may be anywhere in the ports, and from 3 GiB to 4 GiB - 20 MiB in memory. Base address registers are as
/// after power-on: what firmware does is up to the one who drives the board.
/// </remarks>
public sealed class PcBoard
{
    /// <summary>First address of the memory window.</summary>
    public const ulong FirstMemory = 0xC000_0000;

    /// <summary>Last address of the memory window; the chip set's own addresses lie above.</summary>
    public const ulong LastMemory = 0xFEBF_FFFF;

    /// <summary>Device number of the PIIX.</summary>
    public const int PiixDevice = 1;

    /// <summary>A board with its two bridges.</summary>
    /// <param name="isaLines">IRQ 0 to 15: where the interrupt controller is, or who listens instead.</param>
    /// <param name="isPiix4">True for a PIIX4, false for a PIIX3.</param>
    /// <exception cref="ArgumentException">There are not sixteen lines.</exception>
    public PcBoard(IReadOnlyList<IInterruptLine> isaLines, bool isPiix4 = false)
    {
        IsaBridge = new PiixIsaBridge(isPiix4, isaLines);
        Pci = new PciBus(
            Io, new PciWindows(FirstMemory, LastMemory, 0, ushort.MaxValue), IsaBridge.PirqLines, firstDevice: PiixDevice);
        Dispatcher = new IoDispatcher(Io);
        Io.Register(
            new PciConfigPorts(Pci) { Beside = new PiixResetControl(RequestReset) },
            new DeviceResources(new Resource.PioAddressRange(PciConfigPorts.Port, PciConfigPorts.SizePorts)));
        Pci.Attach(HostBridge, new PciAddress(0));
        Pci.Attach(IsaBridge, new PciAddress(PiixDevice));
    }

    /// <summary>The bus, for devices that are no PCI functions.</summary>
    public IoManager Io { get; } = new();

    /// <summary>Where accesses of a processor go.</summary>
    public IoDispatcher Dispatcher { get; }

    /// <summary>The PCI bus.</summary>
    public PciBus Pci { get; }

    /// <summary>The host bridge.</summary>
    public HostBridge440Fx HostBridge { get; } = new();

    /// <summary>The ISA bridge.</summary>
    public PiixIsaBridge IsaBridge { get; }

    /// <summary>
    /// Called when the guest has reset the board or, with false, the processor alone: nothing of the old life reaches memory any more. On the
    /// thread that let go last. Must not block or throw.
    /// </summary>
    public Action<bool>? ResetRequested { get; set; }

    // A reset of the processor alone leaves the bus as it is.
    private BusResult RequestReset(bool isBoard)
    {
        if (!isBoard || Pci.Reset().Pending is not { } inFlight)
        {
            ResetRequested?.Invoke(isBoard);
            return BusResult.Ok;
        }

        var over = new PendingAccess();
        inFlight.OnCompleted(() =>
        {
            ResetRequested?.Invoke(true);
            over.Complete();
        });
        return BusResult.WaitFor(over);
    }
}
