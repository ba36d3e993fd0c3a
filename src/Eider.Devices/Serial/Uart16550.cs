using Eider.Devices.Interrupts;
using Eider.Hardware.Bus;
using Eider.Hardware.Interrupts;
using Eider.Hardware.Lifecycle;

namespace Eider.Devices.Serial;

/// <summary>
/// The serial port 16550A (National Semiconductor PC16550D): eight byte-wide registers, both FIFOs, loopback. Baud
/// rate, parity and break are taken and mean nothing: a character takes no time.
/// </summary>
public sealed class Uart16550 : IDeviceIo, IDisposable
{
    /// <summary>Size of the range in a device tree, in bytes; the registers are the first eight.</summary>
    public const ulong SizeBytes = 0x100;

    /// <summary>The input clock that the divisor refers to, in hertz.</summary>
    public const uint ClockHz = 3_686_400;

    private const uint RegisterCount = 8;
    private const int PumpIdle = 0;
    private const int PumpRunning = 1;
    private const int PumpAgain = 2;

    private readonly Lock _gate = new();
    private readonly UartCore _core = new();
    private readonly InterruptOutput _interrupt;
    private readonly ISerialPeer _peer;
    private int _pump;

    /// <summary>A port between a line and a host.</summary>
    /// <param name="interrupt">Its interrupt line.</param>
    /// <param name="peer">The host's end.</param>
    /// <param name="statistics">Where characters are counted: read from the host, written to it.</param>
    public Uart16550(IInterruptLine interrupt, ISerialPeer peer, DeviceStatistics? statistics = null)
    {
        ArgumentNullException.ThrowIfNull(interrupt);
        ArgumentNullException.ThrowIfNull(peer);
        _interrupt = new InterruptOutput(interrupt);
        _peer = peer;
        Statistics = statistics ?? new DeviceStatistics("serial");
        peer.Changed = Pump;
        Pump();
    }

    /// <summary>Characters moved.</summary>
    public DeviceStatistics Statistics { get; }

    /// <summary>Back to power-on; characters in the FIFOs are lost.</summary>
    public void Reset()
    {
        lock (_gate)
        {
            _core.Reset();
            _interrupt.Compute(_core.IsAsserted);
        }

        _interrupt.Drive();
        Pump();
    }

    /// <summary>Lets the host go.</summary>
    public void Dispose() => _peer.Changed = null;

    /// <inheritdoc/>
    public BusResult Read(IoAddress rangeBase, IoAddress offset, Span<byte> data)
    {
        if (offset.Value >= RegisterCount)
        {
            return BusStatus.InvalidRegister;
        }

        if (data.Length != 1)
        {
            return BusStatus.InvalidSize;
        }

        bool changed;
        lock (_gate)
        {
            data[0] = _core.Read((UartRegister)offset.Value);
            changed = _interrupt.Compute(_core.IsAsserted);
        }

        Settle(changed);
        return BusStatus.Ok;
    }

    /// <inheritdoc/>
    public BusResult Write(IoAddress rangeBase, IoAddress offset, ReadOnlySpan<byte> data)
    {
        if (offset.Value >= RegisterCount)
        {
            return BusStatus.InvalidRegister;
        }

        if (data.Length != 1)
        {
            return BusStatus.InvalidSize;
        }

        bool changed;
        lock (_gate)
        {
            _core.Write((UartRegister)offset.Value, data[0]);
            changed = _interrupt.Compute(_core.IsAsserted);
        }

        Settle(changed);
        return BusStatus.Ok;
    }

    private void Settle(bool changed)
    {
        if (changed)
        {
            _interrupt.Drive();
        }

        Pump();
    }

    // Moves characters between chip and host. One thread at a time, so that they keep their order; one that comes
    // meanwhile asks for another round and leaves. The host is called without the lock.
    private void Pump()
    {
        if (Interlocked.Exchange(ref _pump, PumpAgain) != PumpIdle)
        {
            return;
        }

        do
        {
            Interlocked.Exchange(ref _pump, PumpRunning);
            while (SendOne() | ReceiveOne())
            {
            }
        }
        while (Interlocked.CompareExchange(ref _pump, PumpIdle, PumpRunning) != PumpRunning);
    }

    private bool SendOne()
    {
        Span<byte> character = stackalloc byte[1];
        int life;
        lock (_gate)
        {
            if (!_core.HasOutput)
            {
                return false;
            }

            character[0] = _core.NextOutput;
            life = _core.TransmitLife;
        }

        if (_peer.Write(character) == 0)
        {
            return false;
        }

        bool changed;
        lock (_gate)
        {
            // The guest may have emptied the FIFO since, and filled it again: what is in it was not sent yet.
            if (_core.TransmitLife == life)
            {
                _core.OutputTaken();
            }

            changed = _interrupt.Compute(_core.IsAsserted);
        }

        Statistics.Count(0, 1, 0, failed: false);
        if (changed)
        {
            _interrupt.Drive();
        }

        return true;
    }

    private bool ReceiveOne()
    {
        lock (_gate)
        {
            if (!_core.CanReceive)
            {
                return false;
            }
        }

        Span<byte> character = stackalloc byte[1];
        if (_peer.Read(character) == 0)
        {
            return false;
        }

        bool changed;
        lock (_gate)
        {
            // Loopback may have been switched on since: the line is cut then, and the character is gone.
            if (_core.CanReceive)
            {
                _core.Receive(character[0]);
            }

            changed = _interrupt.Compute(_core.IsAsserted);
        }

        Statistics.Count(1, 0, 0, failed: false);
        if (changed)
        {
            _interrupt.Drive();
        }

        return true;
    }
}
