using Eider.Devices.Pci;
using Eider.Hardware.Bus;
using Eider.Hardware.Interrupts;

namespace Eider.Testing.Pci;

/// <summary>A PCI function for tests: remembers accesses to its regions and answers with the region's number, or as told.</summary>
public sealed class ScriptedFunction(IReadOnlyList<PciRegion> regions, PciInterruptPin pin = PciInterruptPin.A)
    : PciFunction(new PciIdentity(0x1234, 0x5678, 0xFF0102, 3, 0x4321, 0x8765), regions, pin)
{
    private readonly Lock _gate = new();
    private readonly List<(int Region, ulong Offset, int Width)> _accesses = [];

    /// <summary>Called inside of every access to a region.</summary>
    public Action? Inside { get; set; }

    /// <summary>Regions that the device itself does not decode.</summary>
    public HashSet<int> Off { get; } = [];

    /// <summary>What came to the regions.</summary>
    public IReadOnlyList<(int Region, ulong Offset, int Width)> Accesses
    {
        get
        {
            lock (_gate)
            {
                return [.. _accesses];
            }
        }
    }

    /// <summary>The pin.</summary>
    public IInterruptLine Pin => Interrupt;

    /// <summary>Adds MSI-X.</summary>
    public void UseMsix(InterruptGroup group, int region, uint table, uint pending) => AddMsix(group, region, table, pending);

    /// <summary>Adds MSI.</summary>
    public void UseMsi(InterruptGroup group) => AddMsi(group);

    /// <summary>Adds a capability with bytes of the test's.</summary>
    public int AddVendor(params byte[] body) => AddCapability(PciCapabilityId.VendorSpecific, body);

    /// <summary>Signals by message.</summary>
    public bool Signal(uint vector) => TrySignal(vector);

    /// <summary>Makes the bus look again at what is decoded.</summary>
    public void LookAgain() => RegionsChanged();

    /// <inheritdoc/>
    public override BusResult ReadRegion(int region, ulong offset, Span<byte> data)
    {
        Note(region, offset, data.Length);
        data.Fill((byte)region);
        return BusResult.Ok;
    }

    /// <inheritdoc/>
    public override BusResult WriteRegion(int region, ulong offset, ReadOnlySpan<byte> data)
    {
        Note(region, offset, data.Length);
        return BusResult.Ok;
    }

    /// <inheritdoc/>
    protected internal override bool IsRegionEnabled(int region) => !Off.Contains(region);

    private void Note(int region, ulong offset, int width)
    {
        lock (_gate)
        {
            _accesses.Add((region, offset, width));
        }

        Inside?.Invoke();
    }
}
