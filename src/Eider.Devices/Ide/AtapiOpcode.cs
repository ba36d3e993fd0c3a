namespace Eider.Devices.Ide;

/// <summary>Packet commands (MMC-3, SPC-2): the table of the predecessor and two that Linux needs.</summary>
internal enum AtapiOpcode : byte
{
    /// <summary>TEST UNIT READY.</summary>
    TestUnitReady = 0x00,

    /// <summary>REQUEST SENSE.</summary>
    RequestSense = 0x03,

    /// <summary>INQUIRY.</summary>
    Inquiry = 0x12,

    /// <summary>MODE SENSE (6).</summary>
    ModeSense6 = 0x1A,

    /// <summary>START STOP UNIT.</summary>
    StartStopUnit = 0x1B,

    /// <summary>PREVENT ALLOW MEDIUM REMOVAL.</summary>
    PreventAllowRemoval = 0x1E,

    /// <summary>READ CAPACITY.</summary>
    ReadCapacity = 0x25,

    /// <summary>READ (10).</summary>
    Read10 = 0x28,

    /// <summary>SEEK (10).</summary>
    Seek = 0x2B,

    /// <summary>READ TOC/PMA/ATIP.</summary>
    ReadToc = 0x43,

    /// <summary>GET CONFIGURATION.</summary>
    GetConfiguration = 0x46,

    /// <summary>GET EVENT STATUS NOTIFICATION.</summary>
    GetEventStatus = 0x4A,

    /// <summary>READ DISC INFORMATION.</summary>
    ReadDiscInformation = 0x51,

    /// <summary>READ TRACK INFORMATION.</summary>
    ReadTrackInformation = 0x52,

    /// <summary>MODE SENSE (10).</summary>
    ModeSense10 = 0x5A,

    /// <summary>READ (12).</summary>
    Read12 = 0xA8,

    /// <summary>READ DVD STRUCTURE.</summary>
    ReadDvdStructure = 0xAD,

    /// <summary>SET CD SPEED.</summary>
    SetSpeed = 0xBB,

    /// <summary>MECHANISM STATUS.</summary>
    MechanismStatus = 0xBD,

    /// <summary>READ CD.</summary>
    ReadCd = 0xBE,
}
