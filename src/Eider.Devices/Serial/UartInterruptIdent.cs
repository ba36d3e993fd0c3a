namespace Eider.Devices.Serial;

/// <summary>Values of the interrupt identification register, highest priority first (PC16550D, section 8.6, table IV).</summary>
public enum UartInterruptIdent : byte
{
    /// <summary>Nothing pending.</summary>
    None = 0x1,

    /// <summary>Receiver line status: overrun, parity, framing, break.</summary>
    ReceiverLineStatus = 0x6,

    /// <summary>Received data available, or the trigger level reached.</summary>
    ReceivedDataAvailable = 0x4,

    /// <summary>Characters in the FIFO below its trigger level, and none came or went for a while.</summary>
    CharacterTimeout = 0xC,

    /// <summary>Transmitter holding register empty.</summary>
    TransmitterHoldingEmpty = 0x2,

    /// <summary>Modem status. Its value is 0, as the data sheet has it.</summary>
    ModemStatus = 0x0,
}
