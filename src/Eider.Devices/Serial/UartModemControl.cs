namespace Eider.Devices.Serial;

/// <summary>Bits of the modem control register (PC16550D, section 8.8).</summary>
[Flags]
public enum UartModemControl : byte
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>DTR.</summary>
    DataTerminalReady = 0x01,

    /// <summary>RTS.</summary>
    RequestToSend = 0x02,

    /// <summary>OUT1.</summary>
    Out1 = 0x04,

    /// <summary>OUT2.</summary>
    Out2 = 0x08,

    /// <summary>LOOP: the transmitter feeds the receiver, the outputs feed the modem inputs.</summary>
    Loop = 0x10,
}
