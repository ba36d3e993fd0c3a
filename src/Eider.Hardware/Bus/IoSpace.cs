namespace Eider.Hardware.Bus;

/// <summary>The two address spaces that an access may go to.</summary>
public enum IoSpace
{
    /// <summary>Ports, 16 bit.</summary>
    Pio,

    /// <summary>Memory-mapped registers, 64 bit.</summary>
    Mmio,
}
