namespace Eider.Devices.SimpleVirtio;

/// <summary>The registers, le32 each, by their distance from the base in bytes (Simple VirtIO Block, sections 2 and 4).</summary>
public enum SvirtbRegister : uint
{
    /// <summary>Status of the device: a whole value of <see cref="SvirtbStatus"/>, not bits (2.1).</summary>
    Status = 0x00,

    /// <summary>Number of entries of the ring.</summary>
    QueueSize = 0x04,

    /// <summary>Upper half of the ring's guest-physical address.</summary>
    QueueAddrHi = 0x08,

    /// <summary>Lower half of it.</summary>
    QueueAddrLo = 0x0C,

    /// <summary>Index after the last entry that the driver filled: the doorbell (2.2).</summary>
    QueueHead = 0x10,

    /// <summary>Index after the last entry that the device has done; the driver's writes are ignored (2).</summary>
    QueueTail = 0x14,
}
