namespace Eider.Devices.Serial;

/// <summary>
/// The registers and the state machine of the 16550A (PC16550D data sheet, section 8.0). No lock, no line, no host:
/// see <see cref="Uart16550"/>. A character takes no time: what the host takes has been sent, and a FIFO below
/// its trigger level times out at once.
/// </summary>
internal sealed class UartCore
{
    private const byte FifoEnable = 0x01;
    private const byte FifoResetReceiver = 0x02;
    private const byte FifoResetTransmitter = 0x04;
    private const byte FifosEnabledIdent = 0xC0;
    private const UartModemStatus Deltas = (UartModemStatus)0x0F;

    private UartState _state = UartState.PowerOn;

    /// <summary>Level of the interrupt line.</summary>
    public bool IsAsserted => Ident() != UartInterruptIdent.None;

    /// <summary>True if a character from the line would be taken now.</summary>
    public bool CanReceive => !IsLoopback && _state.Receive.Count < Capacity;

    /// <summary>True if a character waits to be sent to the line.</summary>
    public bool HasOutput => _state.Transmit.Count > 0;

    /// <summary>The character that is to be sent next.</summary>
    public byte NextOutput => _state.Transmit.Peek();

    /// <summary>Moves whenever characters that wait to be sent are thrown away: the next one is another one then.</summary>
    public int TransmitLife { get; private set; }

    private int Capacity => _state.FifosEnabled ? UartFifo.Depth : 1;

    private bool IsLoopback => _state.ModemControl.HasFlag(UartModemControl.Loop);

    private bool HasDivisorAccess => _state.LineControl.HasFlag(UartLineControl.DivisorLatchAccess);

    public void Reset()
    {
        _state = UartState.PowerOn;
        TransmitLife = unchecked(TransmitLife + 1);
    }

    /// <summary>A character came over the line; <see cref="CanReceive"/> was true.</summary>
    public void Receive(byte value) => _state.Receive.Push(value);

    /// <summary>The line took <see cref="NextOutput"/>.</summary>
    public void OutputTaken()
    {
        _state.Transmit.Pop();
        _state.TransmitterEmptyPending |= _state.Transmit.Count == 0;
    }

    public byte Read(UartRegister register)
    {
        switch (register)
        {
            case UartRegister.ReceiverBufferTransmitterHolding:
                return HasDivisorAccess ? (byte)(_state.Divisor & 0xFF) : ReadReceiverBuffer();
            case UartRegister.InterruptEnable:
                return HasDivisorAccess ? (byte)(_state.Divisor >> 8) : (byte)_state.InterruptEnable;
            case UartRegister.InterruptIdentFifoControl:
                return ReadInterruptIdent();
            case UartRegister.LineControl:
                return (byte)_state.LineControl;
            case UartRegister.ModemControl:
                return (byte)_state.ModemControl;
            case UartRegister.LineStatus:
                return ReadLineStatus();
            case UartRegister.ModemStatus:
                var status = _state.ModemStatus;
                _state.ModemStatus &= ~Deltas;
                return (byte)status;
            default:
                return _state.Scratch;
        }
    }

    public void Write(UartRegister register, byte value)
    {
        switch (register)
        {
            case UartRegister.ReceiverBufferTransmitterHolding when HasDivisorAccess:
                _state.Divisor = (ushort)((_state.Divisor & 0xFF00) | value);
                break;
            case UartRegister.ReceiverBufferTransmitterHolding:
                WriteTransmitterHolding(value);
                break;
            case UartRegister.InterruptEnable when HasDivisorAccess:
                _state.Divisor = (ushort)((_state.Divisor & 0xFF) | (value << 8));
                break;
            case UartRegister.InterruptEnable:
                WriteInterruptEnable((UartInterruptEnable)(value & 0x0F));
                break;
            case UartRegister.InterruptIdentFifoControl:
                WriteFifoControl(value);
                break;
            case UartRegister.LineControl:
                _state.LineControl = (UartLineControl)value;
                break;
            case UartRegister.ModemControl:
                _state.ModemControl = (UartModemControl)(value & 0x1F);
                UpdateModemStatus();
                break;
            case UartRegister.Scratch:
                _state.Scratch = value;
                break;
            default:
                break; // LSR and MSR: writing is for factory tests only (section 8.4)
        }
    }

    private byte ReadReceiverBuffer() => _state.Receive.Count > 0 ? _state.Receive.Pop() : (byte)0;

    private byte ReadInterruptIdent()
    {
        var ident = Ident();
        if (ident == UartInterruptIdent.TransmitterHoldingEmpty)
        {
            _state.TransmitterEmptyPending = false;
        }

        return (byte)((byte)ident | (_state.FifosEnabled ? FifosEnabledIdent : 0));
    }

