namespace Eider.Devices.Ide;

/// <summary>Subcommands of SET FEATURES (ATA/ATAPI-6, table 44).</summary>
internal enum AtaFeature : byte
{
    /// <summary>Write cache on.</summary>
    EnableWriteCache = 0x02,

    /// <summary>Transfer mode by Sector Count.</summary>
    SetTransferMode = 0x03,

    /// <summary>Advanced power management on; has no effect.</summary>
    EnableAdvancedPower = 0x05,

    /// <summary>Acoustic management on; has no effect.</summary>
    EnableAcoustic = 0x42,

    /// <summary>Read look-ahead off.</summary>
    DisableLookAhead = 0x55,

    /// <summary>SRST keeps settings.</summary>
    KeepSettings = 0x66,

    /// <summary>Write cache off.</summary>
    DisableWriteCache = 0x82,

    /// <summary>Advanced power management off.</summary>
    DisableAdvancedPower = 0x85,

    /// <summary>Read look-ahead on.</summary>
    EnableLookAhead = 0xAA,

    /// <summary>Acoustic management off.</summary>
    DisableAcoustic = 0xC2,

    /// <summary>SRST brings settings back to their defaults.</summary>
    RevertSettings = 0xCC,
}
