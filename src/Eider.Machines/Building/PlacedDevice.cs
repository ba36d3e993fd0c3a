using Eider.Devices.Pci;
using Eider.Hardware.Resources;

namespace Eider.Machines.Building;

/// <summary>A range of addresses and, if it interrupts, a source, and who wants them.</summary>
/// <param name="Name">Name in messages, traces and statistics.</param>
/// <param name="Setting">Where the configuration says so, as a JSON path; the name for what is fixed.</param>
/// <param name="Base">First address.</param>
/// <param name="SizeBytes">Length of the range.</param>
/// <param name="Source">Source at the interrupt controller; null if it does not interrupt.</param>
/// <param name="Pci">Its place on the PCI bus instead of all that; null if it is not there.</param>
/// <param name="AlignBytes">What the address is a multiple of.</param>
internal sealed record PlacedDevice(
    string Name, string Setting, ulong Base, ulong SizeBytes, int? Source, PciAddress? Pci = null, ulong AlignBytes = PlacedDevice.PageBytes)
{
    private const ulong PageBytes = 4096;

    /// <summary>What the device asks the board's resources for: exactly this place.</summary>
    public IReadOnlyList<ResourceConstraint> Constraints
    {
        get
        {
            if (Pci is not null)
            {
                return []; // where its registers are is the guest's choice
            }

            var last = Base > ulong.MaxValue - (SizeBytes - 1) ? ulong.MaxValue : Base + (SizeBytes - 1);
            var window = new ResourceConstraint.MmioAddress(SizeBytes, new AddressRange(Base, last), AlignBytes);
            return Source is { } source ? [window, new ResourceConstraint.LegacyIrq((uint)Math.Max(0, source))] : [window];
        }
    }
}
