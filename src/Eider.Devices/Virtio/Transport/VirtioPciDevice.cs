using System.Buffers.Binary;
using System.Numerics;
using Eider.Devices.Pci;
using Eider.Hardware.Bus;
using Eider.Hardware.Interrupts;
using Eider.Hardware.Memory;

namespace Eider.Devices.Virtio.Transport;

/// <summary>
/// A virtio device on a PCI bus (virtio 1.3, section 4.1), non-transitional. See docs/devices/virtio-pci.md for what each access
/// does.
/// </summary>
public sealed class VirtioPciDevice : VirtioTransport
{
    /// <summary>VIRTIO_MSI_NO_VECTOR: an event is mapped to no vector.</summary>
    public const ushort NoVector = 0xFFFF;

    // What a queue is called in notifications with NOTIF_CONFIG_DATA: not its index, so that no driver gets away with that.
    private const uint NotifyName = 0x8000;

    private readonly VirtioPciFunction _function;
    private readonly InterruptLatch _interrupt;
    private readonly GuestMemory _memory;
    private readonly int[] _queueVectors;
    private readonly uint _vectors;
    private int _configVector = NoVector;

    // Under _gate.
    private byte _generation;
    private uint _generationSeen;
    private bool _configNews;

    /// <summary>Makes the function; the caller attaches it to a bus.</summary>
    /// <param name="device">The device; it belongs to this transport from now on.</param>
    /// <param name="services">What the machine gives to its devices.</param>
    /// <param name="messages">Its MSI-X messages, see <see cref="MessagesFor"/>; null for none: then it uses its pin only.</param>
    /// <param name="name">Name in traces and statistics.</param>
    /// <param name="options">What can be switched.</param>
    /// <exception cref="ArgumentException">The options contradict the device, or the device is none that PCI has a number for.</exception>
    public VirtioPciDevice(
        VirtioDevice device, VirtioServices services, InterruptGroup? messages, string name, VirtioTransportOptions? options = null)
        : base(device, services, name, options ?? new VirtioTransportOptions(), VirtioFeatures.SupportedOverPci)
    {
        if (DeviceId.Value is 0 or > 0xFFFF - 0x1040)
        {
            throw new ArgumentException($"virtio {DeviceId}: no PCI device number", nameof(device));
        }

        _memory = services.Memory;
        _queueVectors = new int[_maxSizes.Length];
        _vectors = messages?.Count ?? 0;
        SharedRegions = Place(_sharedMemory);
        var sharedBytes = SharedRegions.Count == 0 ? 0 : SharedRegions[^1].Offset + SharedRegions[^1].LengthBytes;
        _function = new VirtioPciFunction(this, sharedBytes, _configSizeBytes, messages);
        _interrupt = new InterruptLatch(_function.Pin);
        AttachDevice();
    }

    /// <summary>What stands on the bus.</summary>
    public PciFunction Function => _function;

    /// <summary>How many MSI-X messages a device asks for: one for each queue and one for configuration changes.</summary>
    public static uint MessagesFor(VirtioDevice device)
    {
        ArgumentNullException.ThrowIfNull(device);
        return VirtioPciLayout.VectorsFor(device.QueueSizes.Count);
    }

    /// <inheritdoc/>
    internal override bool MayReachMemory => _function.MayReachMemory;

    /// <summary>Number of queues.</summary>
    internal int QueueCount => _maxSizes.Length;

    /// <summary>The shared memory regions: id, offset in their region of the function, length.</summary>
    internal IReadOnlyList<(byte Id, ulong Offset, ulong LengthBytes)> SharedRegions { get; }

    /// <summary>The driver lets the device reach memory, perhaps since now: the queues look again.</summary>
    internal void BusMasterMayHaveCome()
    {
        for (var i = 0; i < _runners.Length; i++)
        {
            Wake(i);
        }
    }

    /// <summary>The bus's reset signal: as a reset by the driver, pending until nothing is in flight.</summary>
    internal BusResult ResetByBus() => ChangeLife(LifeRegister.Status, 0);

