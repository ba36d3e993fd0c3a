using System.Buffers.Binary;
using Eider.Devices.Pci;
using Eider.Devices.Virtio;
using Eider.Devices.Virtio.Transport;
using Eider.Hardware.Bus;
using Eider.Hardware.Interrupts;
using Eider.Hardware.Time;
using Eider.Testing.Fuzzing;
using Eider.Testing.Fuzzing.Virtio;

namespace Eider.Fuzz.Tests.Targets;

/// <summary>
/// A virtio-pci device on a bus, its guest's memory and a driver, on one thread. Where the device may write is what its own registers say
/// when a queue is enabled, whoever wrote them.
/// </summary>
internal sealed class VirtioPciFuzzBench : IMsiSink, IInterruptLine, IDisposable
{
    /// <summary>Where the registers are.</summary>
    public const uint Registers = 0x4000_0000;

    /// <summary>Where shared memory is.</summary>
    public const uint Shared = 0x5000_0000;

    /// <summary>Size of the common configuration.</summary>
    public const uint CommonBytes = 0x40;

    /// <summary>Size of the region of the registers.</summary>
    public const uint RegisterBytes = 0x1_0000;

    private const uint NotifyOffset = 0x3000;
    private const uint NotifyMultiplier = 4;
    private const uint MsixTableOffset = 0x4000;
    private const int MaxWorkerRuns = 2000;
    private const int ReadsPerDoorbell = 64 * 64 * 2;
    private const uint CommandBits = (uint)(PciCommand.MemorySpace | PciCommand.BusMaster);

    private readonly IoManager _io = new();
    private readonly PciBus _bus;
    private readonly ManualExecutor _workers = new();
    private readonly bool[] _isEnabled = new bool[3];
    private readonly int _access;
    private readonly int _messageControl;

    public VirtioPciFuzzBench()
    {
        var services = new VirtioServices
        {
            Memory = Guest.Memory,
            Executor = _workers,
            Timebase = new VirtualTimebase(),
            Random = new SeededRandomSource(1),
        };
        var group = new InterruptManager(_ => null, this).CreateGroup(InterruptSourceType.PciMsix, 0, VirtioPciDevice.MessagesFor(Device));
        Transport = new VirtioPciDevice(
            Device, services, group, "fuzz", new VirtioTransportOptions { Offered = VirtioFeatures.Supported & ~VirtioFeature.AccessPlatform.Mask() });
        _bus = new PciBus(_io, new PciWindows(0x4000_0000, 0x7FFF_FFFF, 0, 0xFFFF), [this, this, this, this]);
        _bus.Attach(Transport.Function, new PciAddress(0));
        Rings = [new FuzzRing(Guest, 0), new FuzzRing(Guest, 1)];
        for (var at = (int)Config(0x34, 1); at != 0; at = (int)Config(at + 1, 1))
        {
            _messageControl = Config(at, 1) == (uint)PciCapabilityId.MsiX ? at + 2 : _messageControl;
            _access = Config(at, 1) == (uint)PciCapabilityId.VendorSpecific && Config(at + 3, 1) == (uint)VirtioPciCapability.PciConfigurationAccess ? at : _access;
        }
    }

    public FuzzGuest Guest { get; } = new();

    public FuzzEchoDevice Device { get; } = new();

    public VirtioPciDevice Transport { get; }

    public IReadOnlyList<FuzzRing> Rings { get; }

    /// <summary>Messages sent in this case.</summary>
    public int Messages { get; private set; }

    public bool IsWireHigh { get; private set; }

    public DeviceStatus Status => (DeviceStatus)Read(VirtioPciCommonRegister.DeviceStatus, 1);

    /// <summary>Starts a case: memory is zero, the device is reset and reachable.</summary>
    public void Begin()
    {
        Guest.Clear();
        Device.Answered = 0;
        Messages = 0;
        Place();
        ResetDevice();
    }

    /// <summary>Puts the registers where the driver looks for them, and makes the function a bus master.</summary>
    public void Place()
    {
        Configure(0x10, Registers, 4);
        Configure(0x18, Shared, 4);
        Configure(0x04, CommandBits, 2);
        Run();
    }

    public void SetBusMaster(bool isOn)
    {
        Configure(0x04, isOn ? CommandBits : (uint)PciCommand.MemorySpace, 2);
        Run();
    }

    public void ControlMessages(uint control) => Configure(_messageControl, control, 2);

    public void MaskVector(uint vector, bool isMasked)
    {
        Span<byte> data = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(data, isMasked ? 1U : 0);
        Access(Registers + VirtioPciFuzzBench.MsixTableOffset + (16 * vector) + 12, data, isWrite: true);
    }

