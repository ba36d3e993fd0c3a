using System.Buffers.Binary;
using Eider.Devices.Virtio.Queue;
using Eider.Hardware.Bus;
using Eider.Hardware.Interrupts;
using Eider.Hardware.Lifecycle;
using Eider.Hardware.Resources;

namespace Eider.Devices.Virtio.Transport;

/// <summary>
/// A virtio device on the memory-mapped bus, transport version 2 (virtio 1.3, section 4.2). Registers are under
/// one lock that is held for nothing but state; see docs/devices/virtio-mmio.md for what each access does.
/// </summary>
public sealed partial class VirtioMmioDevice : IDeviceIo, IAsyncDisposable
{
    private const uint Magic = 0x74726976;
    private const uint TransportVersion = 2;

    private readonly Lock _gate = new();
    private readonly VirtioDevice _device;
    private readonly VirtioServices _services;
    private readonly VirtioMmioOptions _options;
    private readonly MmioContext _context;
    private readonly InterruptLatch _interrupt;
    private readonly QueueRunner[] _runners;
    private readonly ushort[] _maxSizes;
    private readonly QueueRegisters[] _queues;
    private readonly int _configSizeBytes;
    private readonly VirtioSharedMemory[] _sharedMemory;

    // Under _gate.
    private MmioState _state;
    private uint _configGeneration;
    private int _configChanging;

    private ulong _negotiated;
    private long _driverErrors;
    private long _faults;
    private bool _broken;
    private bool _closed;

    /// <summary>Puts a device on the bus; the caller registers it there.</summary>
    /// <param name="device">The device; it belongs to this transport from now on.</param>
    /// <param name="services">What the machine gives to its devices.</param>
    /// <param name="line">The interrupt wire.</param>
    /// <param name="name">Name in traces and statistics.</param>
    /// <param name="options">What can be switched.</param>
    /// <exception cref="ArgumentException">The options contradict the device.</exception>
    public VirtioMmioDevice(
        VirtioDevice device, VirtioServices services, IInterruptLine line, string name, VirtioMmioOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(line);
        _options = options ?? new VirtioMmioOptions();
        _options.Validate(device);
        _device = device;
        _services = services;
        _interrupt = new InterruptLatch(line);
        _context = new MmioContext(this, services, new DeviceStatistics(name), _options.DmaTranslation);
        _maxSizes = [.. device.QueueSizes];
        _queues = new QueueRegisters[_maxSizes.Length];
        _stopping = new PendingAccess?[_maxSizes.Length];
        _sharedMemory = [.. device.SharedMemory];
        _runners = [.. Enumerable.Range(0, _maxSizes.Length).Select(index => new QueueRunner(this, device, index))];
        _configSizeBytes = device.ConfigSizeBytes;
        DeviceId = device.DeviceId;
        OfferedFeatures = _options.Offered | (device.Features & ~_options.Withheld);
        ResetRegisters();
        device.Attach(_context);
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

    /// <inheritdoc/>
    public DeviceResources AssignedResources { get; set; } = DeviceResources.Empty;

    /// <summary>True from DEVICE_NEEDS_RESET until the driver resets the device.</summary>
    internal bool IsBroken => Volatile.Read(ref _broken);

    /// <inheritdoc/>
    public BusResult Read(IoAddress rangeBase, IoAddress offset, Span<byte> data)
    {
        if (Volatile.Read(ref _closed))
        {
            return BusStatus.NoDevice;
        }

        if (offset.Value >= (ulong)VirtioMmioRegister.Config)
        {
            return ReadConfig(offset.Value - (ulong)VirtioMmioRegister.Config, data);
        }

        var shape = CheckShape(offset.Value, data.Length);
        if (shape != BusStatus.Ok)
        {
            CountDriverError();
            return shape;
        }

        if (!TryReadRegister((VirtioMmioRegister)offset.Value, out var value))
        {
            CountDriverError();
            return BusStatus.InvalidRegister;
        }

        BinaryPrimitives.WriteUInt32LittleEndian(data, value);
        return BusResult.Ok;
    }

    /// <inheritdoc/>
    public BusResult Write(IoAddress rangeBase, IoAddress offset, ReadOnlySpan<byte> data)
    {
        if (Volatile.Read(ref _closed))
        {
            return BusStatus.NoDevice;
        }

        if (offset.Value >= (ulong)VirtioMmioRegister.Config)
        {
            return WriteConfig(offset.Value - (ulong)VirtioMmioRegister.Config, data);
        }

        var shape = CheckShape(offset.Value, data.Length);
        if (shape != BusStatus.Ok)
        {
            CountDriverError();
            return shape;
        }

        return WriteRegister((VirtioMmioRegister)offset.Value, BinaryPrimitives.ReadUInt32LittleEndian(data));
    }

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
        _interrupt.Set(InterruptLatch.UsedBuffer);
        _interrupt.Drive();
    }

