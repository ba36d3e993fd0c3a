using System.ComponentModel;
using System.Text.Json.Serialization;

namespace Eider.Machines;

/// <summary>A BIO (ducky's Block IO) with its storages.</summary>
public sealed record BioConfiguration
{
    /// <summary>The storages, each with an id that no other storage of the machine has.</summary>
    [Description("The storages, each with an id (sid) that no other storage of the machine has.")]
    public IReadOnlyList<BioStorageConfiguration> Storages { get; set; } = [];

    /// <summary>Guest-physical address of the registers, a multiple of 256; null for 0x8400 + n * 0x100.</summary>
    [JsonConverter(typeof(AddressJsonConverter))]
    [Description("Guest-physical address of the registers, a multiple of 256; 0x8400 + n * 0x100 by default.")]
    public ulong? Address { get; set; }

    /// <summary>True: commands return at once, and their end interrupts. False: they return when they have ended.</summary>
    [Description("True: a command returns at once, and its end interrupts. False (the default): it returns when it has ended.")]
    public bool Interrupt { get; set; }

    /// <summary>Source at the interrupt controller, 1 to 95, of a BIO that interrupts; null for 2 + n.</summary>
    [Description("Source at the interrupt controller, 1 to 95, of a BIO that interrupts; 2 + n by default.")]
    public int? Irq { get; set; }

    /// <summary>True: what was written is durable when the machine ends. False: when the command has ended.</summary>
    [Description("True: what was written is durable when the machine ends. False (the default): when the command has ended.")]
    public bool WriteBack { get; set; }
}
