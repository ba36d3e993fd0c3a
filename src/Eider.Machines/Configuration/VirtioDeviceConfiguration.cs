using System.ComponentModel;
using System.Text.Json.Serialization;
using Eider.Devices.Virtio.Transport;

namespace Eider.Machines;

/// <summary>What every virtio device of a machine has in common: where it stands and what its transport offers.</summary>
public abstract record VirtioDeviceConfiguration
{
    /// <summary>How the guest reaches the device.</summary>
    [Description("How the guest reaches the device: by registers in memory, or as a function on the PCI bus.")]
    public VirtioTransportKind Transport { get; set; }

    /// <summary>Which kind of virtqueue is offered.</summary>
    [Description("Which kind of virtqueue the device offers.")]
    public VirtioRing Ring { get; set; }

    /// <summary>
    /// Transport features switched on or off, by name: <c>in_order</c> or <c>+in_order</c> on, <c>-event_idx</c> off. A number
    /// is a bit.
    /// </summary>
    [Description("Feature bits switched on (\"in_order\") or off (\"-event_idx\"), by name or number.")]
    public IReadOnlyList<string> Features { get; set; } = [];

    /// <summary>Features without which the device refuses FEATURES_OK, by name or number; <c>hype</c> stands for four of them.</summary>
    [Description("Features that a driver must accept, by name or number; \"hype\" stands for version_1, ring_packed, indirect_desc and event_idx.")]
    public IReadOnlyList<string> Required { get; set; } = [];

    /// <summary>Which virtio-mmio slot, or which device number on the PCI bus, 0 to 31; null takes the next free one.</summary>
    [Description("Which virtio-mmio slot, or which device number on the PCI bus, 0 to 31; the next free one by default (on the PCI bus from 1 on). Slot n is at 0xD0000000 + n * 0x1000 and IRQ 40 + n.")]
    public int? Slot { get; set; }

    /// <summary>Guest-physical address of the registers instead of the slot's; a multiple of 4096. Not on the PCI bus.</summary>
    [JsonConverter(typeof(AddressJsonConverter))]
    [Description("Guest-physical address of the registers instead of the slot's, a multiple of 4096, as a number or as text such as \"0xD0010000\"; not on the PCI bus.")]
    public ulong? Address { get; set; }

    /// <summary>Source at the interrupt controller instead of the slot's, 1 to 95. Not on the PCI bus.</summary>
    [Description("Source at the interrupt controller instead of the slot's, 1 to 95; not on the PCI bus.")]
    public int? Irq { get; set; }

    /// <summary>
    /// Where the device's memory accesses go once the driver has accepted <c>access_platform</c>, which is offered only when
    /// <see cref="Features"/> names it; null leaves addresses as they are.
    /// </summary>
    [JsonIgnore]
    public IDmaTranslation? DmaTranslation { get; set; }
}
