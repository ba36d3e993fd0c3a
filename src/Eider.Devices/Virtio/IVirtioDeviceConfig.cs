namespace Eider.Devices.Virtio;

/// <summary>The configuration of a device: a plain object that checks itself when the device is made from it.</summary>
public interface IVirtioDeviceConfig
{
    /// <summary>Checks the configuration and makes the device.</summary>
    /// <exception cref="ArgumentException">A setting is impossible; the message says which, found and expected.</exception>
    VirtioDevice Build();
}