    private byte ReadLineStatus()
    {
        var status = UartLineStatus.None;
        if (_state.Receive.Count > 0)
        {
            status |= UartLineStatus.DataReady;
        }

        if (_state.Overrun)
        {
            status |= UartLineStatus.OverrunError;
        }

        if (_state.Transmit.Count == 0)
        {
            status |= UartLineStatus.TransmitterHoldingEmpty | UartLineStatus.TransmitterEmpty;
        }

        _state.Overrun = false;
        return (byte)status;
    }

    private void WriteTransmitterHolding(byte value)
    {
        _state.TransmitterEmptyPending = false;
        if (IsLoopback)
        {
            LoopBack(value);
        }
        else if (_state.Transmit.Count < Capacity)
        {
            _state.Transmit.Push(value);
        }
        else
        {
            // A driver that does not look at THRE loses characters, as it does with the chip.
        }
    }

    private void LoopBack(byte value)
    {
        if (_state.Receive.Count < Capacity)
        {
            _state.Receive.Push(value);
        }
        else
        {
            _state.Overrun = true;
        }

        _state.TransmitterEmptyPending = _state.Transmit.Count == 0;
    }

    // Enabling the interrupt while the transmitter is empty raises it at once; drivers test for it.
    private void WriteInterruptEnable(UartInterruptEnable value)
    {
        var enabled = value & ~_state.InterruptEnable;
        _state.InterruptEnable = value;
        if (enabled.HasFlag(UartInterruptEnable.TransmitterHoldingEmpty))
        {
            _state.TransmitterEmptyPending = _state.Transmit.Count == 0;
        }
    }

    private void WriteFifoControl(byte value)
    {
        var enable = (value & FifoEnable) != 0;
        var switched = enable != _state.FifosEnabled;
        _state.FifosEnabled = enable;
        if (switched || (enable && (value & FifoResetReceiver) != 0))
        {
            _state.Receive = default;
            _state.Overrun = false;
        }

        if (switched || (enable && (value & FifoResetTransmitter) != 0))
        {
            _state.TransmitterEmptyPending |= _state.Transmit.Count > 0;
            _state.Transmit = default;
            TransmitLife = unchecked(TransmitLife + 1);
        }

        _state.ReceiveTrigger = enable ? TriggerLevel(value >> 6) : (byte)1;
    }

    private static byte TriggerLevel(int code) => code switch { 0 => 1, 1 => 4, 2 => 8, _ => 14 };

    private void UpdateModemStatus()
    {
        var inputs = IsLoopback ? LoopedInputs(_state.ModemControl) : UartState.PowerOn.ModemStatus;
        var changed = inputs ^ (_state.ModemStatus & ~Deltas);
        var deltas = (UartModemStatus)((int)(changed & ~UartModemStatus.RingIndicator) >> 4);
        if (changed.HasFlag(UartModemStatus.RingIndicator) && !inputs.HasFlag(UartModemStatus.RingIndicator))
        {
            deltas |= UartModemStatus.TrailingEdgeRingIndicator;
        }

        _state.ModemStatus = inputs | (_state.ModemStatus & Deltas) | deltas;
    }

    private static UartModemStatus LoopedInputs(UartModemControl outputs)
    {
        var inputs = outputs.HasFlag(UartModemControl.RequestToSend) ? UartModemStatus.ClearToSend : UartModemStatus.None;
        inputs |= outputs.HasFlag(UartModemControl.DataTerminalReady) ? UartModemStatus.DataSetReady : UartModemStatus.None;
        inputs |= outputs.HasFlag(UartModemControl.Out1) ? UartModemStatus.RingIndicator : UartModemStatus.None;
        inputs |= outputs.HasFlag(UartModemControl.Out2) ? UartModemStatus.DataCarrierDetect : UartModemStatus.None;
        return inputs;
    }

    private UartInterruptIdent Ident()
    {
        var enable = _state.InterruptEnable;
        if (enable.HasFlag(UartInterruptEnable.ReceiverLineStatus) && _state.Overrun)
        {
            return UartInterruptIdent.ReceiverLineStatus;
        }

        if (enable.HasFlag(UartInterruptEnable.ReceivedDataAvailable) && _state.Receive.Count > 0)
        {
            return _state.Receive.Count >= _state.ReceiveTrigger
                ? UartInterruptIdent.ReceivedDataAvailable
                : UartInterruptIdent.CharacterTimeout;
        }

        if (enable.HasFlag(UartInterruptEnable.TransmitterHoldingEmpty) && _state.TransmitterEmptyPending)
        {
            return UartInterruptIdent.TransmitterHoldingEmpty;
        }

        return enable.HasFlag(UartInterruptEnable.ModemStatus) && (_state.ModemStatus & Deltas) != 0
            ? UartInterruptIdent.ModemStatus
            : UartInterruptIdent.None;
    }
}
