namespace Eider.Devices.Pci;

/// <summary>Which of the four wires of a slot a function interrupts by (PCI Local Bus 3.0, section 6.2.4).</summary>
public enum PciInterruptPin
{
    /// <summary>By none.</summary>
    None,

    /// <summary>INTA#.</summary>
    A,

    /// <summary>INTB#.</summary>
    B,

    /// <summary>INTC#.</summary>
    C,

    /// <summary>INTD#.</summary>
    D,
}
