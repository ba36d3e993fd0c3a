namespace Eider.Devices.Virtio.Block;

/// <summary>Request types of a block device that is not zoned (virtio 1.3, 5.2.6).</summary>
public enum BlockRequestType
{
    /// <summary>VIRTIO_BLK_T_IN: read sectors.</summary>
    In = 0,

    /// <summary>VIRTIO_BLK_T_OUT: write sectors.</summary>
    Out = 1,

    /// <summary>VIRTIO_BLK_T_FLUSH: make completed writes durable.</summary>
    Flush = 4,

    /// <summary>VIRTIO_BLK_T_GET_ID: the serial number, 20 bytes.</summary>
    GetId = 8,

    /// <summary>VIRTIO_BLK_T_GET_LIFETIME: wear of the storage.</summary>
    GetLifetime = 10,

    /// <summary>VIRTIO_BLK_T_DISCARD: content of ranges is not needed any more.</summary>
    Discard = 11,

    /// <summary>VIRTIO_BLK_T_WRITE_ZEROES: ranges read as zeroes afterwards.</summary>
    WriteZeroes = 13,

    /// <summary>VIRTIO_BLK_T_SECURE_ERASE: ranges cannot be recovered afterwards.</summary>
    SecureErase = 14,
}
