namespace Eider.Devices.Ide;

/// <summary>The command block of a channel (ATA/ATAPI-6), by its offset.</summary>
internal enum IdeRegister
{
    /// <summary>Data port, RW, 16 bits wide; taken 32 bits wide as two of them.</summary>
    Data = 0,

    /// <summary>Error (R), Features (W).</summary>
    ErrorFeatures = 1,

    /// <summary>Sector Count; interrupt reason of a packet device.</summary>
    SectorCount = 2,

    /// <summary>LBA Low, Sector Number.</summary>
    LbaLow = 3,

    /// <summary>LBA Mid, Cylinder Low; low byte of the byte count of a packet device.</summary>
    LbaMid = 4,

    /// <summary>LBA High, Cylinder High; high byte of the byte count of a packet device.</summary>
    LbaHigh = 5,

    /// <summary>Device: see <see cref="IdeDeviceBits"/>.</summary>
    Device = 6,

    /// <summary>Status (R, acknowledges the interrupt), Command (W).</summary>
    StatusCommand = 7,
}
