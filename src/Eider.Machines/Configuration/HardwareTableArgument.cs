using System.ComponentModel;

namespace Eider.Machines;

/// <summary>An argument in ducky's hardware table: a text or a number.</summary>
public sealed record HardwareTableArgument
{
    /// <summary>Its name: at most 13 printable ASCII characters.</summary>
    [Description("Its name: 1 to 13 printable ASCII characters.")]
    public string Name { get; set; } = "";

    /// <summary>A text: at most 13 printable ASCII characters; null for a number.</summary>
    [Description("A text of at most 13 printable ASCII characters; or give a number.")]
    public string? Text { get; set; }

    /// <summary>A number of 32 bits; null for a text.</summary>
    [Description("A number from 0 to 4294967295; or give a text.")]
    public uint? Number { get; set; }
}
