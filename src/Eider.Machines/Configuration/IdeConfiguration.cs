using System.ComponentModel;
using System.Text.Json.Serialization;

namespace Eider.Machines;

/// <summary>An IDE controller with what stands on its channels.</summary>
public sealed record IdeConfiguration
{
    /// <summary>What it is to the guest.</summary>
    [Description("What the controller is: \"cmd646\" (PCI, DMA) or \"ata-generic\" (memory-mapped, one channel, PIO).")]
    public IdeControllerKind Controller { get; set; }

    /// <summary>Devices of the primary channel, device 0 first; at most two.</summary>
    [Description("Devices of the primary channel, device 0 first; at most two.")]
    public IReadOnlyList<IdeDeviceConfiguration> Primary { get; set; } = [];

    /// <summary>Devices of the secondary channel; a memory-mapped controller has none.</summary>
    [Description("Devices of the secondary channel, at most two; ata-generic has no such channel.")]
    public IReadOnlyList<IdeDeviceConfiguration> Secondary { get; set; } = [];

    /// <summary>Device number on the PCI bus; null for the next free one.</summary>
    [Description("Device number on the PCI bus, 0 to 31; the next free one by default. Not for ata-generic.")]
    public int? Slot { get; set; }

    /// <summary>Guest-physical address of a memory-mapped controller's registers, a multiple of 4096.</summary>
    [JsonConverter(typeof(AddressJsonConverter))]
    [Description("Guest-physical address of an ata-generic controller's registers, a multiple of 4096; 0x10010000 + n * 0x1000 by default.")]
    public ulong? Address { get; set; }

    /// <summary>Source at the interrupt controller of a memory-mapped controller, 1 to 95.</summary>
    [Description("Source at the interrupt controller of an ata-generic controller, 1 to 95; 14 + n by default.")]
    public int? Irq { get; set; }

    /// <summary>Distance of a memory-mapped controller's registers, as a power of two, 0 to 3.</summary>
    [Description("Distance of an ata-generic controller's registers as a power of two, 0 to 3.")]
    public int RegisterShift { get; set; }
}
