namespace Eider.Devices.Ide;

/// <summary>Status and Alternate Status (ATA/ATAPI-6).</summary>
[Flags]
internal enum IdeStatus : byte
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>ERR: the command failed; CHK on a packet device.</summary>
    Error = 0x01,

    /// <summary>IDX; obsolete, never set.</summary>
    Index = 0x02,

    /// <summary>CORR; obsolete, never set.</summary>
    Corrected = 0x04,

    /// <summary>DRQ: data wait at the data port.</summary>
    DataRequest = 0x08,

    /// <summary>DSC; SERV on a packet device.</summary>
    SeekComplete = 0x10,

    /// <summary>DF: device fault, no further try helps.</summary>
    DeviceFault = 0x20,

    /// <summary>DRDY.</summary>
    Ready = 0x40,

    /// <summary>BSY: the device has its registers to itself.</summary>
    Busy = 0x80,
}
