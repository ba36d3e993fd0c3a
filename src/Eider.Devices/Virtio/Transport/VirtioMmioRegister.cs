namespace Eider.Devices.Virtio.Transport;

/// <summary>The control registers by offset (virtio 1.3, section 4.2.2). All are 32 bits wide.</summary>
public enum VirtioMmioRegister
{
    /// <summary>MagicValue, R: "virt".</summary>
    MagicValue = 0x000,

    /// <summary>Version, R: 2.</summary>
    Version = 0x004,

    /// <summary>DeviceID, R.</summary>
    DeviceId = 0x008,

    /// <summary>VendorID, R.</summary>
    VendorId = 0x00C,

    /// <summary>DeviceFeatures, R: the word that DeviceFeaturesSel selects.</summary>
    DeviceFeatures = 0x010,

    /// <summary>DeviceFeaturesSel, W.</summary>
    DeviceFeaturesSel = 0x014,

    /// <summary>DriverFeatures, W: the word that DriverFeaturesSel selects.</summary>
    DriverFeatures = 0x020,

    /// <summary>DriverFeaturesSel, W.</summary>
    DriverFeaturesSel = 0x024,

    /// <summary>QueueSel, W.</summary>
    QueueSel = 0x030,

    /// <summary>QueueSizeMax, R (formerly QueueNumMax): 0 for an absent queue.</summary>
    QueueSizeMax = 0x034,

    /// <summary>QueueSize, W (formerly QueueNum).</summary>
    QueueSize = 0x038,

    /// <summary>QueueReady, RW.</summary>
    QueueReady = 0x044,

    /// <summary>QueueNotify, W.</summary>
    QueueNotify = 0x050,

    /// <summary>InterruptStatus, R.</summary>
    InterruptStatus = 0x060,

    /// <summary>InterruptACK, W.</summary>
    InterruptAck = 0x064,

    /// <summary>Status, RW.</summary>
    Status = 0x070,

    /// <summary>QueueDescLow, W.</summary>
    QueueDescLow = 0x080,

    /// <summary>QueueDescHigh, W.</summary>
    QueueDescHigh = 0x084,

    /// <summary>QueueDriverLow, W.</summary>
    QueueDriverLow = 0x090,

    /// <summary>QueueDriverHigh, W.</summary>
    QueueDriverHigh = 0x094,

    /// <summary>QueueDeviceLow, W.</summary>
    QueueDeviceLow = 0x0A0,

    /// <summary>QueueDeviceHigh, W.</summary>
    QueueDeviceHigh = 0x0A4,

    /// <summary>SHMSel, W.</summary>
    ShmSel = 0x0AC,

    /// <summary>SHMLenLow, R.</summary>
    ShmLenLow = 0x0B0,

    /// <summary>SHMLenHigh, R.</summary>
    ShmLenHigh = 0x0B4,

    /// <summary>SHMBaseLow, R.</summary>
    ShmBaseLow = 0x0B8,

    /// <summary>SHMBaseHigh, R.</summary>
    ShmBaseHigh = 0x0BC,

    /// <summary>QueueReset, RW.</summary>
    QueueReset = 0x0C0,

    /// <summary>ConfigGeneration, R.</summary>
    ConfigGeneration = 0x0FC,

    /// <summary>Config, RW: the first byte of the device's configuration space.</summary>
    Config = 0x100,
}
