using Eider.Storage;

namespace Eider.Devices.Ide;

/// <summary>What a device on an IDE channel is made from: an <see cref="IdeDisk"/> or an <see cref="IdeCdrom"/>.</summary>
public interface IIdeDeviceConfig
{
    /// <summary>What statistics, traces and messages call it.</summary>
    string Name { get; }

    /// <summary>Told of every failure of the host behind a command.</summary>
    internal Action<BlockStorageException>? HostFailed { get; }

    /// <summary>Checks the settings and makes the device.</summary>
    /// <exception cref="ArgumentException">A setting is impossible; the message says which, found and expected.</exception>
    internal IdeDrive Build();
}
