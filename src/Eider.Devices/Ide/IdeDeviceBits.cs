namespace Eider.Devices.Ide;

/// <summary>The Device register (ATA/ATAPI-6); the low four bits are a head or LBA bits 27 to 24.</summary>
[Flags]
internal enum IdeDeviceBits : byte
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>Head, or LBA bits 27 to 24.</summary>
    Head = 0x0F,

    /// <summary>DEV: device 1 is selected.</summary>
    Device1 = 0x10,

    /// <summary>LBA: addresses are block numbers.</summary>
    Lba = 0x40,

    /// <summary>Obsolete bits that read as one.</summary>
    Obsolete = 0xA0,
}
