namespace Eider.Devices.Pci;

/// <summary>The status register (PCI Local Bus 3.0, section 6.2.3). What is not named here reads 0: no error happens on this bus.</summary>
[Flags]
public enum PciStatus
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>Interrupt Status: the function wants its pin high, whether or not that is disabled.</summary>
    Interrupt = 1 << 3,

    /// <summary>Capabilities List: there is one.</summary>
    CapabilitiesList = 1 << 4,

    /// <summary>Fast Back-to-Back Capable, as the chips of the PIIX family say.</summary>
    FastBackToBack = 1 << 7,

    /// <summary>DEVSEL timing "medium", as the chips of the PIIX family say.</summary>
    DevselMedium = 1 << 9,
}
