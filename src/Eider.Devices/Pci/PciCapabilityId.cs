namespace Eider.Devices.Pci;

/// <summary>Kinds of capabilities (PCI Local Bus 3.0, appendix H).</summary>
public enum PciCapabilityId
{
    /// <summary>Message-signalled interrupts.</summary>
    Msi = 0x05,

    /// <summary>Vendor specific; virtio describes its structures by these.</summary>
    VendorSpecific = 0x09,

    /// <summary>MSI-X.</summary>
    MsiX = 0x11,
}
