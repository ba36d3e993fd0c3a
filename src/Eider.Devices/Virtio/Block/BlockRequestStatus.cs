namespace Eider.Devices.Virtio.Block;

/// <summary>The last byte of a block request (virtio 1.3, 5.2.6).</summary>
public enum BlockRequestStatus
{
    /// <summary>VIRTIO_BLK_S_OK.</summary>
    Ok = 0,

    /// <summary>VIRTIO_BLK_S_IOERR: the device or the driver failed.</summary>
    IoError = 1,

    /// <summary>VIRTIO_BLK_S_UNSUPP: the device does not have this request.</summary>
    Unsupported = 2,
}
