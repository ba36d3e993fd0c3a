using System.Buffers.Binary;
using Eider.Hardware.Bus;
using Eider.Hardware.Interrupts;
using Eider.Hardware.Resources;

namespace Eider.Devices.Virtio.Transport;

/// <summary>
/// A virtio device on the memory-mapped bus, transport version 2 (virtio 1.3, section 4.2). See docs/devices/virtio-mmio.md
/// for what each access does.
/// </summary>
public sealed class VirtioMmioDevice : VirtioTransport, IDeviceIo
{
    private const uint Magic = 0x74726976;
    private const uint TransportVersion = 2;

    private readonly InterruptLatch _interrupt;

    /// <summary>Puts a device on the bus; the caller registers it there.</summary>
    /// <param name="device">The device; it belongs to this transport from now on.</param>
    /// <param name="services">What the machine gives to its devices.</param>
    /// <param name="line">The interrupt wire.</param>
    /// <param name="name">Name in traces and statistics.</param>
    /// <param name="options">What can be switched.</param>
    /// <exception cref="ArgumentException">The options contradict the device.</exception>
    public VirtioMmioDevice(
        VirtioDevice device, VirtioServices services, IInterruptLine line, string name, VirtioTransportOptions? options = null)
        : base(device, services, name, options ?? new VirtioTransportOptions(), VirtioFeatures.Supported)
    {
        ArgumentNullException.ThrowIfNull(line);
        _interrupt = new InterruptLatch(line);
        AttachDevice();
    }

    /// <inheritdoc/>
    public DeviceResources AssignedResources { get; set; } = DeviceResources.Empty;

    /// <inheritdoc/>
    public BusResult Read(IoAddress rangeBase, IoAddress offset, Span<byte> data)
    {
        if (IsClosed)
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
        if (IsClosed)
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

    /// <inheritdoc/>
    private protected override void SignalUsed(int queue)
    {
        _interrupt.Set(InterruptLatch.UsedBuffer);
        _interrupt.Drive();
    }

    /// <inheritdoc/>
    private protected override void NoteConfigurationChange() => _interrupt.Set(InterruptLatch.ConfigurationChange);

    /// <inheritdoc/>
    private protected override void DriveInterrupts() => _interrupt.Drive();

    /// <inheritdoc/>
    private protected override void ResetInterrupts() => _interrupt.Clear(-1);

    private static BusStatus CheckShape(ulong offset, int width) =>
        (offset & 3) != 0 ? BusStatus.Unaligned : width != 4 ? BusStatus.InvalidSize : BusStatus.Ok;

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
                    value = Options.VendorId;
                    return true;
                case VirtioMmioRegister.DeviceFeatures:
                    value = OfferedWord();
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
                // With NOTIFICATION_DATA the upper half is the ring position, a hint that the ring itself makes needless.
                Notify(NegotiatedFeatures.Has(VirtioFeature.NotificationData) ? value & 0xFFFF : value, value);
                return BusResult.Ok;
            case VirtioMmioRegister.InterruptAck:
                _interrupt.Clear(unchecked((int)value));
                _interrupt.Drive();
                return BusResult.Ok;
            case VirtioMmioRegister.Status:
                return ChangeLife(LifeRegister.Status, value);
            case VirtioMmioRegister.QueueReady:
                return ChangeLife(LifeRegister.QueueEnable, value);
            case VirtioMmioRegister.QueueReset:
                return ChangeLife(LifeRegister.QueueReset, value);
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
                allowed = TrySetDriverWord(value);
                return true;
            default:
                return false;
        }
    }

    private bool TryWriteQueue(VirtioMmioRegister register, uint value, out bool allowed)
    {
        allowed = TryEditable(out var index);
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
}
