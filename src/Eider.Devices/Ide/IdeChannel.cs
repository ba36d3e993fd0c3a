using Eider.Devices.Interrupts;
using Eider.Devices.Requests;
using Eider.Hardware.Bus;
using Eider.Hardware.Interrupts;
using Eider.Hardware.Lifecycle;
using Eider.Hardware.Time;
using Eider.Storage;

namespace Eider.Devices.Ide;

/// <summary>
/// One IDE channel with up to two devices, as its attachments see it: registers by their numbers, wherever those are on a
/// bus. One worker runs what the devices ask of storage and guest memory, through the channel's buffer, one job at a time.
/// </summary>
/// <remarks>
/// A reset, DEVICE RESET and the stopping of the bus master give up what is under way: when the register write returns no
/// byte of guest memory is written any more and no interrupt comes for the old command. BSY stays until the storage
/// has let go, so that nothing old is written after something new.
/// </remarks>
public sealed partial class IdeChannel : IAsyncDisposable
{
    private const int BusMasterCommandOffset = 0;
    private const int BusMasterStatusOffset = 2;
    private const int BusMasterTableOffset = 4;

    private readonly Lock _gate = new();
    private readonly Lock _moveGate = new();
    private readonly IdeChannelCore _core;
    private readonly IdeServices _services;
    private readonly IIdeDeviceConfig?[] _settings;
    private readonly InterruptOutput _interrupt;
    private readonly PrdTable _table;
    private readonly IWorker _worker;
    private readonly StorageCall _call;
    private readonly Func<bool> _isMoveWanted;
    private readonly ITraceSink? _trace;
    private readonly CdTray?[] _trays;
    private CancellationTokenSource _stop = new();
    private CancellationToken _jobStop;
    private TaskCompletionSource? _closing;
    private TaskCompletionSource? _released;
    private bool _isClosed;
    private int _life;
    private int _jobLife;
    private IdeJob _job;
    private long _jobStart;

