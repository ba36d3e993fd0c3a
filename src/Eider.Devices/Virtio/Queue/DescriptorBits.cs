namespace Eider.Devices.Virtio.Queue;

/// <summary>Flags of a descriptor (virtio 1.3, sections 2.7.5 and 2.8.21).</summary>
[Flags]
public enum DescriptorBits : ushort
{
    /// <summary>A device-readable buffer, the last of its chain.</summary>
    None = 0,

    /// <summary>VIRTQ_DESC_F_NEXT: the chain goes on.</summary>
    Next = 1,

    /// <summary>VIRTQ_DESC_F_WRITE: device-writable; in a used packed descriptor: the device wrote.</summary>
    Write = 2,

    /// <summary>VIRTQ_DESC_F_INDIRECT: the buffer is a table of descriptors.</summary>
    Indirect = 4,

    /// <summary>VIRTQ_DESC_F_AVAIL: packed rings only.</summary>
    Avail = 0x80,

    /// <summary>VIRTQ_DESC_F_USED: packed rings only.</summary>
    Used = 0x8000,
}
