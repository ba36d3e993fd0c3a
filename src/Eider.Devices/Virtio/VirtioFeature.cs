namespace Eider.Devices.Virtio;

/// <summary>
/// The feature bits that belong to no device type, by bit number (virtio 1.3, section 6). Masks are made by
/// <see cref="VirtioFeatures.Mask(VirtioFeature)"/>.
/// </summary>
public enum VirtioFeature
{
    /// <summary>VIRTIO_F_INDIRECT_DESC: descriptors may refer to tables of descriptors.</summary>
    IndirectDesc = 28,

    /// <summary>VIRTIO_F_EVENT_IDX: both sides say at which index they want the next notification.</summary>
    EventIdx = 29,

    /// <summary>VIRTIO_F_VERSION_1: not a legacy device.</summary>
    Version1 = 32,

    /// <summary>VIRTIO_F_ACCESS_PLATFORM: the device's memory accesses are translated by the platform.</summary>
    AccessPlatform = 33,

    /// <summary>VIRTIO_F_RING_PACKED: packed virtqueues.</summary>
    RingPacked = 34,

    /// <summary>VIRTIO_F_IN_ORDER: buffers are used in the order in which they were made available.</summary>
    InOrder = 35,

    /// <summary>VIRTIO_F_ORDER_PLATFORM: memory is ordered as the platform says for devices.</summary>
    OrderPlatform = 36,

    /// <summary>VIRTIO_F_SR_IOV: PCI only, never offered here.</summary>
    SrIov = 37,

    /// <summary>VIRTIO_F_NOTIFICATION_DATA: driver notifications carry the ring position.</summary>
    NotificationData = 38,

    /// <summary>VIRTIO_F_NOTIF_CONFIG_DATA: PCI only: the device says what notifications call its queues.</summary>
    NotifConfigData = 39,

    /// <summary>VIRTIO_F_RING_RESET: single queues can be reset.</summary>
    RingReset = 40,
}
