namespace Eider.Devices.Virtio.Transport;

/// <summary>Which structure a vendor-specific capability of a virtio device describes (virtio 1.3, section 4.1.4).</summary>
public enum VirtioPciCapability
{
    /// <summary>Common configuration.</summary>
    CommonConfiguration = 1,

    /// <summary>Notifications.</summary>
    Notifications = 2,

    /// <summary>ISR status.</summary>
    IsrStatus = 3,

    /// <summary>Device-specific configuration.</summary>
    DeviceConfiguration = 4,

    /// <summary>Access to regions through configuration space.</summary>
    PciConfigurationAccess = 5,

    /// <summary>A shared memory region.</summary>
    SharedMemory = 8,
}
