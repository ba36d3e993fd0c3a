using System.Buffers.Binary;
using System.Globalization;
using Eider.Devices.Interrupts;
using Eider.Devices.Requests;
using Eider.Hardware.Bus;
using Eider.Hardware.Interrupts;
using Eider.Hardware.Lifecycle;
using Eider.Hardware.Time;

namespace Eider.Devices.BlockIo;

/// <summary>
/// BIO, the block device of the ducky virtual machine (ducky.devices.storage, <c>BlockIO</c>): moves numbered blocks between storages
/// and RAM, or word by word. One worker does what takes time, one job at a time.
/// </summary>
/// <remarks>
/// A command's write answers "pending" until the command has ended, so that the next instruction sees its status; with an interrupt it
/// returns at once. A reset gives up what is under way and answers "pending" until the storage has let go: when it returns, nothing of the old
/// life is written to RAM or storage any more, and no interrupt comes.
/// </remarks>
public sealed partial class BioDevice : IDeviceIo, IAsyncDisposable
{
    /// <summary>Size of the register range in bytes.</summary>
    public const ulong SizeBytes = 0x100;

    private readonly Lock _gate = new();
    private readonly BioOptions _options;
    private readonly BioServices _services;
    private readonly BioCore _core;
    private readonly BioTransfer _transfer;
    private readonly InterruptOutput? _interrupt;
    private readonly IWorker _worker;
    private readonly StorageCall _call;
    private readonly ITraceSink? _trace;
    private readonly PendingAccessPool _accesses = new();
    private readonly List<PendingAccess> _waiting = [];
    private PendingAccess? _dataWaiting;
    private CancellationTokenSource _stop = new();
    private CancellationToken _jobStop;
    private TaskCompletionSource? _closing;
    private bool _isClosed;
    private int _life;
    private int _jobLife;
    private BioJob _job;
    private long _jobStart;

    /// <summary>A BIO as after power-on.</summary>
    /// <param name="options">What it is made of.</param>
    /// <param name="services">What it stands on.</param>
    /// <param name="interrupt">
    /// Its wire: a command then returns at once, BUSY tells that it is under way and the interrupt that it has ended. Null: a command returns when it
    /// has ended, and nothing interrupts.
    /// </param>
    /// <exception cref="ArgumentException">Two storages have one id.</exception>
    public BioDevice(BioOptions options, BioServices services, IInterruptLine? interrupt = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(services);
        if (options.Storages.GroupBy(storage => storage.Sid).FirstOrDefault(group => group.Count() > 1) is { Key: var sid })
        {
            throw new ArgumentException(string.Create(
                CultureInfo.InvariantCulture, $"{options.Name}: found two storages with sid {sid}, expected an id of its own for each"));
        }

        _options = options;
        _services = services;
        _core = new BioCore(options.Storages, interrupt is not null);
        _transfer = new BioTransfer(services.Memory, _core.Port, options.WriteBack);
        _interrupt = interrupt is null ? null : new InterruptOutput(interrupt);
        _trace = (services.TraceCategories & TraceCategory.Block) != 0 ? services.Trace : null;
        Statistics = new DeviceStatistics(options.Name);
        _worker = services.Executor.CreateWorker(options.Name, Work);
        _call = new StorageCall(_worker.Signal);
    }

    /// <summary>What it did.</summary>
    public DeviceStatistics Statistics { get; }

    /// <summary>The storages, in the order in which they were given.</summary>
    public IReadOnlyList<BioStorage> Storages => _options.Storages;

    /// <inheritdoc/>
    public BusResult Read(IoAddress rangeBase, IoAddress offset, Span<byte> data)
    {
        if (!IsAccess(offset, data.Length, out var status))
        {
            return status;
        }

        if (offset.Value == (ulong)BioRegister.Data && TryReadWord(data))
        {
            return BusResult.Ok;
        }

        var word = 0U;
        PendingAccess? wait = null;
        Leave leave = default;
        lock (_gate)
        {
            switch ((BioRegister)offset.Value)
            {
                case BioRegister.Status:
                    word = _core.ReadStatus();
                    break;
                case BioRegister.Data when _core.TryReadWord(out word): // another hart was here meanwhile
                    break;
                case BioRegister.Data:
                    wait = _core.ReadData() ? _dataWaiting = _accesses.Rent() : null;
                    break;
            }

            leave = Settle();
        }

        Finish(leave);
        BinaryPrimitives.WriteUInt32LittleEndian(data, word);
        return wait is null ? BusResult.Ok : BusResult.WaitFor(wait);
    }

