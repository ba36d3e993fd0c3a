namespace Eider.Devices.Serial;

/// <summary>Bits of the interrupt enable register (PC16550D, section 8.7).</summary>
[Flags]
public enum UartInterruptEnable : byte
{
    /// <summary>Nothing enabled.</summary>
    None = 0,

    /// <summary>ERBFI: received data available, and the time-out of the FIFO.</summary>
    ReceivedDataAvailable = 1,

    /// <summary>ETBEI: transmitter holding register empty.</summary>
    TransmitterHoldingEmpty = 2,

    /// <summary>ELSI: receiver line status.</summary>
    ReceiverLineStatus = 4,

    /// <summary>EDSSI: modem status.</summary>
    ModemStatus = 8,
}
