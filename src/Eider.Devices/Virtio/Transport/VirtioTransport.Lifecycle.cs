using Eider.Devices.Virtio.Queue;
using Eider.Hardware.Bus;

namespace Eider.Devices.Virtio.Transport;

/// <content>
/// Status, queue enable and queue reset. Each write is a change of life that runs alone, without the lock; writes
/// that come meanwhile (of other harts) wait as pending accesses and run in their order. A reset lasts until every
/// queue's worker has let go of its queue.
/// </content>
public abstract partial class VirtioTransport
{
    private const DeviceStatus DriverBits =
        DeviceStatus.Acknowledge | DeviceStatus.Driver | DeviceStatus.FeaturesOk | DeviceStatus.DriverOk | DeviceStatus.Failed;

    // Under _gate.
    private readonly Queue<DeferredWrite> _deferred = new();
    private readonly PendingAccess?[] _stopping;
    private bool _changing;
    private bool _resetting;
    private int _resetWaitsFor;
    private PendingAccess? _resetAccess;

    /// <summary>The registers behind which a device's life is.</summary>
    private protected enum LifeRegister
    {
        /// <summary>The status byte.</summary>
        Status,

        /// <summary>QueueReady, queue_enable.</summary>
        QueueEnable,

        /// <summary>QueueReset, queue_reset.</summary>
        QueueReset,
    }

    private enum LifeChange
    {
        Done,
        WaitsForQueue,
        WaitsForReset,
    }

    /// <summary>All bits that both sides agreed on; 0 before FEATURES_OK.</summary>
    public ulong NegotiatedFeatures => Volatile.Read(ref _negotiated);

    /// <summary>Stops the queues, waits for requests in flight, ends the workers and closes the device.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Volatile.Read(ref _closed))
        {
            return;
        }

        GC.SuppressFinalize(this);
        var reset = ChangeLife(LifeRegister.Status, 0);
        if (reset.Pending is { } pending)
        {
            // Not on the worker's own thread: it is about to be ended.
            var stopped = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            pending.OnCompleted(stopped.SetResult);
            await stopped.Task.ConfigureAwait(false);
        }

        Volatile.Write(ref _closed, true);
        foreach (var runner in _runners)
        {
            runner.DisposeWorker();
        }