    /// <summary>A driver broke a queue.</summary>
    internal void QueueFailed(int queue, QueueFault fault)
    {
        CountDriverError();
        Trace("queue-fault", (ulong)queue, (ulong)fault);
        NeedsReset("queue fault");
    }

    private static BusStatus CheckShape(ulong offset, int width) =>
        (offset & 3) != 0 ? BusStatus.Unaligned : width != 4 ? BusStatus.InvalidSize : BusStatus.Ok;

    private static uint Half(ulong value, bool high) => unchecked((uint)(high ? value >> 32 : value));

    private static void SetHalf(ref ulong value, uint half, bool high) =>
        value = high ? (value & uint.MaxValue) | ((ulong)half << 32) : (value & ~(ulong)uint.MaxValue) | half;

    private void Trace(string operation, ulong address, ulong value) =>
        _context.Trace(TraceCategory.Virtio)?.Emit(new TraceEvent(TraceCategory.Virtio, Name, operation, address, value, 4));

    private bool TryReadRegister(VirtioMmioRegister register, out uint value)
    {
        value = 0;
        lock (_gate)
        {
            switch (register)
            {
                case VirtioMmioRegister.MagicValue:
                    value = Magic;
                    return true;
                case VirtioMmioRegister.Version:
                    value = TransportVersion;
                    return true;
                case VirtioMmioRegister.DeviceId:
                    value = DeviceId.Value;
                    return true;
                case VirtioMmioRegister.VendorId:
                    value = _options.VendorId;
                    return true;
                case VirtioMmioRegister.DeviceFeatures:
                    value = _state.DeviceFeaturesSel < 2 ? Half(OfferedFeatures, _state.DeviceFeaturesSel == 1) : 0;
                    return true;
                case VirtioMmioRegister.QueueSizeMax:
                    value = _state.QueueSel < (uint)_maxSizes.Length ? _maxSizes[_state.QueueSel] : 0u;
                    return true;
                case VirtioMmioRegister.QueueReady:
                    value = TrySelected(out var ready) && _queues[ready].Ready ? 1u : 0u;
                    return true;
                case VirtioMmioRegister.QueueReset:
                    value = TrySelected(out var resetting) && _queues[resetting].Resetting ? 1u : 0u;
                    return true;
                case VirtioMmioRegister.InterruptStatus:
                    value = (uint)_interrupt.Status;
                    return true;
                case VirtioMmioRegister.Status:
                    value = (uint)_state.Status;
                    return true;
                case VirtioMmioRegister.ConfigGeneration:
                    // A reader that falls into a change never sees the same value twice.
                    value = _configChanging == 0 ? _configGeneration : unchecked(++_configGeneration);
                    return true;
                default:
                    return TryReadSharedMemory(register, out value);
            }
        }
    }

    private bool TryReadSharedMemory(VirtioMmioRegister register, out uint value)
    {
        var (length, start) = (ulong.MaxValue, ulong.MaxValue);
        foreach (var region in _sharedMemory)
        {
            if (region.Id == _state.ShmSel)
            {
                (length, start) = (region.LengthBytes, region.BaseAddress);
            }
        }

        (var known, value) = register switch
        {
            VirtioMmioRegister.ShmLenLow => (true, Half(length, high: false)),
            VirtioMmioRegister.ShmLenHigh => (true, Half(length, high: true)),
            VirtioMmioRegister.ShmBaseLow => (true, Half(start, high: false)),
            VirtioMmioRegister.ShmBaseHigh => (true, Half(start, high: true)),
            _ => (false, 0u),
        };
        return known;
    }

