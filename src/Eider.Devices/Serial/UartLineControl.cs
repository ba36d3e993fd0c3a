namespace Eider.Devices.Serial;

/// <summary>Bits of the line control register that mean something here (PC16550D, section 8.1).</summary>
[Flags]
public enum UartLineControl : byte
{
    /// <summary>Five bits, no parity.</summary>
    None = 0,

    /// <summary>Eight data bits.</summary>
    EightBits = 3,

    /// <summary>DLAB: the first two registers are the divisor latch.</summary>
    DivisorLatchAccess = 0x80,
}