    /// <summary>An access to a region of the function.</summary>
    internal BusResult ReadRegion(int region, ulong offset, Span<byte> data)
    {
        if (IsClosed)
        {
            return BusStatus.NoDevice;
        }

        if (region == VirtioPciLayout.SharedMemoryBar)
        {
            return FindShared(offset, data.Length) is { } address && _memory.TryRead(address, data) ? BusResult.Ok : BusStatus.InvalidRegister;
        }

        switch (offset)
        {
            case < VirtioPciLayout.CommonBytes:
                return ReadCommon((int)offset, data);
            case VirtioPciLayout.IsrOffset when data.Length == 1:
                data[0] = (byte)_interrupt.Take();
                _interrupt.Drive();
                return BusResult.Ok;
            case >= VirtioPciLayout.ConfigOffset and < VirtioPciLayout.NotifyOffset:
                // In this order: a change that falls into the read is one that the driver saw.
                var read = ReadConfig(offset - VirtioPciLayout.ConfigOffset, data);
                SeeGeneration();
                return read;
            case >= VirtioPciLayout.NotifyOffset and < VirtioPciLayout.MsixTableOffset:
                data.Clear(); // nothing is to be read there
                return BusResult.Ok;
            default:
                return Refuse(BusStatus.InvalidRegister);
        }
    }

    /// <summary>An access to a region of the function.</summary>
    internal BusResult WriteRegion(int region, ulong offset, ReadOnlySpan<byte> data)
    {
        if (IsClosed)
        {
            return BusStatus.NoDevice;
        }

        if (region == VirtioPciLayout.SharedMemoryBar)
        {
            return FindShared(offset, data.Length) is { } address && _memory.TryWrite(address, data) ? BusResult.Ok : BusStatus.InvalidRegister;
        }

        return offset switch
        {
            < VirtioPciLayout.CommonBytes => WriteCommon((int)offset, data),
            >= VirtioPciLayout.ConfigOffset and < VirtioPciLayout.NotifyOffset => WriteConfig(offset - VirtioPciLayout.ConfigOffset, data),
            >= VirtioPciLayout.NotifyOffset and < VirtioPciLayout.MsixTableOffset => WriteNotify(offset - VirtioPciLayout.NotifyOffset, data),
            _ => Refuse(BusStatus.InvalidRegister),
        };
    }

    /// <inheritdoc/>
    private protected override void SignalUsed(int queue)
    {
        if (_function.UsesMessages)
        {
            Send(Volatile.Read(ref _queueVectors[queue]));
            return;
        }

        _interrupt.Set(InterruptLatch.UsedBuffer);
        _interrupt.Drive();
    }

    /// <inheritdoc/>
    private protected override void NoteConfigurationChange()
    {
        _interrupt.Set(InterruptLatch.ConfigurationChange);
        _configNews = true;
    }

    /// <inheritdoc/>
    private protected override void DriveInterrupts()
    {
        bool news;
        lock (_gate)
        {
            news = _configNews;
            _configNews = false;
        }

        if (news && _function.UsesMessages)
        {
            Send(Volatile.Read(ref _configVector));
        }

        _interrupt.Drive();
    }

    /// <inheritdoc/>
    private protected override void ResetInterrupts()
    {
        _configNews = false;
        _interrupt.Clear(-1);
        Volatile.Write(ref _configVector, NoVector);
    }

    /// <inheritdoc/>
    private protected override void QueueWasReset(int index) => Volatile.Write(ref _queueVectors[index], NoVector);

    // Each at a multiple of its own size, rounded up, so that a driver can map it by itself.
    private static List<(byte Id, ulong Offset, ulong LengthBytes)> Place(VirtioSharedMemory[] regions)
    {
        var placed = new List<(byte, ulong, ulong)>();
        var next = 0UL;
        foreach (var region in regions)
        {
            var align = BitOperations.RoundUpToPowerOf2(Math.Max(region.LengthBytes, 0x1000));
            var offset = (next + (align - 1)) & ~(align - 1);
            placed.Add((region.Id, offset, region.LengthBytes));
            next = offset + region.LengthBytes;
        }

        return placed;
    }

    private static bool IsField(VirtioPciCommonRegister register, int width) => width == register switch
    {
        VirtioPciCommonRegister.DeviceStatus or VirtioPciCommonRegister.ConfigGeneration => 1,
        <= VirtioPciCommonRegister.DriverFeature => 4,
        >= VirtioPciCommonRegister.QueueDesc and <= VirtioPciCommonRegister.QueueDeviceHigh => 4,
        _ => 2,
    };

    private BusResult Refuse(BusStatus status)
    {
        CountDriverError();
        return status;
    }

    private void Send(int vector)
    {
        if (vector != NoVector)
        {
            _function.Send((uint)vector);
        }
    }

    private ulong? FindShared(ulong offset, int length)
    {
        for (var i = 0; i < SharedRegions.Count; i++)
        {
            var (_, start, bytes) = SharedRegions[i];
            if (offset >= start && offset - start < bytes && (uint)length <= bytes - (offset - start))
            {
                return _sharedMemory[i].BaseAddress + (offset - start);
            }
        }

        CountDriverError();
        return null;
    }

