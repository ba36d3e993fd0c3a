using System.Buffers.Binary;
using Eider.Hardware.Bus;
using Eider.Hardware.Interrupts;
using Eider.Hardware.Time;

namespace Eider.Devices.Interrupts;

/// <summary>
/// The core-local interruptor as SiFive builds it: software interrupts and timers of machine mode. mtime is a
/// view of the machine's timebase and cannot be written. Registers take 32-bit accesses, those of 64 bits also
/// 64-bit ones.
/// </summary>
public sealed class Clint : IDeviceIo, IDisposable
{
    /// <summary>Size of the register range in bytes.</summary>
    public const ulong SizeBytes = 0x1_0000;

    /// <summary>Number of harts that the state has room for.</summary>
    public const int MaxHarts = 8;

    private readonly Lock _gate = new();
    private readonly Timebase _timebase;
    private readonly Hart[] _harts;
    private ClintState _state;

    /// <summary>An interruptor for some harts.</summary>
    /// <param name="harts">Their pins, by hart id; 1 to <see cref="MaxHarts"/>.</param>
    /// <param name="timebase">The machine's clock.</param>
    /// <exception cref="ArgumentOutOfRangeException">No hart, or more than <see cref="MaxHarts"/>.</exception>
    public Clint(IReadOnlyList<HartPins> harts, Timebase timebase)
    {
        ArgumentNullException.ThrowIfNull(harts);
        ArgumentNullException.ThrowIfNull(timebase);
        ArgumentOutOfRangeException.ThrowIfZero(harts.Count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(harts.Count, MaxHarts);
        _timebase = timebase;
        _harts = [.. harts.Select((pins, id) => new Hart(this, pins, id))];
        Reset();
    }

    /// <summary>Back to power-on: no software interrupt, no timer.</summary>
    public void Reset()
    {
        lock (_gate)
        {
            for (var id = 0; id < _harts.Length; id++)
            {
                _state.Hart[id] = new ClintHart { Mtimecmp = ulong.MaxValue };
            }
        }

        foreach (var hart in _harts)
        {
            hart.Update();
        }
    }

    /// <summary>Stops the timers.</summary>
    public void Dispose()
    {
        foreach (var hart in _harts)
        {
            hart.Timer.Disarm();
        }
    }

    /// <inheritdoc/>
    public BusResult Read(IoAddress rangeBase, IoAddress offset, Span<byte> data)
    {
        var status = Locate(offset.Value, data.Length, out var register, out var id, out var high);
        if (status != BusStatus.Ok)
        {
            return status;
        }

        var value = register switch
        {
            ClintRegister.Mtimecmp => GetMtimecmp(id),
            ClintRegister.Mtime => _timebase.Now,
            _ => GetMsip(id),
        };
        if (data.Length == 8)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(data, value);
        }
        else
        {
            BinaryPrimitives.WriteUInt32LittleEndian(data, (uint)((high ? value >> 32 : value) & uint.MaxValue));
        }

        return BusStatus.Ok;
    }

    /// <inheritdoc/>
    public BusResult Write(IoAddress rangeBase, IoAddress offset, ReadOnlySpan<byte> data)
    {
        var status = Locate(offset.Value, data.Length, out var register, out var id, out var high);
        if (status != BusStatus.Ok)
        {
            return status;
        }

        switch (register)
        {
            case ClintRegister.Msip:
                SetMsip(id, (data[0] & 1) != 0);
                break;
            case ClintRegister.Mtimecmp:
                SetMtimecmp(id, data, high);
                break;
        }

        return BusStatus.Ok;
    }

    // A hart that does not exist has registers that read 0 and drop what is written, as the addresses are reserved.
    private static BusStatus Locate(ulong offset, int length, out ClintRegister register, out int id, out bool high)
    {
        register = offset >= (uint)ClintRegister.Mtime ? ClintRegister.Mtime
            : offset >= (uint)ClintRegister.Mtimecmp ? ClintRegister.Mtimecmp
            : ClintRegister.Msip;
        var wide = register != ClintRegister.Msip;
        var within = offset >= SizeBytes ? 0 : offset - (uint)register;
        id = (int)(within / (wide ? 8U : 4U));
        high = wide && within % 8 == 4;
        return offset >= (uint)ClintRegister.Mtime + 8 ? BusStatus.InvalidRegister
            : length != 4 && !(wide && length == 8) ? BusStatus.InvalidSize
            : offset % (uint)length != 0 ? BusStatus.Unaligned
            : BusStatus.Ok;
    }

    private ulong GetMsip(int id)
    {
        lock (_gate)
        {
            return id < _harts.Length && _state.Hart[id].Msip ? 1UL : 0;
        }
    }

    private ulong GetMtimecmp(int id)
    {
        lock (_gate)
        {
            return id < _harts.Length ? _state.Hart[id].Mtimecmp : 0;
        }
    }

    private void SetMsip(int id, bool level)
    {
        if (id < _harts.Length)
        {
            lock (_gate)
            {
                _state.Hart[id].Msip = level;
            }

            _harts[id].Update();
        }
    }

    private void SetMtimecmp(int id, ReadOnlySpan<byte> data, bool high)
    {
        if (id >= _harts.Length)
        {
            return;
        }

        lock (_gate)
        {
            ref var compare = ref _state.Hart[id].Mtimecmp;
            if (data.Length == 8)
            {
                compare = BinaryPrimitives.ReadUInt64LittleEndian(data);
            }
            else
            {
                var half = BinaryPrimitives.ReadUInt32LittleEndian(data);
                compare = high ? (compare & uint.MaxValue) | ((ulong)half << 32) : (compare & ~(ulong)uint.MaxValue) | half;
            }
        }

        _harts[id].Update();
    }

    private sealed class Hart
    {
        private readonly Clint _clint;
        private readonly int _id;
        private readonly InterruptOutput _software;
        private readonly InterruptOutput _due;

        public Hart(Clint clint, HartPins pins, int id)
        {
            _clint = clint;
            _id = id;
            _software = new InterruptOutput(new HartPinLine(pins, HartPin.Msip));
            _due = new InterruptOutput(new HartPinLine(pins, HartPin.Mtip));
            Timer = clint._timebase.CreateTimer(Update);
        }

        public TimebaseTimer Timer { get; }

        /// <summary>Computes both levels from the state, drives them, and sets the timer for the next change.</summary>
        public void Update()
        {
            ulong compare;
            do
            {
                bool due;
                lock (_clint._gate)
                {
                    ref readonly var hart = ref _clint._state.Hart[_id];
                    compare = hart.Mtimecmp;
                    due = _clint._timebase.Now >= compare;
                    _software.Compute(hart.Msip);
                    _due.Compute(due);
                }

                SetTimer(due ? ulong.MaxValue : compare);
                _software.Drive();
                _due.Drive();
            }
            while (compare != _clint.GetMtimecmp(_id)); // another hart moved it meanwhile: its deadline counts
        }

        private void SetTimer(ulong deadline)
        {
            if (deadline == ulong.MaxValue)
            {
                Timer.Disarm();
            }
            else
            {
                Timer.Arm(deadline);
            }
        }
    }
}