    /// <summary>Resets through Status, and forgets the rings.</summary>
    public void ResetDevice()
    {
        Write(VirtioPciCommonRegister.DeviceStatus, 0, 1);
        Guest.Memory.AllowNothing();
        _isEnabled.AsSpan().Clear();
        foreach (var ring in Rings)
        {
            ring.SetUp(0, packed: false);
        }
    }

    public void ResetQueue(int queue)
    {
        Write(VirtioPciCommonRegister.QueueSelect, (uint)queue, 2);
        Write(VirtioPciCommonRegister.QueueReset, 1, 2);
        Rings[queue].SetUp(0, packed: false);
    }

    /// <summary>Negotiates and sets both queues up (3.1.1, 4.1.5.1.3).</summary>
    /// <returns>True if the device granted the features.</returns>
    public bool Start(ulong features, int size, uint vector)
    {
        Write(VirtioPciCommonRegister.DeviceStatus, 3, 1);
        for (var word = 0U; word < 2; word++)
        {
            Write(VirtioPciCommonRegister.DriverFeatureSelect, word, 4);
            Write(VirtioPciCommonRegister.DriverFeature, (uint)((features >> (int)(32 * word)) & uint.MaxValue), 4);
        }

        Write(VirtioPciCommonRegister.DeviceStatus, 11, 1);
        if (!Status.HasFlag(DeviceStatus.FeaturesOk))
        {
            return false;
        }

        Guest.Memory.IsPacked = features.Has(VirtioFeature.RingPacked);
        for (var queue = 0; queue < Rings.Count; queue++)
        {
            SetUpQueue(queue, size, vector);
        }

        for (var each = 0U; each < 3; each++)
        {
            MaskVector(each, isMasked: false);
        }

        Write(VirtioPciCommonRegister.DeviceStatus, 15, 1);
        return true;
    }

    /// <summary>Calls a queue as the features want it, and runs the workers.</summary>
    public void Notify(int queue)
    {
        var features = Transport.NegotiatedFeatures;
        Span<byte> data = stackalloc byte[4];
        data.Clear();
        BinaryPrimitives.WriteUInt16LittleEndian(
            data, (ushort)(features.Has(VirtioFeature.NotifConfigData) ? NotifyName(queue) : (uint)queue));
        var address = Registers + VirtioPciFuzzBench.NotifyOffset + (VirtioPciFuzzBench.NotifyMultiplier * (uint)queue);
        Finish(_io.MmioWrite(address, data[..(features.Has(VirtioFeature.NotificationData) ? 4 : 2)]));
    }

    /// <summary>An access of any shape to either region.</summary>
    public void Access(ulong address, Span<byte> data, bool isWrite)
    {
        var result = isWrite ? _io.MmioWrite(address, data) : _io.MmioRead(address, data);
        Follow();
        Finish(result);
    }

    /// <summary>An access by way of configuration space.</summary>
    public void AccessThroughConfiguration(byte bar, uint offset, uint length, uint value, int width, bool isWrite)
    {
        Configure(_access + 4, bar, 1);
        Configure(_access + 8, offset, 4);
        Configure(_access + 12, length, 4);
        Span<byte> data = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(data, value);
        var result = isWrite ? _bus.WriteConfig(0, 0, _access + 16, data[..width]) : _bus.ReadConfig(0, 0, _access + 16, data[..width]);
        Follow();
        Finish(result);
    }

    /// <summary>Holds the promises that every case must keep so far.</summary>
    public void Check()
    {
        if (Guest.Memory.Violation is { } violation)
        {
            throw new FuzzException(violation, Transport.LastFault!);
        }

        if (Transport.Faults != 0)
        {
            throw new FuzzException($"the device threw {Transport.LastFault}");
        }
    }

    /// <summary>Ends a case: a reset ends everything, and nothing of the old life is left.</summary>
    public void End()
    {
        Check();
        ControlMessages(0);
        ResetDevice();
        Run();
        Check();
        FuzzException.Unless(!IsWireHigh, "the interrupt is high after a reset");
        FuzzException.Unless(Guest.Memory.Leases == 0, $"{Guest.Memory.Leases} leases never came back");
        FuzzException.Unless(Status == 0, "a reset leaves status bits");
    }

    /// <inheritdoc/>
    void IMsiSink.Send(uint vector, in MsiMessage message) => Messages++;

    /// <inheritdoc/>
    void IInterruptLine.SetLevel(bool level) => IsWireHigh = level;

