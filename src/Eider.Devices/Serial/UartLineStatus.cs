namespace Eider.Devices.Serial;

/// <summary>Bits of the line status register that can be set here (PC16550D, section 8.4).</summary>
[Flags]
public enum UartLineStatus : byte
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>DR: a character waits.</summary>
    DataReady = 0x01,

    /// <summary>OE: a character was lost, in loopback only: the host waits for room.</summary>
    OverrunError = 0x02,

    /// <summary>THRE: the holding register, or the whole FIFO, is empty.</summary>
    TransmitterHoldingEmpty = 0x20,

    /// <summary>TEMT: also the shift register is empty.</summary>
    TransmitterEmpty = 0x40,
}
