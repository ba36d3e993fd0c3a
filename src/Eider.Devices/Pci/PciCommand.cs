namespace Eider.Devices.Pci;

/// <summary>The command register (PCI Local Bus 3.0, section 6.2.2). What is not named here reads 0.</summary>
[Flags]
public enum PciCommand
{
    /// <summary>After a reset: the function answers configuration accesses only.</summary>
    None = 0,

    /// <summary>I/O Space: regions in the port space are decoded.</summary>
    IoSpace = 1 << 0,

    /// <summary>Memory Space: regions in the memory space are decoded.</summary>
    MemorySpace = 1 << 1,

    /// <summary>Bus Master: the function may reach memory and send messages.</summary>
    BusMaster = 1 << 2,

    /// <summary>Parity Error Response; has no effect.</summary>
    ParityErrorResponse = 1 << 6,

    /// <summary>SERR# Enable; has no effect.</summary>
    SystemErrorEnable = 1 << 8,

    /// <summary>Interrupt Disable: the interrupt pin stays low.</summary>
    InterruptDisable = 1 << 10,
}