    /// <summary>A channel with its devices, as after power-on.</summary>
    /// <param name="name">Its name, for the worker's thread.</param>
    /// <param name="device0">Device 0; null if there is none.</param>
    /// <param name="device1">Device 1; null if there is none.</param>
    /// <param name="services">What it stands on.</param>
    /// <param name="interrupt">Where INTRQ goes.</param>
    /// <exception cref="ArgumentException">A device's settings are impossible.</exception>
    public IdeChannel(string name, IIdeDeviceConfig? device0, IIdeDeviceConfig? device1, IdeServices services, IInterruptLine interrupt)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(interrupt);
        _services = services;
        _settings = [device0, device1];
        _interrupt = new InterruptOutput(interrupt);
        _core = new IdeChannelCore(device0?.Build(), device1?.Build());
        _trays = [MakeTray(0), MakeTray(1)];
        _table = new PrdTable(services.Memory);
        _trace = (services.TraceCategories & TraceCategory.Block) != 0 ? services.Trace : null;
        _isMoveWanted = IsMoveWanted;
        _worker = services.Executor.CreateWorker(name, Work);
        _call = new StorageCall(_worker.Signal);
    }

    /// <summary>What each device did, device 0 first.</summary>
    public IEnumerable<DeviceStatistics> Statistics
    {
        get
        {
            for (var unit = 0; unit < IdeLimits.DevicesPerChannel; unit++)
            {
                if (_core[unit] is { } drive)
                {
                    yield return drive.Statistics;
                }
            }
        }
    }

    /// <summary>The host's hand at a CD drive; null if that device is none.</summary>
    /// <param name="unit">0 or 1.</param>
    public CdTray? Tray(int unit) => _trays[unit];

    /// <summary>The state of it, for tests.</summary>
    internal IdeChannelCore Core => _core;

    /// <summary>Reads the command block: the data port (2 or 4 bytes), or a register (1 byte).</summary>
    /// <param name="register">0 to 7.</param>
    /// <param name="data">Where the bytes go.</param>
    public BusStatus ReadCommandBlock(int register, Span<byte> data) =>
        IsDataPort(register, data.Length) && TryReadInside(data) ? BusStatus.Ok : ReadAndSettle(register, data);

    /// <summary>Writes the command block: the data port (2 or 4 bytes), or a register (1 byte).</summary>
    public BusStatus WriteCommandBlock(int register, ReadOnlySpan<byte> data) =>
        IsDataPort(register, data.Length) && TryWriteInside(data) ? BusStatus.Ok : WriteAndSettle(register, data);

    /// <summary>Reads Alternate Status.</summary>
    public byte ReadAlternateStatus()
    {
        lock (_gate)
        {
            return _core.ReadAlternateStatus();
        }
    }

    /// <summary>Writes Device Control.</summary>
    public void WriteControl(byte value)
    {
        Leave left;
        lock (_gate)
        {
            _core.WriteControl(value);
            left = Settle();
        }

        Finish(left);
    }

    /// <summary>Reads the bus master's eight bytes (SFF-8038i); bytes 1 and 3 belong to the controller and read 0.</summary>
    /// <param name="offset">0 to 7.</param>
    public byte ReadBusMaster(int offset)
    {
        lock (_gate)
        {
            return offset switch
            {
                BusMasterCommandOffset => (byte)_core.BusMaster.Command,
                BusMasterStatusOffset => (byte)_core.BusMaster.Status,
                >= BusMasterTableOffset and < BusMasterTableOffset + 4 =>
                    (byte)((_core.BusMaster.TableAddress >> (8 * (offset - BusMasterTableOffset))) & 0xFF),
                _ => 0,
            };
        }
    }

    /// <summary>Writes one of the bus master's eight bytes.</summary>
    /// <param name="offset">0 to 7; 1 and 3 are not the channel's.</param>
    /// <param name="value">The byte.</param>
    public void WriteBusMaster(int offset, byte value)
    {
        Leave left;
        lock (_gate)
        {
            switch (offset)
            {
                case BusMasterCommandOffset:
                    _core.WriteBusMasterCommand(value);
                    break;
                case BusMasterStatusOffset:
                    _core.WriteBusMasterStatus(value);
                    break;
                case >= BusMasterTableOffset and < BusMasterTableOffset + 4:
                    var shift = 8 * (offset - BusMasterTableOffset);
                    ref var table = ref _core.BusMaster.TableAddress;
                    table = ((table & ~(0xFFU << shift)) | ((uint)value << shift)) & ~3U;
                    break;
            }

            left = Settle();
        }

        Finish(left);
    }

    /// <summary>The reset line of the cable, as a machine or a bus pulls it: both devices as after power-on, the bus master stopped.</summary>
    public void Reset()
    {
        Leave left;
        lock (_gate)
        {
            _core.HardReset();
            left = Settle();
        }

        Finish(left);
    }

    /// <summary>Ends the channel: what is under way is given up, and nothing is written or signalled when the task completes.</summary>
    public async ValueTask DisposeAsync()
    {
        Leave left;
        TaskCompletionSource? wait = null;
        lock (_gate)
        {
            if (_isClosed)
            {
                return;
            }

            _isClosed = true;
            _core.AbortJob();
            left = Settle();
            if (_core.IsUnderWay)
            {
                wait = _closing = new TaskCompletionSource();
            }
        }

        Finish(left);
        if (wait is not null)
        {
            await wait.Task.ConfigureAwait(false);
        }

        _worker.Dispose();
        _stop.Dispose();
        _interrupt.Compute(level: false);
        _interrupt.Drive();
    }

    /// <summary>Looks at a device, or changes it, from outside of the guest.</summary>
    internal TResult With<TDrive, TResult>(TDrive drive, Func<TDrive, TResult> use)
        where TDrive : IdeDrive
    {
        TResult result;
        Leave left;
        lock (_gate)
        {
            result = use(drive);
            left = Settle();
        }

        Finish(left);
        return result;
    }

    /// <summary>
    /// A piece that is being copied to or from guest memory is through when this returns. Called after what ends the transfer, so that
    /// no further one follows.
    /// </summary>
    internal void FinishMove()
    {
        lock (_moveGate)
        {
            // To wait is all.
        }
    }

    /// <summary>Completes when the worker does not use a storage (any more) that was just taken out of a drive.</summary>
    internal Task WhenReleased(BlockStorage storage)
    {
        lock (_gate)
        {
            if (!_core.IsUnderWay || !ReferenceEquals(_job.Storage, storage))
            {
                return Task.CompletedTask;
            }

            return (_released ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }
    }

    private static bool IsDataPort(int register, int length) => register == (int)IdeRegister.Data && (length is 2 or 4);

    private bool TryReadInside(Span<byte> data)
    {
        lock (_gate)
        {
            return _core.TryReadInside(data);
        }
    }

    private bool TryWriteInside(ReadOnlySpan<byte> data)
    {
        lock (_gate)
        {
            return _core.TryWriteInside(data);
        }
    }

    private BusStatus ReadAndSettle(int register, Span<byte> data)
    {
        if (!IsAccess(register, data.Length, out var status))
        {
            return status;
        }

        if (register == (int)IdeRegister.Data)
        {
            Leave left;
            lock (_gate)
            {
                _core.ReadData(data);
                left = Settle();
            }

            Finish(left);
            return BusStatus.Ok;
        }

        lock (_gate)
        {
            data[0] = _core.ReadRegister((IdeRegister)register);
            if (register != (int)IdeRegister.StatusCommand)
            {
                return BusStatus.Ok;
            }

            _core.Settle();
            if (!_interrupt.Compute(_core.IsInterrupting))
            {
                return BusStatus.Ok;
            }
        }

        _interrupt.Drive();
        return BusStatus.Ok;
    }

    private BusStatus WriteAndSettle(int register, ReadOnlySpan<byte> data)
    {
        if (!IsAccess(register, data.Length, out var status))
        {
            return status;
        }

        Leave left;
        lock (_gate)
        {
            if (register == (int)IdeRegister.Data)
            {
                _core.WriteData(data);
            }
            else
            {
                _core.WriteRegister((IdeRegister)register, data[0]);
            }

            left = Settle();
        }

        Finish(left);
        return BusStatus.Ok;
    }

    private static bool IsAccess(int register, int length, out BusStatus status)
    {
        var isData = register == (int)IdeRegister.Data;
        status = (uint)register > (uint)IdeRegister.StatusCommand ? BusStatus.InvalidRegister
            : isData ? (length is 2 or 4 ? BusStatus.Ok : BusStatus.InvalidSize)
            : length == 1 ? BusStatus.Ok : BusStatus.InvalidSize;
        return status == BusStatus.Ok;
    }

    // What is left to do once the lock is released.
    private readonly record struct Leave(bool HasLevel, bool HasJob, CancellationTokenSource? Aborted, CdTray? Ejected);

    private Leave Settle()
    {
        _core.Settle();
        CancellationTokenSource? aborted = null;
        if (_core.TakeAborted())
        {
            // The next job gets a source of its own: this one may be cancelled late.
            aborted = _stop;
            _stop = new CancellationTokenSource();
            Volatile.Write(ref _life, unchecked(_life + 1));
        }

        return new Leave(
            _interrupt.Compute(_core.IsInterrupting && !_isClosed), _core.HasJob && !_isClosed, aborted, TakeEjected());
    }

    private CdTray? MakeTray(int unit) => _core[unit] is AtapiDrive drive ? new CdTray(this, drive) : null;

    private CdTray? TakeEjected()
    {
        foreach (var tray in _trays)
        {
            if (tray is { Drive.Drive.HasEjected: true })
            {
                tray.Drive.Drive.HasEjected = false;
                return tray;
            }
        }

        return null;
    }

    private void Finish(Leave left)
    {
        if (left.Aborted is { } stop)
        {
            FinishMove();
            stop.Cancel();
        }

        if (left.HasLevel)
        {
            _interrupt.Drive();
        }

        if (left.HasJob)
        {
            _worker.Signal();
        }

        left.Ejected?.Ejected?.Invoke(left.Ejected);
    }
}
