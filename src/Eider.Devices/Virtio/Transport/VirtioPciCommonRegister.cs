namespace Eider.Devices.Virtio.Transport;

/// <summary>The fields of the common configuration structure by offset (virtio 1.3, section 4.1.4.3).</summary>
public enum VirtioPciCommonRegister
{
    /// <summary>device_feature_select, 32 bits, RW.</summary>
    DeviceFeatureSelect = 0x00,

    /// <summary>device_feature, 32 bits, R.</summary>
    DeviceFeature = 0x04,

    /// <summary>driver_feature_select, 32 bits, RW.</summary>
    DriverFeatureSelect = 0x08,

    /// <summary>driver_feature, 32 bits, RW.</summary>
    DriverFeature = 0x0C,

    /// <summary>config_msix_vector, 16 bits, RW.</summary>
    ConfigMsixVector = 0x10,

    /// <summary>num_queues, 16 bits, R.</summary>
    NumQueues = 0x12,

    /// <summary>device_status, 8 bits, RW.</summary>
    DeviceStatus = 0x14,

    /// <summary>config_generation, 8 bits, R.</summary>
    ConfigGeneration = 0x15,

    /// <summary>queue_select, 16 bits, RW.</summary>
    QueueSelect = 0x16,

    /// <summary>queue_size, 16 bits, RW.</summary>
    QueueSize = 0x18,

    /// <summary>queue_msix_vector, 16 bits, RW.</summary>
    QueueMsixVector = 0x1A,

    /// <summary>queue_enable, 16 bits, RW.</summary>
    QueueEnable = 0x1C,

    /// <summary>queue_notify_off, 16 bits, R.</summary>
    QueueNotifyOff = 0x1E,

    /// <summary>queue_desc, 64 bits, RW.</summary>
    QueueDesc = 0x20,

    /// <summary>The upper half of queue_desc.</summary>
    QueueDescHigh = 0x24,

    /// <summary>queue_driver, 64 bits, RW.</summary>
    QueueDriver = 0x28,

    /// <summary>The upper half of queue_driver.</summary>
    QueueDriverHigh = 0x2C,

    /// <summary>queue_device, 64 bits, RW.</summary>
    QueueDevice = 0x30,

    /// <summary>The upper half of queue_device.</summary>
    QueueDeviceHigh = 0x34,

    /// <summary>queue_notif_config_data, 16 bits, R.</summary>
    QueueNotifConfigData = 0x38,

    /// <summary>queue_reset, 16 bits, RW.</summary>
    QueueReset = 0x3A,

    /// <summary>admin_queue_index, 16 bits, R: there are no administration queues.</summary>
    AdminQueueIndex = 0x3C,

    /// <summary>admin_queue_num, 16 bits, R: 0.</summary>
    AdminQueueNum = 0x3E,
}