    /// <inheritdoc/>
    public void Dispose()
    {
        DeviceEnd.Close(Transport, () => _workers.RunPending());

        Guest.Dispose();
    }

    private void SetUpQueue(int queue, int size, uint vector)
    {
        var ring = Rings[queue];
        ring.SetUp(size, Guest.Memory.IsPacked);
        Guest.At(ring.DescriptorAddress, FuzzRing.AreaBytes).Clear();
        Write(VirtioPciCommonRegister.QueueSelect, (uint)queue, 2);
        Write(VirtioPciCommonRegister.QueueSize, (uint)size, 2);
        Write(VirtioPciCommonRegister.QueueMsixVector, vector, 2);
        WriteAddress(VirtioPciCommonRegister.QueueDesc, ring.DescriptorAddress);
        WriteAddress(VirtioPciCommonRegister.QueueDriver, ring.DriverAddress);
        WriteAddress(VirtioPciCommonRegister.QueueDevice, ring.DeviceAddress);
        var result = Store(VirtioPciCommonRegister.QueueEnable, 1, 2);
        Follow();
        Finish(result);
    }

    private void WriteAddress(VirtioPciCommonRegister low, ulong address)
    {
        Write(low, (uint)(address & uint.MaxValue), 4);
        Write(low + 4, (uint)(address >> 32), 4);
    }

    private uint NotifyName(int queue)
    {
        Write(VirtioPciCommonRegister.QueueSelect, (uint)queue, 2);
        return Read(VirtioPciCommonRegister.QueueNotifConfigData, 2);
    }

    private uint Read(VirtioPciCommonRegister register, int width)
    {
        Span<byte> data = stackalloc byte[4];
        data.Clear();
        _ = _io.MmioRead(Registers + (ulong)register, data[..width]);
        return BinaryPrimitives.ReadUInt32LittleEndian(data);
    }

    private void Write(VirtioPciCommonRegister register, uint value, int width) => Finish(Store(register, value, width));

    private BusResult Store(VirtioPciCommonRegister register, uint value, int width)
    {
        Span<byte> data = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(data, value);
        return _io.MmioWrite(Registers + (ulong)register, data[..width]);
    }

    // After an access that may have enabled a queue or ended the device's life, and before the workers run: where the device may write
    // from now on is what the registers say.
    private void Follow()
    {
        if (Status == 0)
        {
            Guest.Memory.AllowNothing();
            _isEnabled.AsSpan().Clear();
            return;
        }

        Guest.Memory.IsPacked = Transport.NegotiatedFeatures.Has(VirtioFeature.RingPacked);
        var selected = Read(VirtioPciCommonRegister.QueueSelect, 2);
        for (var queue = 0; queue < _isEnabled.Length; queue++)
        {
            _ = Store(VirtioPciCommonRegister.QueueSelect, (uint)queue, 2);
            var isEnabled = Read(VirtioPciCommonRegister.QueueEnable, 2) == 1;
            if (isEnabled && !_isEnabled[queue])
            {
                var size = Read(VirtioPciCommonRegister.QueueSize, 2);
                Guest.Memory.Allow(ReadAddress(VirtioPciCommonRegister.QueueDevice), Guest.Memory.IsPacked ? 4 : 6 + (8UL * size));
                Guest.Memory.Allow(ReadAddress(VirtioPciCommonRegister.QueueDesc), Guest.Memory.IsPacked ? 16UL * size : 0);
            }

            _isEnabled[queue] = isEnabled;
        }

        _ = Store(VirtioPciCommonRegister.QueueSelect, selected, 2);
    }

    private ulong ReadAddress(VirtioPciCommonRegister low) => Read(low, 4) | ((ulong)Read(low + 4, 4) << 32);

    private void Finish(BusResult result)
    {
        Run();
        FuzzException.Unless(result.Pending is not { IsCompleted: false }, "an access never completes");
    }

    private void Run()
    {
        Guest.Memory.Reads = 0;
        Guest.Memory.MaxReads = ReadsPerDoorbell;
        FuzzException.Unless(_workers.RunPending(MaxWorkerRuns) < MaxWorkerRuns, "the workers never come to rest");
        Guest.Memory.MaxReads = int.MaxValue;
    }

    private uint Config(int offset, int width)
    {
        Span<byte> data = stackalloc byte[4];
        data.Clear();
        _bus.ReadConfig(0, 0, offset, data[..width]);
        return BinaryPrimitives.ReadUInt32LittleEndian(data);
    }

    private void Configure(int offset, uint value, int width)
    {
        Span<byte> data = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(data, value);
        Finish(_bus.WriteConfig(0, 0, offset, data[..width]));
    }
}
