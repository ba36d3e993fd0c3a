using System.ComponentModel;
using System.Text.Json.Serialization;

namespace Eider.Machines;

/// <summary>Where a device of the board stands; what is null stays at the board's default.</summary>
public sealed record DevicePlacement
{
    /// <summary>Guest-physical address of its registers, a multiple of 4096.</summary>
    [JsonConverter(typeof(AddressJsonConverter))]
    [Description("Guest-physical address of the registers, a multiple of 4096, as a number or as text such as \"0x10000000\".")]
    public ulong? Address { get; set; }

    /// <summary>Its source at the interrupt controller, 1 to 95; only for devices that interrupt.</summary>
    [Description("Source at the interrupt controller, 1 to 95; only for devices that interrupt.")]
    public int? Irq { get; set; }
}
