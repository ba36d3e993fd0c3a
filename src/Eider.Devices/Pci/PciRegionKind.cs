namespace Eider.Devices.Pci;

/// <summary>What a region of a function is, and how its address is programmed.</summary>
public enum PciRegionKind
{
    /// <summary>Ports, by a base address register.</summary>
    Io,

    /// <summary>Memory, by a base address register of 32 bits.</summary>
    Memory32,

    /// <summary>Memory, by two registers: 64 bits.</summary>
    Memory64,

    /// <summary>Ports at a fixed place, as old devices have them behind a PCI function.</summary>
    FixedPorts,
}
