namespace Eider.Devices.Virtio.Transport;

/// <summary>The device status field (virtio 1.3, section 2.1).</summary>
[Flags]
public enum DeviceStatus
{
    /// <summary>After a reset.</summary>
    None = 0,

    /// <summary>ACKNOWLEDGE: the guest saw the device.</summary>
    Acknowledge = 1,

    /// <summary>DRIVER: the guest knows how to drive it.</summary>
    Driver = 2,

    /// <summary>DRIVER_OK: the driver is ready.</summary>
    DriverOk = 4,

    /// <summary>FEATURES_OK: both sides agree on the features.</summary>
    FeaturesOk = 8,

    /// <summary>DEVICE_NEEDS_RESET: set by the device alone.</summary>
    NeedsReset = 0x40,

    /// <summary>FAILED: the guest gave up.</summary>
    Failed = 0x80,
}
