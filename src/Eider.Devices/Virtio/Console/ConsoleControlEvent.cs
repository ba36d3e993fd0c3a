namespace Eider.Devices.Virtio.Console;

/// <summary>Events of the control queues (virtio 1.3, 5.3.6.2).</summary>
public enum ConsoleControlEvent
{
    /// <summary>VIRTIO_CONSOLE_DEVICE_READY: the driver takes control messages (value 1), or failed (0).</summary>
    DeviceReady = 0,

    /// <summary>VIRTIO_CONSOLE_DEVICE_ADD: the device has a new port.</summary>
    DeviceAdd = 1,

    /// <summary>VIRTIO_CONSOLE_DEVICE_REMOVE: the device takes a port away.</summary>
    DeviceRemove = 2,

    /// <summary>VIRTIO_CONSOLE_PORT_READY: the driver can use a port (1), or failed (0).</summary>
    PortReady = 3,

    /// <summary>VIRTIO_CONSOLE_CONSOLE_PORT: the device says that a port is for a terminal.</summary>
    ConsolePort = 4,

    /// <summary>VIRTIO_CONSOLE_RESIZE: the terminal has another size; le16 cols and le16 rows follow.</summary>
    Resize = 5,

    /// <summary>VIRTIO_CONSOLE_PORT_OPEN: the sender opened (1) or closed (0) its end of a port.</summary>
    PortOpen = 6,

    /// <summary>VIRTIO_CONSOLE_PORT_NAME: the name of a port follows, UTF-8 without a NUL.</summary>
    PortName = 7,
}
