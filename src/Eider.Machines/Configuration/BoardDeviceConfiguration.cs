using Eider.Hardware.Bus;

namespace Eider.Machines;

/// <summary>A memory-mapped device of the caller's own on the board; a virtio device is a <see cref="CustomDeviceConfiguration"/>.</summary>
public sealed record BoardDeviceConfiguration
{
    /// <summary>Name in messages, and of its node in the device tree: letters, digits and hyphens.</summary>
    public required string Name { get; set; }

    /// <summary>Guest-physical address of its registers, a multiple of 4096.</summary>
    public required ulong Address { get; set; }

    /// <summary>Size of its registers in bytes.</summary>
    public ulong SizeBytes { get; set; } = 0x1000;

    /// <summary>Source at the interrupt controller, 1 to 95; null if it does not interrupt.</summary>
    public int? Irq { get; set; }

    /// <summary>What its node in the device tree is compatible with, so that a driver finds it; null for no node.</summary>
    public string? Compatible { get; set; }

    /// <summary>
    /// Makes the device when everything else can be made; closed with the machine if it is disposable. What it throws as an
    /// <see cref="ArgumentException"/> is told as a mistake of the configuration.
    /// </summary>
    public required Func<BoardDeviceServices, IDeviceIo> Make { get; set; }
}
