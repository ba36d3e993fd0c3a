namespace Eider.Devices.SimpleVirtio;

/// <summary>The values of the status register (Simple VirtIO Block, section 2.1).</summary>
public enum SvirtbStatus : uint
{
    /// <summary>The driver is about to describe the ring.</summary>
    DriverOk = 0,

    /// <summary>The device is live.</summary>
    Ready = 1,

    /// <summary>Written by the driver: start over. Read: the device met an error and needs a reset (2.1.2).</summary>
    Reset = 2,

    /// <summary>"virt": this is such a device, and it was just started or reset.</summary>
    Magic = 0x7472_6976,
}
