using System.Buffers.Binary;
using Eider.Devices.Requests;
using Eider.Hardware.Bus;
using Eider.Hardware.Lifecycle;
using Eider.Hardware.Memory;
using Eider.Hardware.Time;

namespace Eider.Devices.SimpleVirtio;

/// <summary>
/// KeOS's Simple VirtIO Block (its document, sections 1.2 to 4): six registers, a ring in guest memory, and a doorbell that
/// does not return before all entries are done. One worker runs them in their order; the hart that rang waits for it, other
/// harts go on. A reset waits until the storage has let go, so that nothing of the old life is written when it returns.
/// </summary>
/// <remarks>
/// Reads of any width see the registers as memory. Only aligned 32-bit writes do something; others are dropped (as in KeOS,
/// where reads do not trap and the handler looks at 32-bit writes alone).
/// </remarks>
public sealed partial class SimpleVirtioBlock : IDeviceIo, IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly SvirtbDisk _disk;
    private readonly SvirtbCore _core;
    private readonly SvirtbTransfer _transfer;
    private readonly StorageCall _call;
    private readonly IWorker _worker;
    private readonly PendingAccessPool _accesses = new(); // guarded by _gate
    private List<PendingAccess> _waiting = []; // guarded by _gate
    private List<PendingAccess> _leaving = []; // the worker's
    private CancellationTokenSource _stop = new();
    private CancellationToken _callStop;
    private TaskCompletionSource? _closing; // guarded by _gate
    private TaskCompletionSource? _leavingEnd; // the worker's
    private bool _isRunning; // the worker has work, or is about to find that it has none any more
    private bool _isResetting;
    private bool _isDirty; // written since the last flush
    private bool _isFlushing;
    private bool _isClosed;

    /// <summary>A device as after power-on.</summary>
    /// <param name="disk">Its settings.</param>
    /// <param name="memory">The guest's RAM.</param>
    /// <param name="executor">Runs its worker.</param>
    /// <exception cref="ArgumentException">A setting is impossible.</exception>
    public SimpleVirtioBlock(SvirtbDisk disk, GuestMemory memory, IExecutor executor)
    {
        ArgumentNullException.ThrowIfNull(disk);
        ArgumentNullException.ThrowIfNull(memory);
        ArgumentNullException.ThrowIfNull(executor);
        disk.Check();
        _disk = disk;
        _core = new SvirtbCore(memory, disk.StrideBytes);
        _transfer = new SvirtbTransfer(disk, memory);
        _worker = executor.CreateWorker(disk.Name, Work);
        _call = new StorageCall(_worker.Signal);
    }

    /// <summary>What it did: entries, bytes, failures.</summary>
    public DeviceStatistics Statistics => _transfer.Statistics;

    /// <inheritdoc/>
    public BusResult Read(IoAddress rangeBase, IoAddress offset, Span<byte> data)
    {
        Span<byte> registers = stackalloc byte[SvirtbLimits.RegisterBytes];
        lock (_gate)
        {
            for (var at = 0; at < registers.Length; at += sizeof(uint))
            {
                BinaryPrimitives.WriteUInt32LittleEndian(registers[at..], _core.Read((SvirtbRegister)at));
            }
        }

        data.Clear();
        if (offset.Value < (ulong)registers.Length)
        {
            var seen = registers[(int)offset.Value..];
            seen[..Math.Min(seen.Length, data.Length)].CopyTo(data);
        }

        return BusResult.Ok;
    }

    /// <inheritdoc/>
    public BusResult Write(IoAddress rangeBase, IoAddress offset, ReadOnlySpan<byte> data)
    {
        if (data.Length != sizeof(uint) || offset.Value % sizeof(uint) != 0)
        {
            return BusResult.Ok;
        }

        if (offset.Value >= SvirtbLimits.RegisterBytes)
        {
            return BusStatus.InvalidRegister;
        }

        PendingAccess? access;
        CancellationTokenSource? stop;
        lock (_gate)
        {
            if (_isClosed)
            {
                return BusResult.Ok;
            }

            (access, stop) = WriteRegister((SvirtbRegister)offset.Value, BinaryPrimitives.ReadUInt32LittleEndian(data));
        }

        stop?.Cancel();
        if (access is null)
        {
            return BusResult.Ok;
        }

        _worker.Signal();
        return BusResult.WaitFor(access);
    }

    /// <summary>Ends the device: when the task completes nothing is written to guest memory any more, and nobody waits.</summary>
    public async ValueTask DisposeAsync()
    {
        CancellationTokenSource? stop;
        Task? wait = null;
        lock (_gate)
        {
            if (_isClosed)
            {
                return;
            }

            _isClosed = true;
            stop = TakeStop();
            if (_isRunning)
            {
                _closing = new TaskCompletionSource();
                wait = _closing.Task;
            }
        }

        stop?.Cancel();
        _worker.Signal();
        if (wait is not null)
        {
            await wait.ConfigureAwait(false);
        }

        _worker.Dispose();
        _stop.Dispose();
    }

    // Under the lock: what to wait for, and what is given up.
    private (PendingAccess? Access, CancellationTokenSource? Stop) WriteRegister(SvirtbRegister register, uint value)
    {
        var isReset = register == SvirtbRegister.Status && value == (uint)SvirtbStatus.Reset;
        if (_isResetting)
        {
            return (isReset ? Wait() : null, null); // another hart's reset is not through yet
        }

        if (isReset)
        {
            if (!_isRunning && !_isDirty)
            {
                _core.Reset();
                return default;
            }

            _isResetting = true;
            return (Wait(), TakeStop());
        }

        _core.Write(register, value);
        if (_isRunning && _core.State.Status != SvirtbStatus.Ready)
        {
            return (Wait(), TakeStop()); // an error of the driver's: nothing more is processed once the write returns
        }

        return (register == SvirtbRegister.QueueHead && (_isRunning || _core.HasEntry) ? Wait() : null, null);
    }

    private PendingAccess Wait()
    {
        _isRunning = true;
        var access = _accesses.Rent();
        _waiting.Add(access);
        return access;
    }

    // What is started from now on gets a source of its own: the old one may be cancelled late.
    private CancellationTokenSource? TakeStop()
    {
        if (!_isRunning)
        {
            return null;
        }

        var stop = _stop;
        _stop = new CancellationTokenSource();
        return stop;
    }
}
