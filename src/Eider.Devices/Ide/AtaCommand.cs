namespace Eider.Devices.Ide;

/// <summary>Command codes (ATA/ATAPI-6; ACS-2 for DATA SET MANAGEMENT). What is not here is aborted.</summary>
internal enum AtaCommand : byte
{
    /// <summary>NOP: always aborted.</summary>
    Nop = 0x00,

    /// <summary>DATA SET MANAGEMENT with TRIM (ACS-2).</summary>
    DataSetManagement = 0x06,

    /// <summary>DEVICE RESET, packet devices only.</summary>
    DeviceReset = 0x08,

    /// <summary>RECALIBRATE (ATA-3).</summary>
    Recalibrate = 0x10,

    /// <summary>READ SECTOR(S).</summary>
    ReadSectors = 0x20,

    /// <summary>READ SECTOR(S) without retry (ATA-3).</summary>
    ReadSectorsOnce = 0x21,

    /// <summary>READ SECTOR(S) EXT.</summary>
    ReadSectorsExt = 0x24,

    /// <summary>READ DMA EXT.</summary>
    ReadDmaExt = 0x25,

    /// <summary>READ NATIVE MAX ADDRESS EXT.</summary>
    ReadNativeMaxExt = 0x27,

    /// <summary>READ MULTIPLE EXT.</summary>
    ReadMultipleExt = 0x29,

    /// <summary>READ LOG EXT.</summary>
    ReadLogExt = 0x2F,

    /// <summary>WRITE SECTOR(S).</summary>
    WriteSectors = 0x30,

    /// <summary>WRITE SECTOR(S) without retry (ATA-3).</summary>
    WriteSectorsOnce = 0x31,

    /// <summary>WRITE SECTOR(S) EXT.</summary>
    WriteSectorsExt = 0x34,

    /// <summary>WRITE DMA EXT.</summary>
    WriteDmaExt = 0x35,

    /// <summary>SET MAX ADDRESS EXT.</summary>
    SetMaxExt = 0x37,

    /// <summary>WRITE MULTIPLE EXT.</summary>
    WriteMultipleExt = 0x39,

    /// <summary>WRITE VERIFY (ATA-3): written, then read back.</summary>
    WriteVerify = 0x3C,

    /// <summary>WRITE DMA FUA EXT (ATA/ATAPI-7).</summary>
    WriteDmaFuaExt = 0x3D,

    /// <summary>READ VERIFY SECTOR(S).</summary>
    ReadVerify = 0x40,

    /// <summary>READ VERIFY SECTOR(S) without retry (ATA-3).</summary>
    ReadVerifyOnce = 0x41,

    /// <summary>READ VERIFY SECTOR(S) EXT.</summary>
    ReadVerifyExt = 0x42,

    /// <summary>READ LOG DMA EXT (ACS-2).</summary>
    ReadLogDmaExt = 0x47,

    /// <summary>SEEK.</summary>
    Seek = 0x70,

    /// <summary>EXECUTE DEVICE DIAGNOSTIC: both devices.</summary>
    ExecuteDeviceDiagnostic = 0x90,

    /// <summary>INITIALIZE DEVICE PARAMETERS (ATA-5).</summary>
    InitializeDeviceParameters = 0x91,

    /// <summary>STANDBY IMMEDIATE (ATA-3).</summary>
    OldStandbyImmediate = 0x94,

    /// <summary>IDLE IMMEDIATE (ATA-3).</summary>
    OldIdleImmediate = 0x95,

    /// <summary>STANDBY (ATA-3).</summary>
    OldStandby = 0x96,

    /// <summary>IDLE (ATA-3).</summary>
    OldIdle = 0x97,

    /// <summary>CHECK POWER MODE (ATA-3).</summary>
    OldCheckPowerMode = 0x98,

    /// <summary>SLEEP (ATA-3).</summary>
    OldSleep = 0x99,

    /// <summary>PACKET.</summary>
    Packet = 0xA0,

    /// <summary>IDENTIFY PACKET DEVICE.</summary>
    IdentifyPacketDevice = 0xA1,

    /// <summary>SMART.</summary>
    Smart = 0xB0,

    /// <summary>READ MULTIPLE.</summary>
    ReadMultiple = 0xC4,

    /// <summary>WRITE MULTIPLE.</summary>
    WriteMultiple = 0xC5,

    /// <summary>SET MULTIPLE MODE.</summary>
    SetMultipleMode = 0xC6,

    /// <summary>READ DMA.</summary>
    ReadDma = 0xC8,

    /// <summary>READ DMA without retry (ATA-3).</summary>
    ReadDmaOnce = 0xC9,

    /// <summary>WRITE DMA.</summary>
    WriteDma = 0xCA,

    /// <summary>WRITE DMA without retry (ATA-3).</summary>
    WriteDmaOnce = 0xCB,

    /// <summary>WRITE MULTIPLE FUA EXT (ATA/ATAPI-7).</summary>
    WriteMultipleFuaExt = 0xCE,

    /// <summary>STANDBY IMMEDIATE.</summary>
    StandbyImmediate = 0xE0,

    /// <summary>IDLE IMMEDIATE.</summary>
    IdleImmediate = 0xE1,

    /// <summary>STANDBY.</summary>
    Standby = 0xE2,

    /// <summary>IDLE.</summary>
    Idle = 0xE3,

    /// <summary>READ BUFFER.</summary>
    ReadBuffer = 0xE4,

    /// <summary>CHECK POWER MODE.</summary>
    CheckPowerMode = 0xE5,

    /// <summary>SLEEP.</summary>
    Sleep = 0xE6,

    /// <summary>FLUSH CACHE.</summary>
    FlushCache = 0xE7,

    /// <summary>WRITE BUFFER.</summary>
    WriteBuffer = 0xE8,

    /// <summary>FLUSH CACHE EXT.</summary>
    FlushCacheExt = 0xEA,

    /// <summary>IDENTIFY DEVICE.</summary>
    IdentifyDevice = 0xEC,

    /// <summary>SET FEATURES.</summary>
    SetFeatures = 0xEF,

    /// <summary>SECURITY FREEZE LOCK.</summary>
    SecurityFreezeLock = 0xF5,

    /// <summary>READ NATIVE MAX ADDRESS.</summary>
    ReadNativeMax = 0xF8,

    /// <summary>SET MAX ADDRESS.</summary>
    SetMax = 0xF9,
}
