using System.Buffers.Binary;
using Eider.Devices.Interrupts;
using Eider.Hardware.Bus;
using Eider.Hardware.Interrupts;
using Eider.Hardware.Time;

namespace Eider.Devices.Clock;

/// <summary>
/// The real-time clock of Android's emulator: the wall clock in nanoseconds and one alarm. The guest may set it;
/// that moves its own view and never the host's clock. Registers take 32-bit accesses.
/// Source: Android "goldfish" virtual hardware guide, real-time clock.
/// </summary>
public sealed class GoldfishRtc : IDeviceIo, IDisposable
{
    /// <summary>Size of the register range in bytes.</summary>
    public const ulong SizeBytes = 0x1000;

    private const ulong NanosecondsPerSecond = 1_000_000_000;

    private readonly Lock _gate = new();
    private readonly Timebase _timebase;
    private readonly TimebaseTimer _timer;
    private readonly InterruptOutput _interrupt;
    private GoldfishRtcState _state;
    private uint _version;

    /// <summary>A clock.</summary>
    /// <param name="timebase">Gives the wall clock and wakes the alarm.</param>
    /// <param name="interrupt">Its interrupt line.</param>
    public GoldfishRtc(Timebase timebase, IInterruptLine interrupt)
    {
        ArgumentNullException.ThrowIfNull(timebase);
        ArgumentNullException.ThrowIfNull(interrupt);
        _timebase = timebase;
        _interrupt = new InterruptOutput(interrupt);
        _timer = timebase.CreateTimer(Update);
    }

    /// <summary>Back to power-on: the host's time, no alarm.</summary>
    public void Reset()
    {
        lock (_gate)
        {
            _state = default;
            _version = unchecked(_version + 1);
        }

        Update();
    }

    /// <summary>Stops the alarm.</summary>
    public void Dispose() => _timer.Disarm();

    /// <inheritdoc/>
    public BusResult Read(IoAddress rangeBase, IoAddress offset, Span<byte> data)
    {
        var status = Check(offset.Value, data.Length);
        if (status != BusStatus.Ok)
        {
            return status;
        }

        uint value;
        lock (_gate)
        {
            value = Read((GoldfishRtcRegister)offset.Value);
        }

        BinaryPrimitives.WriteUInt32LittleEndian(data, value);
        return BusStatus.Ok;
    }

    /// <inheritdoc/>
    public BusResult Write(IoAddress rangeBase, IoAddress offset, ReadOnlySpan<byte> data)
    {
        var status = Check(offset.Value, data.Length);
        if (status != BusStatus.Ok)
        {
            return status;
        }

        lock (_gate)
        {
            Write((GoldfishRtcRegister)offset.Value, BinaryPrimitives.ReadUInt32LittleEndian(data));
            _version = unchecked(_version + 1);
        }

        Update();
        return BusStatus.Ok;
    }

    private static BusStatus Check(ulong offset, int length) =>
        length != 4 ? BusStatus.InvalidSize
        : offset % 4 != 0 ? BusStatus.Unaligned
        : offset > (uint)GoldfishRtcRegister.ClearInterrupt ? BusStatus.InvalidRegister
        : BusStatus.Ok;

    private static uint Low(ulong value) => (uint)(value & uint.MaxValue);

    private static uint High(ulong value) => (uint)(value >> 32);

    private ulong Now() => unchecked(_timebase.WallClockNanoseconds + _state.OffsetNanoseconds);

    private uint Read(GoldfishRtcRegister register)
    {
        switch (register)
        {
            case GoldfishRtcRegister.TimeLow:
                var now = Now();
                _state.LatchedHigh = High(now);
                return Low(now);
            case GoldfishRtcRegister.TimeHigh:
                return _state.LatchedHigh;
            case GoldfishRtcRegister.AlarmLow:
                return Low(_state.AlarmNanoseconds);
            case GoldfishRtcRegister.AlarmHigh:
                return High(_state.AlarmNanoseconds);
            case GoldfishRtcRegister.IrqEnabled:
                return _state.IrqEnabled ? 1U : 0;
            case GoldfishRtcRegister.AlarmStatus:
                return _state.AlarmSet ? 1U : 0;
            default:
                return 0;
        }
    }

    private void Write(GoldfishRtcRegister register, uint value)
    {
        switch (register)
        {
            case GoldfishRtcRegister.TimeHigh:
                _state.WrittenHigh = value;
                break;
            case GoldfishRtcRegister.TimeLow:
                var time = ((ulong)_state.WrittenHigh << 32) | value;
                _state.OffsetNanoseconds = unchecked(time - _timebase.WallClockNanoseconds);
                break;
            case GoldfishRtcRegister.AlarmHigh:
                _state.AlarmNanoseconds = Low(_state.AlarmNanoseconds) | ((ulong)value << 32);
                break;
            case GoldfishRtcRegister.AlarmLow:
                _state.AlarmNanoseconds = ((ulong)High(_state.AlarmNanoseconds) << 32) | value;
                _state.AlarmSet = true;
                break;
            case GoldfishRtcRegister.IrqEnabled:
                _state.IrqEnabled = (value & 1) != 0;
                break;
            case GoldfishRtcRegister.ClearAlarm:
                _state.AlarmSet = false;
                break;
            case GoldfishRtcRegister.ClearInterrupt:
                _state.IrqPending = false;
                break;
            default:
                break; // ALARM_STATUS cannot be written
        }
    }

    // Fires an alarm whose time has come, computes the level and sets the timer for the next change. The timer is
    // set without the lock; whoever finds the state changed since does it again, so that the last state counts.
    private void Update()
    {
        uint version;
        do
        {
            ulong? deadline;
            lock (_gate)
            {
                var now = Now();
                if (_state.AlarmSet && now >= _state.AlarmNanoseconds)
                {
                    _state.AlarmSet = false;
                    _state.IrqPending = true;
                }

                deadline = _state.AlarmSet ? DeadlineTicks(_state.AlarmNanoseconds - now) : null;
                _interrupt.Compute(_state.IrqEnabled && _state.IrqPending);
                version = _version;
            }

            SetTimer(deadline);
            _interrupt.Drive();
        }
        while (version != Volatile.Read(ref _version));
    }

    private void SetTimer(ulong? deadlineTicks)
    {
        if (deadlineTicks is { } tick)
        {
            _timer.Arm(tick);
        }
        else
        {
            _timer.Disarm();
        }
    }

    // Rounded up, so that the alarm never comes early; too early a look (the wall clock was set back) arms again.
    private ulong DeadlineTicks(ulong waitNanoseconds)
    {
        var ticks = (((UInt128)waitNanoseconds * _timebase.FrequencyHz) + (NanosecondsPerSecond - 1)) / NanosecondsPerSecond;
        return (ulong)UInt128.Min(ticks + _timebase.Now, ulong.MaxValue);
    }
}
