namespace Eider.Devices.Virtio.Block;

/// <summary>Feature bit numbers of a block device (virtio 1.3, 5.2.3).</summary>
public enum BlockFeature
{
    /// <summary>VIRTIO_BLK_F_SIZE_MAX: <c>size_max</c> is valid.</summary>
    SizeMax = 1,

    /// <summary>VIRTIO_BLK_F_SEG_MAX: <c>seg_max</c> is valid.</summary>
    SegMax = 2,

    /// <summary>VIRTIO_BLK_F_GEOMETRY: cylinders, heads and sectors are valid.</summary>
    Geometry = 4,

    /// <summary>VIRTIO_BLK_F_RO: every write fails.</summary>
    ReadOnly = 5,

    /// <summary>VIRTIO_BLK_F_BLK_SIZE: <c>blk_size</c> is valid.</summary>
    BlockSize = 6,

    /// <summary>VIRTIO_BLK_F_FLUSH: the device has a cache that can be flushed.</summary>
    Flush = 9,

    /// <summary>VIRTIO_BLK_F_TOPOLOGY: alignment hints are valid.</summary>
    Topology = 10,

    /// <summary>VIRTIO_BLK_F_CONFIG_WCE: the driver may switch the cache between writeback and writethrough.</summary>
    ConfigWriteCacheEnable = 11,

    /// <summary>VIRTIO_BLK_F_MQ: <c>num_queues</c> is valid.</summary>
    MultiQueue = 12,

    /// <summary>VIRTIO_BLK_F_DISCARD: the discard request and its limits.</summary>
    Discard = 13,

    /// <summary>VIRTIO_BLK_F_WRITE_ZEROES: the write zeroes request and its limits.</summary>
    WriteZeroes = 14,

    /// <summary>VIRTIO_BLK_F_LIFETIME: wear of the storage can be asked for.</summary>
    Lifetime = 15,

    /// <summary>VIRTIO_BLK_F_SECURE_ERASE: the secure erase request and its limits.</summary>
    SecureErase = 16,
}
