using Eider.Devices.Virtio.Queue;
using Eider.Hardware.Bus;
using Eider.Hardware.Lifecycle;

namespace Eider.Devices.Virtio.Transport;

/// <summary>
/// What every transport of a virtio device does alike (virtio 1.3, sections 2.1 to 2.6 and 3): status, features, the state
/// of the queues, their workers, configuration space, resets. How a driver reaches that, and how it is interrupted, is the
/// derived class's: <see cref="VirtioMmioDevice"/> and <see cref="VirtioPciDevice"/>. State is under one lock that is held
/// for nothing else.
/// </summary>
public abstract partial class VirtioTransport : IAsyncDisposable
{
    private protected readonly Lock _gate = new();
    private protected readonly QueueRunner[] _runners;
    private protected readonly ushort[] _maxSizes;
    private protected readonly QueueRegisters[] _queues;
    private protected readonly int _configSizeBytes;
    private protected readonly VirtioSharedMemory[] _sharedMemory;

    // Under _gate.
    private protected TransportState _state;
    private protected uint _configGeneration;
    private protected int _configChanging;

    private readonly VirtioDevice _device;
    private readonly VirtioServices _services;
    private readonly TransportContext _context;

    private ulong _negotiated;
    private long _driverErrors;
    private long _faults;
    private bool _broken;
    private bool _closed;

