namespace Eider.Devices.Ide;

/// <summary>Power modes, by what CHECK POWER MODE answers (ATA/ATAPI-6).</summary>
internal enum AtaPowerMode : byte
{
    /// <summary>Standby.</summary>
    Standby = 0x00,

    /// <summary>Idle.</summary>
    Idle = 0x80,

    /// <summary>Active or idle.</summary>
    Active = 0xFF,
}
