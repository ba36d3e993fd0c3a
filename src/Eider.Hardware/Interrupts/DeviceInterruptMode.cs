namespace Eider.Hardware.Interrupts;

/// <summary>How a device interrupts.</summary>
public enum DeviceInterruptMode
{
    /// <summary>Not at all.</summary>
    Disabled,

    /// <summary>By a wire.</summary>
    Legacy,

    /// <summary>By messages outside of PCI.</summary>
    GenericMsi,

    /// <summary>By PCI MSI.</summary>
    PciMsi,

    /// <summary>By PCI MSI-X.</summary>
    PciMsix,
}
