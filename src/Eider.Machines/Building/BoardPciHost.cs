using Eider.Devices.Pci;
using Eider.Hardware.Bus;
using Eider.Hardware.Interrupts;
using Eider.Hardware.Lifecycle;
using Eider.Hardware.Resources;

namespace Eider.Machines.Building;

/// <summary>
/// The PCI host bridge at its place on the board: configuration space in memory, the window to the ports, and the window that
/// base address registers lead into, which is kept free for them. Its four wires lead to the interrupt controller.
/// </summary>
/// <param name="io">The machine's bus.</param>
/// <param name="wire">The wire of a source.</param>
internal sealed class BoardPciHost(IoManager io, Func<uint, IInterruptLine> wire) : IManagedDevice
{
    private PciEcam? _ecam;
    private PciPortWindow? _ports;

    /// <summary>What it asks for: exactly the board's places.</summary>
    public static IReadOnlyList<ResourceConstraint> Constraints { get; } =
    [
        Window(BoardLayout.PciEcamBase, PciEcam.SizeBytes),
        Window(BoardLayout.PciPortBase, PciPortWindow.SizeBytes),
        Window(BoardLayout.PciMemoryBase, BoardLayout.PciMemoryBytes),
        .. Enumerable.Range(0, BoardLayout.PciWires).Select(pin => new ResourceConstraint.LegacyIrq((uint)(BoardLayout.PciFirstSource + pin))),
    ];

    /// <summary>The bus, from the time on when it has its resources.</summary>
    public PciBus Bus { get; private set; } = null!;

    /// <inheritdoc/>
    public IReadOnlyList<ResourceConstraint> ResourceConstraints => Constraints;

    /// <inheritdoc/>
    public DeviceResources AssignedResources { get; private set; } = DeviceResources.Empty;

    /// <inheritdoc/>
    public DeviceResources TrappedIoResources => new(AssignedResources.MmioAddressRanges.Take(2));

    /// <inheritdoc/>
    public void AssignResources(DeviceResources resources)
    {
        AssignedResources = resources;
        var memory = resources.MmioAddressRanges[2];
        var windows = new PciWindows(memory.Base, memory.Base.Value + (memory.Size - 1), 0, ushort.MaxValue)
        {
            AnswersUnclaimed = true, // the window was granted to the bridge alone, and harts fault where nobody answers
        };
        Bus = new PciBus(io, windows, [.. resources.OfType<Resource.LegacyIrq>().Select(irq => wire(irq.Irq))]);
        _ecam = new PciEcam(Bus);
        _ports = new PciPortWindow(io);
    }

    /// <inheritdoc/>
    public ValueTask RemoveAsync() => ValueTask.CompletedTask;

    /// <inheritdoc/>
    public BusResult Read(IoAddress rangeBase, IoAddress offset, Span<byte> data) => Target(rangeBase).Read(rangeBase, offset, data);

    /// <inheritdoc/>
    public BusResult Write(IoAddress rangeBase, IoAddress offset, ReadOnlySpan<byte> data) => Target(rangeBase).Write(rangeBase, offset, data);

    private static ResourceConstraint.MmioAddress Window(ulong address, ulong sizeBytes) =>
        new(sizeBytes, new AddressRange(address, address + (sizeBytes - 1)));

    private IDeviceIo Target(IoAddress rangeBase) => rangeBase == AssignedResources.MmioAddressRanges[0].Base ? _ecam! : _ports!;
}