    private BusResult WriteRegister(VirtioMmioRegister register, uint value)
    {
        switch (register)
        {
            case VirtioMmioRegister.QueueNotify:
                Notify(value);
                return BusResult.Ok;
            case VirtioMmioRegister.InterruptAck:
                _interrupt.Clear(unchecked((int)value));
                _interrupt.Drive();
                return BusResult.Ok;
            case VirtioMmioRegister.Status:
            case VirtioMmioRegister.QueueReady:
            case VirtioMmioRegister.QueueReset:
                return ChangeLife(register, value);
        }

        bool known, allowed;
        lock (_gate)
        {
            known = TryWriteSelector(register, value, out allowed) || TryWriteQueue(register, value, out allowed);
        }

        if (!known || !allowed)
        {
            CountDriverError();
        }

        return known ? BusResult.Ok : BusStatus.InvalidRegister;
    }

    private bool TryWriteSelector(VirtioMmioRegister register, uint value, out bool allowed)
    {
        allowed = true;
        switch (register)
        {
            case VirtioMmioRegister.DeviceFeaturesSel:
                _state.DeviceFeaturesSel = value;
                return true;
            case VirtioMmioRegister.DriverFeaturesSel:
                _state.DriverFeaturesSel = value;
                return true;
            case VirtioMmioRegister.QueueSel:
                _state.QueueSel = value;
                return true;
            case VirtioMmioRegister.ShmSel:
                _state.ShmSel = value;
                return true;
            case VirtioMmioRegister.DriverFeatures:
                // Only between DRIVER and FEATURES_OK (3.1.1); what was agreed on does not change any more.
                allowed = (_state.Status & (DeviceStatus.Driver | DeviceStatus.FeaturesOk)) == DeviceStatus.Driver;
                if (allowed && _state.DriverFeaturesSel < 2)
                {
                    SetHalf(ref _state.DriverFeatures, value, _state.DriverFeaturesSel == 1);
                }
                else if (allowed)
                {
                    _state.DriverFeaturesBeyond |= value != 0;
                }

                return true;
            default:
                return false;
        }
    }

    private bool TryWriteQueue(VirtioMmioRegister register, uint value, out bool allowed)
    {
        // Not before FEATURES_OK, and not while the queue is ready: the running ring stays as it is (4.2.2.2).
        allowed = TrySelected(out var index) && _state.Status.HasFlag(DeviceStatus.FeaturesOk)
            && !_queues[index].Ready && !_queues[index].Resetting;
        var ignored = default(QueueRegisters);
        ref var queue = ref allowed ? ref _queues[index] : ref ignored;
        switch (register)
        {
            case VirtioMmioRegister.QueueSize:
                queue.Size = value;
                return true;
            case VirtioMmioRegister.QueueDescLow:
            case VirtioMmioRegister.QueueDescHigh:
                SetHalf(ref queue.Descriptors, value, register == VirtioMmioRegister.QueueDescHigh);
                return true;
            case VirtioMmioRegister.QueueDriverLow:
            case VirtioMmioRegister.QueueDriverHigh:
                SetHalf(ref queue.Driver, value, register == VirtioMmioRegister.QueueDriverHigh);
                return true;
            case VirtioMmioRegister.QueueDeviceLow:
            case VirtioMmioRegister.QueueDeviceHigh:
                SetHalf(ref queue.Device, value, register == VirtioMmioRegister.QueueDeviceHigh);
                return true;
            default:
                return false;
        }
    }

    /// <summary>The selected queue, if the device has it.</summary>
    private bool TrySelected(out int index)
    {
        index = _state.QueueSel < (uint)_maxSizes.Length ? (int)_state.QueueSel : 0;
        return _state.QueueSel < (uint)_maxSizes.Length && _maxSizes[index] != 0;
    }

    private void Notify(uint value)
    {
        // With NOTIFICATION_DATA the upper half is the ring position, a hint that the ring itself makes needless.
        var index = Volatile.Read(ref _negotiated).Has(VirtioFeature.NotificationData) ? value & 0xFFFF : value;
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

    private BusResult ReadConfig(ulong offset, Span<byte> data)
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

    private BusResult WriteConfig(ulong offset, ReadOnlySpan<byte> data)
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
            _queues[i] = new QueueRegisters { Size = _maxSizes[i] };
        }
    }
}
