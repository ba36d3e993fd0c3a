namespace Eider.Hardware.Resources;

/// <summary>Kinds of message-signalled interrupts.</summary>
public enum MsiIrqType
{
    /// <summary>PCI MSI: a naturally aligned block of vectors.</summary>
    PciMsi,

    /// <summary>PCI MSI-X: vectors in a table.</summary>
    PciMsix,

    /// <summary>Messages outside of PCI.</summary>
    GenericMsi,
}
