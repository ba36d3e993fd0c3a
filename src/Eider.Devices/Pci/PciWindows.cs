using Eider.Hardware.Bus;

namespace Eider.Devices.Pci;

/// <summary>
/// Where base address registers may put regions: addresses of the bus are addresses of the machine, and what lies outside of
/// the windows is not decoded.
/// </summary>
/// <param name="FirstMemory">First address of the memory window.</param>
/// <param name="LastMemory">Last one.</param>
/// <param name="FirstPort">First port.</param>
/// <param name="LastPort">Last one.</param>
public sealed record PciWindows(IoAddress FirstMemory, IoAddress LastMemory, PioAddress FirstPort, PioAddress LastPort)
{
    /// <summary>
    /// True if the memory window is the bus's alone: what no function claims of it reads ones, and no device of the machine may be
    /// registered there. Processors that fault where nobody answers need that; else the window is shared with the machine.
    /// </summary>
    public bool AnswersUnclaimed { get; init; }

    /// <summary>True if a region may be at an address. 0 stands for "nowhere": that is what firmware leaves unused ones at.</summary>
    internal bool Hold(PciRegion region, ulong address)
    {
        var (first, last) = region.IsPorts
            ? (FirstPort.Value, LastPort.Value)
            : (FirstMemory.Value, LastMemory.Value);
        return (address != 0 || region.Kind == PciRegionKind.FixedPorts) && address >= first && address <= last && region.SizeBytes - 1 <= last - address;
    }
}
