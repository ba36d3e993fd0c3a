namespace Eider.Devices.Serial;

/// <summary>
/// Registers of the 16550A by offset (National Semiconductor PC16550D data sheet, section 8.0, table II). The
/// first two mean the divisor latch while <see cref="UartLineControl.DivisorLatchAccess"/> is set; offset 2 is
/// IIR when read and FCR when written.
/// </summary>
public enum UartRegister : byte
{
    /// <summary>RBR when read, THR when written, DLL with DLAB.</summary>
    ReceiverBufferTransmitterHolding = 0,

    /// <summary>IER, DLM with DLAB (section 8.7).</summary>
    InterruptEnable = 1,

    /// <summary>IIR when read (section 8.6), FCR when written (section 8.5).</summary>
    InterruptIdentFifoControl = 2,

    /// <summary>LCR (section 8.1).</summary>
    LineControl = 3,

    /// <summary>MCR (section 8.8).</summary>
    ModemControl = 4,

    /// <summary>LSR (section 8.4).</summary>
    LineStatus = 5,

    /// <summary>MSR (section 8.9).</summary>
    ModemStatus = 6,

    /// <summary>SCR (section 8.10).</summary>
    Scratch = 7,
}
