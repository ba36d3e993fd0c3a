namespace Eider.Devices.Ide;

/// <summary>Subcommands of SMART (ATA/ATAPI-6).</summary>
internal enum AtaSmartCommand : byte
{
    /// <summary>SMART READ DATA.</summary>
    ReadData = 0xD0,

    /// <summary>SMART READ ATTRIBUTE THRESHOLDS (ATA-3).</summary>
    ReadThresholds = 0xD1,

    /// <summary>SMART ENABLE/DISABLE ATTRIBUTE AUTOSAVE.</summary>
    AutoSave = 0xD2,

    /// <summary>SMART EXECUTE OFF-LINE IMMEDIATE.</summary>
    ExecuteOffline = 0xD4,

    /// <summary>SMART READ LOG.</summary>
    ReadLog = 0xD5,

    /// <summary>SMART ENABLE OPERATIONS.</summary>
    Enable = 0xD8,

    /// <summary>SMART DISABLE OPERATIONS.</summary>
    Disable = 0xD9,

    /// <summary>SMART RETURN STATUS.</summary>
    ReturnStatus = 0xDA,
}
