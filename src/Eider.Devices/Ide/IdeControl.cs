namespace Eider.Devices.Ide;

/// <summary>Device Control (ATA/ATAPI-6); every device of a channel has its own copy and all are written.</summary>
[Flags]
internal enum IdeControl : byte
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>nIEN: INTRQ is released.</summary>
    InterruptDisable = 0x02,

    /// <summary>SRST: the devices are being reset.</summary>
    SoftReset = 0x04,

    /// <summary>HOB: registers 1 to 5 read what was written before the last value.</summary>
    HighOrderByte = 0x80,
}
