using System.Text.Json.Serialization;

namespace Eider.Machines;

/// <summary>How the guest reaches a virtio device (virtio 1.3, section 4).</summary>
[JsonConverter(typeof(JsonStringEnumConverter<VirtioTransportKind>))]
public enum VirtioTransportKind
{
    /// <summary>By registers in memory, at a place of its own that the device tree tells.</summary>
    [JsonStringEnumMemberName("virtio-mmio")]
    Mmio,

    /// <summary>As a function on the PCI bus.</summary>
    [JsonStringEnumMemberName("virtio-pci")]
    Pci,
}
