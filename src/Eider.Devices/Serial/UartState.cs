namespace Eider.Devices.Serial;

/// <summary>Everything a guest can see of a <see cref="Uart16550"/>.</summary>
internal struct UartState
{
    public UartInterruptEnable InterruptEnable;
    public UartLineControl LineControl;
    public UartModemControl ModemControl;
    public UartModemStatus ModemStatus;
    public byte Scratch;
    public ushort Divisor;
    public bool FifosEnabled;
    public byte ReceiveTrigger;
    public bool Overrun;

    /// <summary>The THRE interrupt waits to be seen; reading IIR or writing THR ends it, the LSR bit does not.</summary>
    public bool TransmitterEmptyPending;

    public UartFifo Receive;
    public UartFifo Transmit;

    /// <summary>What a master reset gives (PC16550D, table III); the line is that of a modem that is there.</summary>
    public static UartState PowerOn => new()
    {
        ModemStatus = UartModemStatus.ClearToSend | UartModemStatus.DataSetReady | UartModemStatus.DataCarrierDetect,
        ReceiveTrigger = 1,
        Divisor = 1,
    };
}
