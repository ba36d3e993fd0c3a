namespace Eider.Devices.Virtio.Console;

/// <summary>Feature bit numbers of a console device (virtio 1.3, 5.3.3).</summary>
public enum ConsoleFeature
{
    /// <summary>VIRTIO_CONSOLE_F_SIZE: <c>cols</c> and <c>rows</c> are valid.</summary>
    Size = 0,

    /// <summary>VIRTIO_CONSOLE_F_MULTIPORT: several ports, and a pair of control queues.</summary>
    MultiPort = 1,

    /// <summary>VIRTIO_CONSOLE_F_EMERG_WRITE: a character can be written through the config.</summary>
    EmergencyWrite = 2,
}
