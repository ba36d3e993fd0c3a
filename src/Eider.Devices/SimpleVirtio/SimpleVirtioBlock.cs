using System.Buffers.Binary;
using Eider.Hardware.Bus;
using Eider.Hardware.Lifecycle;
using Eider.Hardware.Memory;
using Eider.Hardware.Time;
using Eider.Storage;

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
public sealed class SimpleVirtioBlock : IDeviceIo, IAsyncDisposable
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
    private TaskCompletionSource? _closing;
    private bool _isRunning; // the worker has work, or is about to find that it has none any more
    private bool _isResetting;
    private bool _isDirty; // written since the last flush
    private bool _isFlushing;
    private bool _isClosed;

    private enum Step
    {
        None,
        Fetch,
        Move,
        Flush,
    }

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
                var closing = new TaskCompletionSource();
                Volatile.Write(ref _closing, closing);
                wait = closing.Task;
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

    // Everything from here on is the worker's.
    private void Work()
    {
        for (var steps = 0; !_call.IsActive || _call.IsDone; steps++)
        {
            if (steps == SvirtbLimits.StepsInOneRun)
            {
                _worker.Signal(); // others on this thread have their turn, and the machine may stop
                return;
            }

            if (_call.IsActive)
            {
                EndCall();
            }
            else if (!TryStep())
            {
                return;
            }
        }
    }

    private bool TryStep()
    {
        switch (Decide(out var address))
        {
            case Step.Fetch:
                Begin(address);
                return true;
            case Step.Move:
                Continue();
                return true;
            case Step.Flush:
                // The document has no flush: what was written is made durable when the driver ends with a reset.
                _isFlushing = true;
                _call.Start(_disk.Storage.FlushAsync(_callStop));
                return true;
            default:
                LetGo();
                return false;
        }
    }

    private Step Decide(out ulong entryAddress)
    {
        entryAddress = 0;
        lock (_gate)
        {
            _callStop = _stop.Token;
            if (_isClosed || _isResetting || _core.State.Status != SvirtbStatus.Ready)
            {
                GiveUp();
                return _isResetting && _isDirty && !_isClosed ? Step.Flush : Settle();
            }

            if (_transfer.IsActive)
            {
                return Step.Move;
            }

            if (!_core.HasEntry)
            {
                return Settle();
            }

            entryAddress = _core.EntryAddress;
            return Step.Fetch;
        }
    }

    private void GiveUp()
    {
        if (_transfer.IsActive)
        {
            _transfer.End(failed: true);
        }
    }

    // Under the lock: nothing is in flight and nothing is to be done.
    private Step Settle()
    {
        if (_isResetting)
        {
            _isResetting = false;
            _core.Reset();
        }

        _isRunning = false;
        (_waiting, _leaving) = (_leaving, _waiting);
        return Step.None;
    }

    // Without the lock: a hart may ring again at once, on this thread or another.
    private void LetGo()
    {
        foreach (var access in _leaving)
        {
            access.Complete();
        }

        _leaving.Clear();
        Volatile.Read(ref _closing)?.TrySetResult();
    }

    private void Begin(ulong address)
    {
        if (!_transfer.TryBegin(address))
        {
            Fail();
        }
        else if (_transfer.IsWhole)
        {
            EndEntry();
        }
    }

    private void Continue()
    {
        if (!_transfer.TryStartChunk(_call, _callStop))
        {
            _transfer.End(failed: true);
            Fail();
        }
    }

    private void EndCall()
    {
        var isFlush = _isFlushing;
        _isFlushing = false;
        var isDone = TryTake(isFlush, out var result);
        if (isFlush)
        {
            lock (_gate)
            {
                _isDirty = false; // also after a failure: the storage remembers it, and the host was told
            }

            return;
        }

        if (_transfer.IsWrite)
        {
            lock (_gate)
            {
                _isDirty = true;
            }
        }

        if (_callStop.IsCancellationRequested)
        {
            return; // given up: what was read does not reach the guest any more
        }

        if (!isDone || !_transfer.TryEndChunk(result))
        {
            _transfer.End(failed: true);
            Fail();
        }
        else if (_transfer.IsWhole)
        {
            EndEntry();
        }
    }

    private bool TryTake(bool isFlush, out BlockResult result)
    {
        result = BlockResult.Unsupported;
        try
        {
            result = _call.Take();
            return true;
        }
        catch (OperationCanceledException) when (_callStop.IsCancellationRequested)
        {
            return false; // given up
        }
        catch (Exception cause) when (cause is not (OutOfMemoryException or StackOverflowException or AccessViolationException))
        {
            _disk.HostFailed?.Invoke(cause as BlockStorageException ?? Wrap(isFlush, cause));
            return false;
        }
    }

    private BlockStorageException Wrap(bool isFlush, Exception cause)
    {
        var operation = isFlush ? BlockOperation.Flush : _transfer.Operation;
        var name = _disk.Storage.Name;
        return new BlockStorageException(
            BlockErrorKind.Io, operation, name, isFlush ? null : _transfer.OffsetBytes, $"{name}: {operation} failed: {cause.Message}", cause);
    }

    private void EndEntry()
    {
        _transfer.End(failed: false);
        lock (_gate)
        {
            if (_core.HasEntry) // else the driver took it back, or the ring is no more
            {
                _core.Advance();
            }
        }
    }

    private void Fail()
    {
        lock (_gate)
        {
            _core.Fail();
        }
    }
}
