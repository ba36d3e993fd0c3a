using System.Text.Json.Serialization;

namespace Eider.Machines;

/// <summary>What an IDE controller is to the guest.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<IdeControllerKind>))]
public enum IdeControllerKind
{
    /// <summary>A CMD646 on the PCI bus: two channels, DMA; Linux's <c>pata_cmd64x</c>.</summary>
    [JsonStringEnumMemberName("cmd646")]
    Cmd646,

    /// <summary>One channel in memory, told by the device tree, PIO only; Linux's <c>pata_of_platform</c>.</summary>
    [JsonStringEnumMemberName("ata-generic")]
    AtaGeneric,
}