        Call(_device.Close);
    }

    /// <summary>Runs the worker of a queue once more, if the queue runs.</summary>
    internal void Wake(int queueIndex)
    {
        var runner = _runners[queueIndex];
        if (runner.Phase != QueuePhase.Idle)
        {
            runner.Signal();
        }
    }

    /// <summary>See <see cref="VirtioDeviceContext.ConfigChanged"/>.</summary>
    internal void ConfigChanged(Action? change)
    {
        lock (_gate)
        {
            _configChanging++;
        }

        try
        {
            change?.Invoke();
        }
        finally
        {
            lock (_gate)
            {
                _configChanging--;
                SetConfigurationChange();
            }

            DriveInterrupts();
        }
    }

    /// <summary>See <see cref="VirtioDeviceContext.NeedsReset"/>.</summary>
    internal void NeedsReset(string reason)
    {
        lock (_gate)
        {
            if (_resetting || _state.Status == DeviceStatus.None || _state.Status.HasFlag(DeviceStatus.NeedsReset))
            {
                return;
            }

            _state.Status |= DeviceStatus.NeedsReset;
            Volatile.Write(ref _broken, true);
            SetConfigurationChange();
        }

        Trace("needs-reset", 0, 0);
        Trace(reason, 0, 0);
        DriveInterrupts();
        foreach (var runner in _runners)
        {
            runner.Signal(); // each stops its queue
        }
    }

    /// <summary>The worker of a queue has let go of it.</summary>
    internal void QueueStopped(QueueRunner runner)
    {
        PendingAccess? access;
        bool last;
        lock (_gate)
        {
            runner.Phase = QueuePhase.Idle;
            ref var registers = ref _queues[runner.Index];
            registers.Ready = false;
            if (registers.Resetting)
            {
                ResetQueueRegisters(runner.Index); // 2.6.1: back to the default
            }

            access = _stopping[runner.Index];
            _stopping[runner.Index] = null;
            last = _resetting && --_resetWaitsFor == 0;
        }

        Trace("queue-stopped", (ulong)runner.Index, 0);
        access?.Complete();
        if (last)
        {
            var reset = _resetAccess;
            _resetAccess = null;
            FinishReset();
            EndChange(); // first, so that the hart that waited need not wait again for its next write
            reset?.Complete();
        }
    }

    /// <summary>A write to one of the registers that change the device's life. No lock held.</summary>
    private protected BusResult ChangeLife(LifeRegister register, uint value)
    {
        uint queue;
        lock (_gate)
        {
            queue = _state.QueueSel;
            if (_changing)
            {
                return Defer(new DeferredWrite(register, queue, value, new PendingAccess()));
            }

            _changing = true;
        }

        var access = new PendingAccess();
        var change = Perform(register, queue, value, access);
        if (change != LifeChange.WaitsForReset)
        {
            EndChange();
        }

        return change == LifeChange.Done ? BusResult.Ok : BusResult.WaitFor(access);
    }

    private BusResult Defer(DeferredWrite write)
    {
        if (_deferred.Count >= VirtioLimits.MaxDeferredWrites)
        {
            CountDriverError();
            return BusResult.Ok;
        }

        _deferred.Enqueue(write);
        return BusResult.WaitFor(write.Access);
    }

    /// <summary>Ends a change and runs what was put off meanwhile, up to the next one that lasts.</summary>
    private void EndChange()
    {
        while (true)
        {
            DeferredWrite next;
            lock (_gate)
            {
                if (!_deferred.TryDequeue(out next))
                {
                    _changing = false;
                    return;
                }
            }

            switch (Perform(next.Register, next.Queue, next.Value, next.Access))
            {
                case LifeChange.Done:
                    next.Access.Complete();
                    break;
                case LifeChange.WaitsForReset:
                    return;
            }
        }
    }

    private LifeChange Perform(LifeRegister register, uint queue, uint value, PendingAccess access)
    {
        Trace(register == LifeRegister.Status ? "status" : "queue-state", queue, value);
        switch (register)
        {
            case LifeRegister.Status when value == 0:
                return BeginReset(access);
            case LifeRegister.Status:
                AdvanceStatus((DeviceStatus)(value & (uint)DriverBits));
                return LifeChange.Done;
        }

        if (queue >= (uint)_maxSizes.Length || _maxSizes[queue] == 0 || value > 1)
        {
            CountDriverError();
            return LifeChange.Done;
        }

        if (register == LifeRegister.QueueReset)
        {
            ResetQueue((int)queue, value);
            return LifeChange.Done;
        }

        if (value == 1)
        {
            EnableQueue((int)queue);
            return LifeChange.Done;
        }

        return DisableQueue((int)queue, access);
    }

    private LifeChange BeginReset(PendingAccess access)
    {
        if (!StopQueues(access))
        {
            FinishReset();
            return LifeChange.Done;
        }

        foreach (var runner in _runners)
        {
            runner.Signal();
        }

        return LifeChange.WaitsForReset;
    }

    /// <summary>Asks every queue that is not idle to stop; false if there is none.</summary>
    private bool StopQueues(PendingAccess access)
    {
        lock (_gate)
        {
            _resetWaitsFor = 0;
            foreach (var runner in _runners)
            {
                if (runner.Phase != QueuePhase.Idle)
                {
                    runner.Phase = QueuePhase.Stopping;
                    _resetWaitsFor++;
                }
            }

            _resetting = _resetWaitsFor != 0;
            _resetAccess = _resetting ? access : null;
            return _resetting;
        }
    }

    /// <summary>Every queue has stopped: nothing of the old life is left.</summary>
    private void FinishReset()
    {
        Call(_device.Reset);
        lock (_gate)
        {
            ResetRegisters();
            ResetInterrupts();
            Volatile.Write(ref _negotiated, 0);
            Volatile.Write(ref _broken, false);
            _resetting = false;
        }

        DriveInterrupts();
        Trace("reset", 0, 0);
    }

    private void AdvanceStatus(DeviceStatus wanted)
    {
        DeviceStatus before;
        lock (_gate)
        {
            before = _state.Status;
            if ((before & ~wanted & DriverBits) != 0)
            {
                CountDriverError(); // 2.1.1: a driver clears no bit; they stay set
            }

            _state.Status |= wanted & ~(DeviceStatus.FeaturesOk | DeviceStatus.DriverOk);
        }

        var added = wanted & ~before;
        if (before.HasFlag(DeviceStatus.NeedsReset))
        {
            return;
        }

        if (added.HasFlag(DeviceStatus.FeaturesOk))
        {
            Negotiate();
        }

        if (added.HasFlag(DeviceStatus.DriverOk))
        {
            GoLive();
        }
    }

    private void Negotiate()
    {
        ulong features;
        bool valid;
        lock (_gate)
        {
            features = _state.DriverFeatures;
            valid = _state.Status.HasFlag(DeviceStatus.Driver) && !_state.DriverFeaturesBeyond
                && (features & ~OfferedFeatures) == 0
                && (Options.Required & ~features) == 0
                && features.Has(VirtioFeature.Version1);
        }

        if (!valid || !Ask(features))
        {
            CountDriverError();
            return; // FEATURES_OK stays clear (2.2.2)
        }

        Volatile.Write(ref _negotiated, features);
        Call(() => _device.Ready(features));
        lock (_gate)
        {
            _state.Status |= DeviceStatus.FeaturesOk;
        }
    }

    private void GoLive()
    {
        lock (_gate)
        {
            if (_state.Status.HasFlag(DeviceStatus.FeaturesOk))
            {
                _state.Status |= DeviceStatus.DriverOk;
            }
        }

        if (!_state.Status.HasFlag(DeviceStatus.DriverOk))
        {
            CountDriverError();
            NeedsReset("DRIVER_OK without FEATURES_OK");
            return;
        }

        for (var i = 0; i < _queues.Length; i++)
        {
            if (_queues[i].Ready)
            {
                StartQueue(i);
            }
        }
    }

    private void EnableQueue(int index)
    {
        VirtQueueSettings settings;
        bool live;
        lock (_gate)
        {
            var registers = _queues[index];
            live = _state.Status.HasFlag(DeviceStatus.DriverOk);
            if (registers.Ready || registers.Resetting || !_state.Status.HasFlag(DeviceStatus.FeaturesOk) || IsBroken
                || _runners[index].Phase != QueuePhase.Idle)
            {
                CountDriverError();
                return;
            }

            settings = SettingsOf(index);
        }

        if (settings.Size > _maxSizes[index] || !settings.IsUsable(_context.Memory))
        {
            CountDriverError();
            NeedsReset("unusable queue");
            return;
        }

        lock (_gate)
        {
            // Another hart may have moved the queue while it was checked, without the lock.
            if (SettingsOf(index) != settings)
            {
                CountDriverError();
                return;
            }

            _queues[index].Ready = true;
        }

        if (live)
        {
            StartQueue(index);
        }
    }

    private VirtQueueSettings SettingsOf(int index) => new()
    {
        Index = index,
        Size = (int)Math.Min(_queues[index].Size, int.MaxValue),
        DescriptorAddress = _queues[index].Descriptors,
        DriverAddress = _queues[index].Driver,
        DeviceAddress = _queues[index].Device,
        Features = _negotiated,
    };

    private void StartQueue(int index)
    {
        var runner = _runners[index];
        var started = Call(() =>
        {
            var queue = VirtQueue.Create(SettingsOf(index), _context.Memory, runner);
            runner.Prepare(queue, _services.Executor, $"{Name}-q{index}");
            _device.QueueReady(index, queue);
        });
        if (started)
        {
            runner.Phase = QueuePhase.Running;
            runner.Signal();
        }
    }

    private LifeChange DisableQueue(int index, PendingAccess access)
    {
        lock (_gate)
        {
            _queues[index].Ready = false;
            if (_runners[index].Phase == QueuePhase.Idle)
            {
                return LifeChange.Done;
            }

            if (_stopping[index] is not null)
            {
                CountDriverError(); // a second hart asks for the same; it need not wait
                return LifeChange.Done;
            }

            _stopping[index] = access;
            _runners[index].Phase = QueuePhase.Stopping;
        }

        _runners[index].Signal();
        return LifeChange.WaitsForQueue;
    }

    private void ResetQueue(int index, uint value)
    {
        lock (_gate)
        {
            if (value == 0 || !_negotiated.Has(VirtioFeature.RingReset))
            {
                CountDriverError();
                return;
            }

            if (_runners[index].Phase == QueuePhase.Idle)
            {
                ResetQueueRegisters(index);
                return;
            }

            _queues[index].Resetting = true;
            _runners[index].Phase = QueuePhase.Stopping;
        }

        _runners[index].Signal();
    }

    /// <summary>Under the lock: a new generation, and an interrupt once the driver is up.</summary>
    private void SetConfigurationChange()
    {
        _configGeneration = unchecked(_configGeneration + 1);
        if (_state.Status.HasFlag(DeviceStatus.DriverOk) && !_resetting)
        {
            NoteConfigurationChange();
        }
    }

    private bool Ask(ulong features)
    {
        var accepted = false;
        return Call(() => accepted = _device.AcceptsFeatures(features)) && accepted;
    }

    /// <summary>Calls the device; what it throws is a bug that does not reach the bus.</summary>
    private bool Call(Action action)
    {
        try
        {
            action();
            return true;
        }
        catch (Exception exception)
        {
            ReportFault(exception);
            return false;
        }
    }

    private readonly record struct DeferredWrite(LifeRegister Register, uint Queue, uint Value, PendingAccess Access);
}
