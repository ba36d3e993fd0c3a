namespace Eider.Devices.Serial;

/// <summary>Bits of the modem status register (PC16550D, section 8.9).</summary>
[Flags]
public enum UartModemStatus : byte
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>DCTS: clear to send changed.</summary>
    DeltaClearToSend = 0x01,

    /// <summary>DDSR: data set ready changed.</summary>
    DeltaDataSetReady = 0x02,

    /// <summary>TERI: ring indicator went off.</summary>
    TrailingEdgeRingIndicator = 0x04,

    /// <summary>DDCD: data carrier detect changed.</summary>
    DeltaDataCarrierDetect = 0x08,

    /// <summary>CTS.</summary>
    ClearToSend = 0x10,

    /// <summary>DSR.</summary>
    DataSetReady = 0x20,

    /// <summary>RI.</summary>
    RingIndicator = 0x40,

    /// <summary>DCD.</summary>
    DataCarrierDetect = 0x80,
}
