namespace Eider.Devices.Ide;

/// <summary>Command codes (ATA/ATAPI-6, section 8; ACS-2 for DATA SET MANAGEMENT). What is not here is aborted.</summary>
internal enum AtaCommand : byte
{
    /// <summary>NOP: always aborted (8.23).</summary>
    Nop = 0x00,

    /// <summary>DATA SET MANAGEMENT with TRIM (ACS-2, 7.10).</summary>
    DataSetManagement = 0x06,

    /// <summary>DEVICE RESET, packet devices only (8.7).</summary>
    DeviceReset = 0x08,

    /// <summary>RECALIBRATE (ATA-3).</summary>
    Recalibrate = 0x10,

    /// <summary>READ SECTOR(S) (8.34).</summary>
    ReadSectors = 0x20,

    /// <summary>READ SECTOR(S) without retry (ATA-3).</summary>
    ReadSectorsOnce = 0x21,

    /// <summary>READ SECTOR(S) EXT (8.35).</summary>
    ReadSectorsExt = 0x24,

    /// <summary>READ DMA EXT (8.26).</summary>
    ReadDmaExt = 0x25,

    /// <summary>READ NATIVE MAX ADDRESS EXT (8.33).</summary>
    ReadNativeMaxExt = 0x27,

    /// <summary>READ MULTIPLE EXT (8.31).</summary>
    ReadMultipleExt = 0x29,

    /// <summary>READ LOG EXT (8.29).</summary>
    ReadLogExt = 0x2F,

    /// <summary>WRITE SECTOR(S) (8.62).</summary>
    WriteSectors = 0x30,

    /// <summary>WRITE SECTOR(S) without retry (ATA-3).</summary>
    WriteSectorsOnce = 0x31,

    /// <summary>WRITE SECTOR(S) EXT (8.63).</summary>
    WriteSectorsExt = 0x34,

    /// <summary>WRITE DMA EXT (8.56).</summary>
    WriteDmaExt = 0x35,

    /// <summary>SET MAX ADDRESS EXT (8.48).</summary>
    SetMaxExt = 0x37,

    /// <summary>WRITE MULTIPLE EXT (8.61).</summary>
    WriteMultipleExt = 0x39,

    /// <summary>WRITE VERIFY (ATA-3): written, then read back.</summary>
    WriteVerify = 0x3C,

    /// <summary>WRITE DMA FUA EXT (ATA/ATAPI-7).</summary>
    WriteDmaFuaExt = 0x3D,

    /// <summary>READ VERIFY SECTOR(S) (8.36).</summary>
    ReadVerify = 0x40,

    /// <summary>READ VERIFY SECTOR(S) without retry (ATA-3).</summary>
    ReadVerifyOnce = 0x41,

    /// <summary>READ VERIFY SECTOR(S) EXT (8.37).</summary>
    ReadVerifyExt = 0x42,

    /// <summary>READ LOG DMA EXT (ACS-2, 7.26).</summary>
    ReadLogDmaExt = 0x47,

    /// <summary>SEEK (8.40).</summary>
    Seek = 0x70,

    /// <summary>EXECUTE DEVICE DIAGNOSTIC: both devices (8.9).</summary>
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

    /// <summary>PACKET (8.24).</summary>
    Packet = 0xA0,

    /// <summary>IDENTIFY PACKET DEVICE (8.16).</summary>
    IdentifyPacketDevice = 0xA1,

    /// <summary>SMART (8.41).</summary>
    Smart = 0xB0,

    /// <summary>READ MULTIPLE (8.30).</summary>
    ReadMultiple = 0xC4,

    /// <summary>WRITE MULTIPLE (8.60).</summary>
    WriteMultiple = 0xC5,

    /// <summary>SET MULTIPLE MODE (8.49).</summary>
    SetMultipleMode = 0xC6,

    /// <summary>READ DMA (8.25).</summary>
    ReadDma = 0xC8,

    /// <summary>READ DMA without retry (ATA-3).</summary>
    ReadDmaOnce = 0xC9,

    /// <summary>WRITE DMA (8.55).</summary>
    WriteDma = 0xCA,

    /// <summary>WRITE DMA without retry (ATA-3).</summary>
    WriteDmaOnce = 0xCB,

    /// <summary>WRITE MULTIPLE FUA EXT (ATA/ATAPI-7).</summary>
    WriteMultipleFuaExt = 0xCE,

    /// <summary>STANDBY IMMEDIATE (8.53).</summary>
    StandbyImmediate = 0xE0,

    /// <summary>IDLE IMMEDIATE (8.18).</summary>
    IdleImmediate = 0xE1,

    /// <summary>STANDBY (8.52).</summary>
    Standby = 0xE2,

    /// <summary>IDLE (8.17).</summary>
    Idle = 0xE3,

    /// <summary>READ BUFFER (8.24).</summary>
    ReadBuffer = 0xE4,

    /// <summary>CHECK POWER MODE (8.2).</summary>
    CheckPowerMode = 0xE5,

    /// <summary>SLEEP (8.51).</summary>
    Sleep = 0xE6,

    /// <summary>FLUSH CACHE (8.10).</summary>
    FlushCache = 0xE7,

    /// <summary>WRITE BUFFER (8.54).</summary>
    WriteBuffer = 0xE8,

    /// <summary>FLUSH CACHE EXT (8.11).</summary>
    FlushCacheExt = 0xEA,

    /// <summary>IDENTIFY DEVICE (8.15).</summary>
    IdentifyDevice = 0xEC,

    /// <summary>SET FEATURES (8.46).</summary>
    SetFeatures = 0xEF,

    /// <summary>SECURITY FREEZE LOCK (8.42).</summary>
    SecurityFreezeLock = 0xF5,

    /// <summary>READ NATIVE MAX ADDRESS (8.32).</summary>
    ReadNativeMax = 0xF8,

    /// <summary>SET MAX ADDRESS (8.47).</summary>
    SetMax = 0xF9,
}