    private protected VirtioTransport(
        VirtioDevice device, VirtioServices services, string name, VirtioTransportOptions options, ulong supportedFeatures)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(services);
        options.Validate(device, supportedFeatures);
        Options = options;
        _device = device;
        _services = services;
        _context = new TransportContext(this, services, new DeviceStatistics(name), options.DmaTranslation);
        _maxSizes = [.. device.QueueSizes];
        _queues = new QueueRegisters[_maxSizes.Length];
        _stopping = new PendingAccess?[_maxSizes.Length];
        _sharedMemory = [.. device.SharedMemory];
        _runners = [.. Enumerable.Range(0, _maxSizes.Length).Select(index => new QueueRunner(this, device, index))];
        _configSizeBytes = device.ConfigSizeBytes;
        DeviceId = device.DeviceId;
        OfferedFeatures = options.Offered | (device.Features & ~options.Withheld);
    }

    /// <summary>All offered bits.</summary>
    public ulong OfferedFeatures { get; }

    /// <summary>The type of the device.</summary>
    public VirtioDeviceId DeviceId { get; }

    /// <summary>Name in traces and statistics.</summary>
    public string Name => _context.Name;

    /// <summary>What was counted.</summary>
    public DeviceStatistics Statistics => _context.Statistics;

    /// <summary>What the driver did against the rules, registers and rings together.</summary>
    public long DriverErrors => Volatile.Read(ref _driverErrors);

    /// <summary>Exceptions that a device let out: bugs of ours.</summary>
    public long Faults => Volatile.Read(ref _faults);

    /// <summary>The last of <see cref="Faults"/>.</summary>
    public Exception? LastFault { get; private set; }

    /// <summary>Called, on the thread that saw it, with each of <see cref="Faults"/>. Must not block or throw.</summary>
    public Action<Exception>? Faulted { get; set; }

    /// <summary>True from DEVICE_NEEDS_RESET until the driver resets the device.</summary>
    internal bool IsBroken => Volatile.Read(ref _broken);

    /// <summary>False while the device must not touch guest memory although its queues run.</summary>
    internal virtual bool MayReachMemory => true;

    private protected VirtioTransportOptions Options { get; }

    private protected bool IsClosed => Volatile.Read(ref _closed);

    /// <summary>Counts a thing that the driver did against the rules.</summary>
    internal void CountDriverError() => Interlocked.Increment(ref _driverErrors);

    /// <summary>Counts a bug and takes the device out of service.</summary>
    internal void ReportFault(Exception exception)
    {
        Interlocked.Increment(ref _faults);
        LastFault = exception;
        Faulted?.Invoke(exception);
        NeedsReset("fault");
    }

    /// <summary>Sends a used buffer notification.</summary>
    internal void RaiseUsed(int queue)
    {
        Trace("interrupt", (ulong)queue, InterruptLatch.UsedBuffer);
        SignalUsed(queue);
    }

    /// <summary>A driver broke a queue.</summary>
    internal void QueueFailed(int queue, QueueFault fault)
    {
        CountDriverError();
        Trace("queue-fault", (ulong)queue, (ulong)fault);
        NeedsReset("queue fault");
    }

    /// <summary>Tells the driver that buffers of a queue were used. Any thread, no lock held.</summary>
    private protected abstract void SignalUsed(int queue);

    /// <summary>The configuration changed: remembers it for the driver to see. Under the lock; <see cref="DriveInterrupts"/> follows.</summary>
    private protected abstract void NoteConfigurationChange();

    /// <summary>Makes the interrupts show what was noted. No lock held.</summary>
    private protected abstract void DriveInterrupts();

    /// <summary>The device was reset: nothing is noted any more. Under the lock; <see cref="DriveInterrupts"/> follows.</summary>
    private protected abstract void ResetInterrupts();

    /// <summary>A queue is as after a reset. Under the lock.</summary>
    private protected virtual void QueueWasReset(int index)
    {
    }

    /// <summary>Gives the device its transport; the last thing that a constructor does.</summary>
    private protected void AttachDevice()
    {
        ResetRegisters();
        _device.Attach(_context);
    }

    private protected static uint Half(ulong value, bool high) => unchecked((uint)(high ? value >> 32 : value));

    private protected static void SetHalf(ref ulong value, uint half, bool high) =>
        value = high ? (value & uint.MaxValue) | ((ulong)half << 32) : (value & ~(ulong)uint.MaxValue) | half;

    private protected void Trace(string operation, ulong address, ulong value) =>
        _context.Trace(TraceCategory.Virtio)?.Emit(new TraceEvent(TraceCategory.Virtio, Name, operation, address, value, 4));

    /// <summary>The word of the offered features that the driver selected. Under the lock.</summary>
    private protected uint OfferedWord() =>
        _state.DeviceFeaturesSel < 2 ? Half(OfferedFeatures, _state.DeviceFeaturesSel == 1) : 0;

    /// <summary>Takes a word of the driver's features. Under the lock.</summary>
    /// <returns>False if the driver may not write them now; nothing changes.</returns>
    private protected bool TrySetDriverWord(uint value)
    {
        // Only between DRIVER and FEATURES_OK (3.1.1); what was agreed on does not change any more.
        var allowed = (_state.Status & (DeviceStatus.Driver | DeviceStatus.FeaturesOk)) == DeviceStatus.Driver;
        if (allowed && _state.DriverFeaturesSel < 2)
        {
            SetHalf(ref _state.DriverFeatures, value, _state.DriverFeaturesSel == 1);
        }
        else if (allowed)
        {
            _state.DriverFeaturesBeyond |= value != 0;
        }

        return allowed;
    }

    /// <summary>The selected queue, if the device has it. Under the lock.</summary>
    private protected bool TrySelected(out int index)
    {
        index = _state.QueueSel < (uint)_maxSizes.Length ? (int)_state.QueueSel : 0;
        return _state.QueueSel < (uint)_maxSizes.Length && _maxSizes[index] != 0;
    }

    /// <summary>The selected queue, if its size and place may change now. Under the lock.</summary>
    /// <remarks>Not before FEATURES_OK, and not while the queue is ready: the running ring stays as it is (4.2.2.2).</remarks>
    private protected bool TryEditable(out int index) =>
        TrySelected(out index) && _state.Status.HasFlag(DeviceStatus.FeaturesOk) && !_queues[index].Ready && !_queues[index].Resetting;

    /// <summary>An available buffer notification for a queue.</summary>
    /// <param name="index">The queue.</param>
    /// <param name="value">What the driver wrote, for the trace.</param>
    private protected void Notify(uint index, uint value)
    {
        Trace("notify", index, value);
        if (index < (uint)_runners.Length && _runners[index].Phase == QueuePhase.Running)
        {
            _runners[index].Signal();
        }
        else
        {
            CountDriverError();
        }
    }

    private protected BusResult ReadConfig(ulong offset, Span<byte> data)
    {
        try
        {
            if (IsConfigAccess(offset, data.Length) && _device.ReadConfig((int)offset, data))
            {
                return BusResult.Ok;
            }
        }
        catch (Exception exception)
        {
            ReportFault(exception);
        }

        CountDriverError();
        return BusStatus.InvalidRegister;
    }

    private protected BusResult WriteConfig(ulong offset, ReadOnlySpan<byte> data)
    {
        try
        {
            if (IsConfigAccess(offset, data.Length) && _device.WriteConfig((int)offset, data))
            {
                return BusResult.Ok;
            }
        }
        catch (Exception exception)
        {
            ReportFault(exception);
        }

        CountDriverError();
        return BusStatus.InvalidRegister;
    }

    private bool IsConfigAccess(ulong offset, int width) =>
        width is 1 or 2 or 4 or 8 && (offset & (ulong)(uint)(width - 1)) == 0
        && offset < (ulong)(uint)_configSizeBytes && (ulong)(uint)width <= (ulong)(uint)_configSizeBytes - offset;

    private void ResetRegisters()
    {
        _state = default;
        for (var i = 0; i < _queues.Length; i++)
        {
            ResetQueueRegisters(i);
        }
    }

    private void ResetQueueRegisters(int index)
    {
        _queues[index] = new QueueRegisters { Size = _maxSizes[index] };
        QueueWasReset(index);
    }
}