    // Section 4.1.4.3.1: eight bits wrap, so the counter moves when a driver reads what changed since it last read.
    private void SeeGeneration()
    {
        lock (_gate)
        {
            if (_configChanging != 0 || _configGeneration != _generationSeen)
            {
                _generation = unchecked((byte)(_generation + 1));
                _generationSeen = _configGeneration;
            }
        }
    }

    private BusResult ReadCommon(int offset, Span<byte> data)
    {
        if (data.Length == 8 && (VirtioPciCommonRegister)offset is >= VirtioPciCommonRegister.QueueDesc and <= VirtioPciCommonRegister.QueueDevice
            && offset % 8 == 0)
        {
            _ = ReadCommon(offset, data[..4]);
            return ReadCommon(offset + 4, data[4..]);
        }

        var register = (VirtioPciCommonRegister)offset;
        if (!Enum.IsDefined(register))
        {
            return Refuse(BusStatus.Unaligned);
        }

        if (!IsField(register, data.Length))
        {
            return Refuse(BusStatus.InvalidSize);
        }

        Span<byte> value = stackalloc byte[4];
        lock (_gate)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(value, ReadField(register));
        }

        value[..data.Length].CopyTo(data);
        return BusResult.Ok;
    }

    // Under the lock.
    private uint ReadField(VirtioPciCommonRegister register)
    {
        switch (register)
        {
            case VirtioPciCommonRegister.DeviceFeatureSelect:
                return _state.DeviceFeaturesSel;
            case VirtioPciCommonRegister.DeviceFeature:
                return OfferedWord();
            case VirtioPciCommonRegister.DriverFeatureSelect:
                return _state.DriverFeaturesSel;
            case VirtioPciCommonRegister.DriverFeature:
                return _state.DriverFeaturesSel < 2 ? Half(_state.DriverFeatures & OfferedFeatures, _state.DriverFeaturesSel == 1) : 0;
            case VirtioPciCommonRegister.ConfigMsixVector:
                return (uint)Volatile.Read(ref _configVector);
            case VirtioPciCommonRegister.NumQueues:
                return (uint)_maxSizes.Length;
            case VirtioPciCommonRegister.DeviceStatus:
                return (uint)_state.Status;
            case VirtioPciCommonRegister.ConfigGeneration:
                // A reader that falls into a change never sees the same value twice.
                return _configChanging == 0 ? _generation : _generation = unchecked((byte)(_generation + 1));
            case VirtioPciCommonRegister.QueueSelect:
                return _state.QueueSel;
            default:
                return TrySelected(out var index) ? ReadQueueField(register, index)
                    : register == VirtioPciCommonRegister.QueueMsixVector ? NoVector : 0U;
        }
    }

    // Under the lock.
    private uint ReadQueueField(VirtioPciCommonRegister register, int index)
    {
        ref readonly var queue = ref _queues[index];
        return register switch
        {
            VirtioPciCommonRegister.QueueSize => Math.Min(queue.Size, 0xFFFF),
            VirtioPciCommonRegister.QueueMsixVector => (uint)Volatile.Read(ref _queueVectors[index]),
            VirtioPciCommonRegister.QueueEnable => queue.Ready ? 1U : 0,
            VirtioPciCommonRegister.QueueNotifyOff => (uint)index,
            VirtioPciCommonRegister.QueueDesc => Half(queue.Descriptors, high: false),
            VirtioPciCommonRegister.QueueDescHigh => Half(queue.Descriptors, high: true),
            VirtioPciCommonRegister.QueueDriver => Half(queue.Driver, high: false),
            VirtioPciCommonRegister.QueueDriverHigh => Half(queue.Driver, high: true),
            VirtioPciCommonRegister.QueueDevice => Half(queue.Device, high: false),
            VirtioPciCommonRegister.QueueDeviceHigh => Half(queue.Device, high: true),
            VirtioPciCommonRegister.QueueNotifConfigData when NegotiatedFeatures.Has(VirtioFeature.NotifConfigData) => NotifyName | (uint)index,
            VirtioPciCommonRegister.QueueReset => queue.Resetting ? 1U : 0,
            _ => 0,
        };
    }

    private BusResult WriteCommon(int offset, ReadOnlySpan<byte> data)
    {
        if (data.Length == 8 && (VirtioPciCommonRegister)offset is >= VirtioPciCommonRegister.QueueDesc and <= VirtioPciCommonRegister.QueueDevice
            && offset % 8 == 0)
        {
            _ = WriteCommon(offset, data[..4]);
            return WriteCommon(offset + 4, data[4..]);
        }

        var register = (VirtioPciCommonRegister)offset;
        if (!Enum.IsDefined(register))
        {
            return Refuse(BusStatus.Unaligned);
        }

        if (!IsField(register, data.Length))
        {
            return Refuse(BusStatus.InvalidSize);
        }

        Span<byte> bytes = stackalloc byte[4];
        bytes.Clear();
        data.CopyTo(bytes);
        return WriteField(register, BinaryPrimitives.ReadUInt32LittleEndian(bytes));
    }

    private BusResult WriteField(VirtioPciCommonRegister register, uint value)
    {
        switch (register)
        {
            case VirtioPciCommonRegister.DeviceStatus:
                return ChangeLife(LifeRegister.Status, value);
            case VirtioPciCommonRegister.QueueEnable when value == 1:
                return ChangeLife(LifeRegister.QueueEnable, 1);
            case VirtioPciCommonRegister.QueueReset when value == 1:
                return ChangeLife(LifeRegister.QueueReset, 1);
        }

        bool allowed;
        lock (_gate)
        {
            allowed = TryWriteDeviceField(register, value) || TryWriteQueueField(register, value);
        }

        if (!allowed)
        {
            CountDriverError();
        }

        return BusResult.Ok; // a read-only field takes a write and keeps its value
    }

    // Under the lock.
    private bool TryWriteDeviceField(VirtioPciCommonRegister register, uint value)
    {
        switch (register)
        {
            case VirtioPciCommonRegister.DeviceFeatureSelect:
                _state.DeviceFeaturesSel = value;
                return true;
            case VirtioPciCommonRegister.DriverFeatureSelect:
                _state.DriverFeaturesSel = value;
                return true;
            case VirtioPciCommonRegister.DriverFeature:
                return TrySetDriverWord(value);
            case VirtioPciCommonRegister.ConfigMsixVector:
                Volatile.Write(ref _configVector, value < _vectors ? (int)value : NoVector);
                return value < _vectors || value == NoVector;
            case VirtioPciCommonRegister.QueueSelect:
                _state.QueueSel = value;
                return true;
            default:
                return false;
        }
    }

    // Under the lock.
    private bool TryWriteQueueField(VirtioPciCommonRegister register, uint value)
    {
        if (register == VirtioPciCommonRegister.QueueMsixVector && TrySelected(out var selected))
        {
            Volatile.Write(ref _queueVectors[selected], value < _vectors ? (int)value : NoVector);
            return value < _vectors || value == NoVector;
        }

        if (!TryEditable(out var index))
        {
            return false;
        }

        ref var queue = ref _queues[index];
        switch (register)
        {
            case VirtioPciCommonRegister.QueueSize:
                queue.Size = value;
                return true;
            case VirtioPciCommonRegister.QueueDesc or VirtioPciCommonRegister.QueueDescHigh:
                SetHalf(ref queue.Descriptors, value, register == VirtioPciCommonRegister.QueueDescHigh);
                return true;
            case VirtioPciCommonRegister.QueueDriver or VirtioPciCommonRegister.QueueDriverHigh:
                SetHalf(ref queue.Driver, value, register == VirtioPciCommonRegister.QueueDriverHigh);
                return true;
            case VirtioPciCommonRegister.QueueDevice or VirtioPciCommonRegister.QueueDeviceHigh:
                SetHalf(ref queue.Device, value, register == VirtioPciCommonRegister.QueueDeviceHigh);
                return true;
            default:
                return false;
        }
    }

    // Section 4.1.5.2. What is written names the queue; with NOTIFICATION_DATA its upper half is the ring position, a hint
    // that the ring itself makes needless.
    private BusResult WriteNotify(ulong offset, ReadOnlySpan<byte> data)
    {
        var features = NegotiatedFeatures;
        if (offset >= VirtioPciLayout.NotifyMultiplier * (ulong)_maxSizes.Length || offset % VirtioPciLayout.NotifyMultiplier != 0)
        {
            return Refuse(BusStatus.InvalidRegister);
        }

        if (data.Length != (features.Has(VirtioFeature.NotificationData) ? 4 : 2))
        {
            return Refuse(BusStatus.InvalidSize);
        }

        var name = (uint)BinaryPrimitives.ReadUInt16LittleEndian(data);
        var value = data.Length == 4 ? BinaryPrimitives.ReadUInt32LittleEndian(data) : name;
        Notify(features.Has(VirtioFeature.NotifConfigData) ? name ^ NotifyName : name, value);
        return BusResult.Ok;
    }
}
