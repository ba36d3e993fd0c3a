namespace Eider.Devices.Pci;

/// <summary>Offsets in the configuration header of type 0 (PCI Local Bus 3.0, section 6.1).</summary>
public enum PciRegister
{
    /// <summary>Vendor ID, 16 bits, R.</summary>
    VendorId = 0x00,

    /// <summary>Device ID, 16 bits, R.</summary>
    DeviceId = 0x02,

    /// <summary>Command, 16 bits, RW: see <see cref="PciCommand"/>.</summary>
    Command = 0x04,

    /// <summary>Status, 16 bits: see <see cref="PciStatus"/>.</summary>
    Status = 0x06,

    /// <summary>Revision ID, 8 bits, R.</summary>
    RevisionId = 0x08,

    /// <summary>Programming interface, subclass and base class, 8 bits each, R.</summary>
    ClassCode = 0x09,

    /// <summary>Cache line size, 8 bits, RW; has no effect.</summary>
    CacheLineSize = 0x0C,

    /// <summary>Latency timer, 8 bits, RW; has no effect.</summary>
    LatencyTimer = 0x0D,

    /// <summary>Header type, 8 bits, R; bit 7 tells of further functions.</summary>
    HeaderType = 0x0E,

    /// <summary>The first of six base address registers of 32 bits, RW.</summary>
    Bar0 = 0x10,

    /// <summary>Subsystem vendor ID, 16 bits, R.</summary>
    SubsystemVendorId = 0x2C,

    /// <summary>Subsystem ID, 16 bits, R.</summary>
    SubsystemId = 0x2E,

    /// <summary>Where the list of capabilities begins, 8 bits, R.</summary>
    CapabilitiesPointer = 0x34,

    /// <summary>Interrupt line, 8 bits, RW: what the firmware tells the driver; has no effect.</summary>
    InterruptLine = 0x3C,

    /// <summary>Interrupt pin, 8 bits, R: see <see cref="PciInterruptPin"/>.</summary>
    InterruptPin = 0x3D,
}