    /// <inheritdoc/>
    public BusResult Write(IoAddress rangeBase, IoAddress offset, ReadOnlySpan<byte> data)
    {
        if (!IsAccess(offset, data.Length, out var status))
        {
            return status;
        }

        var word = BinaryPrimitives.ReadUInt32LittleEndian(data);
        if (offset.Value == (ulong)BioRegister.Data && TryWriteWord(word))
        {
            return BusResult.Ok;
        }

        PendingAccess? wait = null;
        Leave leave;
        lock (_gate)
        {
            var mustWait = false;
            switch ((BioRegister)offset.Value)
            {
                case BioRegister.Status:
                    mustWait = _core.WriteStatus(word);
                    break;
                case BioRegister.Data when _core.TryWriteWord(word):
                    break;
                case BioRegister.Data:
                    mustWait = _core.WriteData(word);
                    break;
                default:
                    _core.Write((BioRegister)offset.Value, word);
                    break;
            }

            leave = Settle();
            if (mustWait && !_isClosed)
            {
                wait = _accesses.Rent();
                _waiting.Add(wait);
            }
        }

        Finish(leave);
        return wait is null ? BusResult.Ok : BusResult.WaitFor(wait);
    }

    /// <summary>Ends the device: what is under way is given up, and nothing is written or signalled when the task completes.</summary>
    public async ValueTask DisposeAsync()
    {
        Leave leave;
        TaskCompletionSource? wait = null;
        lock (_gate)
        {
            if (_isClosed)
            {
                return;
            }

            _isClosed = true;
            _core.Reset();
            leave = Settle();
            if (_core.IsUnderWay)
            {
                wait = _closing = new TaskCompletionSource();
            }
        }

        Finish(leave);
        if (wait is not null)
        {
            await wait.Task.ConfigureAwait(false);
        }

        _worker.Dispose();
        _stop.Dispose();
        _interrupt?.Compute(level: false);
        _interrupt?.Drive();
    }

    // Most accesses by far, and nothing comes of them: no job, no interrupt, nobody to wake.
    private bool TryReadWord(Span<byte> data)
    {
        lock (_gate)
        {
            if (!_core.TryReadWord(out var word))
            {
                return false;
            }

            BinaryPrimitives.WriteUInt32LittleEndian(data, word);
            return true;
        }
    }

    private bool TryWriteWord(uint word)
    {
        lock (_gate)
        {
            return _core.TryWriteWord(word);
        }
    }

    private static bool IsAccess(IoAddress offset, int length, out BusStatus status)
    {
        status = length != BioLimits.WordBytes ? BusStatus.InvalidSize
            : offset.Value % BioLimits.WordBytes != 0 ? BusStatus.Unaligned
            : BusStatus.Ok;
        return status == BusStatus.Ok;
    }

    // What is left to do once the lock is released.
    private readonly record struct Leave(
        bool HasLevel, bool HasJob, CancellationTokenSource? Aborted, PendingAccess? Waiter, PendingAccess[]? Others, PendingAccess? Data, uint Word);

    private Leave Settle(bool isWanted = false)
    {
        CancellationTokenSource? aborted = null;
        if (_core.TakeAborted())
        {
            // The next job gets a source of its own: this one may be cancelled late.
            aborted = _stop;
            _stop = new CancellationTokenSource();
            Volatile.Write(ref _life, unchecked(_life + 1));
        }

        var leave = new Leave(
            _interrupt?.Compute(_core.IsInterrupting && !_isClosed) ?? false, _core.HasJob && !_isClosed, aborted, null, null, null, BioCore.NoData);
        if (_core.IsBusyWithJob)
        {
            return leave;
        }

        // Nothing takes time any more: whoever waits goes on. Nearly always that is one hart.
        if (_dataWaiting is { } data)
        {
            leave = leave with { Data = data, Word = isWanted ? _core.TakeWord() : BioCore.NoData };
            _dataWaiting = null;
        }

        if (_waiting.Count != 0)
        {
            leave = leave with { Waiter = _waiting[0], Others = _waiting.Count > 1 ? [.. _waiting.Skip(1)] : null };
            _waiting.Clear();
        }

        return leave;
    }

    private void Finish(in Leave leave)
    {
        leave.Aborted?.Cancel();
        if (leave.HasLevel)
        {
            _interrupt!.Drive();
        }

        if (leave.HasJob)
        {
            _worker.Signal();
        }

        leave.Waiter?.Complete();
        leave.Data?.Complete(leave.Word);
        foreach (var other in leave.Others ?? [])
        {
            other.Complete();
        }
    }
}
