namespace Eider.Hardware.Interrupts;

/// <summary>Kinds of interrupts that a device may raise.</summary>
public enum InterruptSourceType
{
    /// <summary>A wire to the board's interrupt controller.</summary>
    Legacy,

    /// <summary>PCI MSI.</summary>
    PciMsi,

    /// <summary>PCI MSI-X.</summary>
    PciMsix,

    /// <summary>Messages outside of PCI.</summary>
    GenericMsi,
}
