using System.ComponentModel;

namespace Eider.Machines;

/// <summary>Where the devices of the board stand, if not at their defaults (<see cref="BoardLayout"/>).</summary>
public sealed record BoardConfiguration
{
    /// <summary>The serial port.</summary>
    [Description("The serial port; by default at 0x10000000, IRQ 10.")]
    public DevicePlacement? Serial { get; set; }

    /// <summary>The real-time clock.</summary>
    [Description("The real-time clock; by default at 0x101000, IRQ 11.")]
    public DevicePlacement? Rtc { get; set; }

    /// <summary>The power device.</summary>
    [Description("The power device; by default at 0x100000; it does not interrupt.")]
    public DevicePlacement? Power { get; set; }
}
