using System.Globalization;

namespace Eider.Devices.Virtio;

/// <summary>The type of a virtio device (virtio 1.3, section 5). Any number is one; some have a name.</summary>
/// <param name="Value">The number that the driver reads; 0 is an empty slot.</param>
public readonly record struct VirtioDeviceId(uint Value)
{
    /// <summary>No device (0): the driver leaves the slot alone.</summary>
    public static VirtioDeviceId Invalid => new(0);

    /// <summary>Network card (1).</summary>
    public static VirtioDeviceId Network => new(1);

    /// <summary>Block device (2).</summary>
    public static VirtioDeviceId Block => new(2);

    /// <summary>Console (3).</summary>
    public static VirtioDeviceId Console => new(3);

    /// <summary>Entropy source (4).</summary>
    public static VirtioDeviceId Entropy => new(4);

    /// <summary>Socket (19).</summary>
    public static VirtioDeviceId Socket => new(19);

    /// <summary>The name of the type, or <c>DeviceID(n)</c> for one without.</summary>
    public override string ToString() => Value switch
    {
        0 => "invalid",
        1 => "network",
        2 => "block",
        3 => "console",
        4 => "entropy",
        19 => "socket",
        _ => string.Create(CultureInfo.InvariantCulture, $"DeviceID({Value})"),
    };
}
