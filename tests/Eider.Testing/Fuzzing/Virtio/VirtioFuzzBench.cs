using System.Buffers.Binary;
using Eider.Devices.Virtio;
using Eider.Devices.Virtio.Transport;
using Eider.Hardware.Bus;
using Eider.Hardware.Time;
using Eider.Testing.Hardware;

namespace Eider.Testing.Fuzzing.Virtio;

/// <summary>
/// A virtio-mmio device, its guest's memory and the driver's registers, on one thread. Registers may be written in any
/// order: the bench follows what was set up, so that it knows where the device may write.
/// </summary>
public sealed class VirtioFuzzBench : IDisposable
{
    private const int MaxWorkerRuns = 2000;

    private readonly Shadow[] _queues = new Shadow[FuzzGuest.MaxRings];
    private readonly int _readsPerDoorbell;
    private ulong _driverFeatures;
    private uint _driverFeaturesSel;
    private uint _queueSel;

    /// <summary>Puts a device on the bench.</summary>
    /// <param name="device">The device.</param>
    /// <param name="random">The machine's randomness; fixed unless given.</param>
    /// <param name="options">Options of the transport; all features that need no translation unless given.</param>
    public VirtioFuzzBench(VirtioDevice device, IRandomSource? random = null, VirtioTransportOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(device);
        var services = new VirtioServices
        {
            Memory = Guest.Memory,
            Executor = Workers,
            Timebase = Timebase,
            Random = random ?? new SeededRandomSource(1),
        };
        Mmio = new VirtioMmioDevice(
            device, services, Line, "fuzz",
            options ?? new VirtioTransportOptions { Offered = VirtioFeatures.Supported & ~VirtioFeature.AccessPlatform.Mask() });
        QueueCount = Math.Min(device.QueueSizes.Count, FuzzGuest.MaxRings);
        Rings = [.. Enumerable.Range(0, QueueCount).Select(index => new FuzzRing(Guest, index))];
        _readsPerDoorbell = 64 * FuzzRing.MaxSize * QueueCount;
    }

    /// <summary>The guest's memory.</summary>
    public FuzzGuest Guest { get; } = new();

    /// <summary>The workers.</summary>
    public ManualExecutor Workers { get; } = new();

    /// <summary>The clock.</summary>
    public VirtualTimebase Timebase { get; } = new();

    /// <summary>The wire.</summary>
    public FakeInterruptLine Line { get; } = new();

    /// <summary>The device.</summary>
    public VirtioMmioDevice Mmio { get; }

    /// <summary>Queues of the device.</summary>
    public int QueueCount { get; }

    /// <summary>A ring for each queue, set up or not.</summary>
    public IReadOnlyList<FuzzRing> Rings { get; }

    /// <summary>
    /// Completes what the back end holds, so that a reset can end; false if it holds nothing. Set by targets that hold
    /// something.
    /// </summary>
    public Func<bool> LetGo { get; set; } = () => false;

    /// <summary>The Status register.</summary>
    public DeviceStatus Status => (DeviceStatus)Read((uint)VirtioMmioRegister.Status);

    /// <summary>Starts a case: memory is zero, the device is reset.</summary>
    public void Begin()
    {
        Guest.Clear();
        foreach (var ring in Rings)
        {
            ring.SetUp(0, packed: false);
        }

        ForgetRegisters();
    }

    /// <summary>Reads a register as the guest would; 0 if the device does not answer.</summary>
    public uint Read(uint offset)
    {
        Span<byte> data = stackalloc byte[4];
        return Mmio.Read(0, offset, data).Status == BusStatus.Ok ? BinaryPrimitives.ReadUInt32LittleEndian(data) : 0;
    }

    /// <summary>Writes a register; what is pending runs the workers, and what the back end holds is let go.</summary>
    public void Write(VirtioMmioRegister register, uint value)
    {
        Span<byte> data = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(data, value);
        Follow(register, value);
        var result = Mmio.Write(0, (ulong)register, data);
        if (result.Pending is { } pending)
        {
            Run();
            for (var i = 0; i < 100 && !pending.IsCompleted; i++)
            {
                LetGo();
                Run();
            }

            FuzzException.Unless(pending.IsCompleted, $"{register} = {value} never completes");
        }

        if (register == VirtioMmioRegister.Status && value == 0)
        {
            EndLife();
        }
    }

    /// <summary>An access of any shape.</summary>
    public void Access(ulong offset, Span<byte> data, bool isWrite)
    {
        if (isWrite && data.Length == 4 && (offset & 3) == 0 && offset < (ulong)VirtioMmioRegister.Config)
        {
            Write((VirtioMmioRegister)offset, BinaryPrimitives.ReadUInt32LittleEndian(data));
        }
        else if (isWrite)
        {
            Mmio.Write(0, offset, data);
        }
        else
        {
            Mmio.Read(0, offset, data);
        }
    }

    /// <summary>Runs the workers until none is left, within what a doorbell may cost.</summary>
    public void Run()
    {
        Guest.Memory.Reads = 0;
        Guest.Memory.MaxReads = _readsPerDoorbell;
        FuzzException.Unless(Workers.RunPending(MaxWorkerRuns) < MaxWorkerRuns, "the workers never come to rest");
        Guest.Memory.MaxReads = int.MaxValue;
    }

    /// <summary>Lets go what the back end holds, and what follows from it, until all is at rest.</summary>
    public void Settle()
    {
        Run();
        for (var rounds = 0; LetGo(); rounds++)
        {
            FuzzException.Unless(rounds < MaxWorkerRuns, "the back end never comes to rest");
            Run(); // the next stage of a request may be held in its turn
        }
    }

    /// <summary>Negotiates (3.1.1, steps 1 to 6).</summary>
    /// <returns>True if the device granted FEATURES_OK.</returns>
    public bool Negotiate(ulong features)
    {
        Write(VirtioMmioRegister.Status, 3);
        Write(VirtioMmioRegister.DriverFeaturesSel, 1);
        Write(VirtioMmioRegister.DriverFeatures, (uint)(features >> 32));
        Write(VirtioMmioRegister.DriverFeaturesSel, 0);
        Write(VirtioMmioRegister.DriverFeatures, (uint)(features & uint.MaxValue));
        Write(VirtioMmioRegister.Status, 11);
        return Status.HasFlag(DeviceStatus.FeaturesOk);
    }

    /// <summary>Sets one queue up (4.2.3.2).</summary>
    public void SetUpQueue(int index, int size, bool packed)
    {
        var ring = Rings[index];
        ring.SetUp(size, packed);
        Guest.At(ring.DescriptorAddress, FuzzRing.AreaBytes).Clear();
        Write(VirtioMmioRegister.QueueSel, (uint)index);
        Write(VirtioMmioRegister.QueueSize, (uint)size);
        WriteAddress(VirtioMmioRegister.QueueDescLow, ring.DescriptorAddress);
        WriteAddress(VirtioMmioRegister.QueueDriverLow, ring.DriverAddress);
        WriteAddress(VirtioMmioRegister.QueueDeviceLow, ring.DeviceAddress);
        Write(VirtioMmioRegister.QueueReady, 1);
    }

    /// <summary>Negotiates and sets all queues up.</summary>
    /// <returns>True if the device is up.</returns>
    public bool Start(ulong features, int queueSize)
    {
        if (!Negotiate(features))
        {
            return false;
        }

        for (var i = 0; i < QueueCount; i++)
        {
            SetUpQueue(i, queueSize, features.Has(VirtioFeature.RingPacked));
        }

        Write(VirtioMmioRegister.Status, 15);
        return true;
    }

    /// <summary>Rings a doorbell and runs the workers.</summary>
    public void Notify(int queue)
    {
        Write(VirtioMmioRegister.QueueNotify, (uint)queue);
        Run();
    }

    /// <summary>Holds the promises that every case must keep so far.</summary>
    public void Check()
    {
        if (Guest.Memory.Violation is { } violation)
        {
            throw new FuzzException(violation, Mmio.LastFault!);
        }

        if (Mmio.Faults != 0)
        {
            throw new FuzzException($"the device threw {Mmio.LastFault}");
        }
    }

    /// <summary>Ends a case: what is out comes back, a reset ends everything, and nothing of the old life is left.</summary>
    public void End()
    {
        Settle();
        Check();
        Write(VirtioMmioRegister.Status, 0);
        Settle(); // what is left of the old life would write or signal now
        Check();
        FuzzException.Unless(!Line.Level, "the interrupt is high after a reset");
        FuzzException.Unless(Guest.Memory.Leases == 0, $"{Guest.Memory.Leases} leases never came back");
        FuzzException.Unless(Status == 0 && Read((uint)VirtioMmioRegister.InterruptStatus) == 0, "a reset leaves status bits");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        var closing = Mmio.DisposeAsync().AsTask();
        for (var i = 0; i < 1000 && !closing.IsCompleted; i++)
        {
            LetGo();
            Workers.RunPending();
            Thread.Yield();
        }

        Guest.Dispose();
    }

    private void WriteAddress(VirtioMmioRegister low, ulong address)
    {
        Write(low, (uint)(address & uint.MaxValue));
        Write(low + 4, (uint)(address >> 32));
    }

    private void EndLife()
    {
        Guest.Memory.AllowNothing();
        ForgetRegisters();
    }

    private void ForgetRegisters()
    {
        _queues.AsSpan().Clear();
        (_driverFeatures, _driverFeaturesSel, _queueSel) = (0, 0, 0);
    }

    /// <summary>Keeps up with the registers that say where the device may write.</summary>
    private void Follow(VirtioMmioRegister register, uint value)
    {
        var none = default(Shadow);
        ref var queue = ref _queueSel < (uint)_queues.Length ? ref _queues[_queueSel] : ref none;
        switch (register)
        {
            case VirtioMmioRegister.QueueSel:
                _queueSel = value;
                break;
            case VirtioMmioRegister.DriverFeaturesSel:
                _driverFeaturesSel = value;
                break;
            case VirtioMmioRegister.DriverFeatures when _driverFeaturesSel < 2 && !Status.HasFlag(DeviceStatus.FeaturesOk):
                SetHalf(ref _driverFeatures, value, _driverFeaturesSel == 1);
                Guest.Memory.IsPacked = _driverFeatures.Has(VirtioFeature.RingPacked);
                break;
            case VirtioMmioRegister.QueueSize:
                queue.Size = value;
                break;
            case VirtioMmioRegister.QueueDescLow:
            case VirtioMmioRegister.QueueDescHigh:
                SetHalf(ref queue.Descriptors, value, register == VirtioMmioRegister.QueueDescHigh);
                break;
            case VirtioMmioRegister.QueueDeviceLow:
            case VirtioMmioRegister.QueueDeviceHigh:
                SetHalf(ref queue.Device, value, register == VirtioMmioRegister.QueueDeviceHigh);
                break;
            case VirtioMmioRegister.QueueReady when value == 1:
                var packed = Guest.Memory.IsPacked;
                Guest.Memory.Allow(queue.Device, packed ? 4 : 6 + (8UL * queue.Size));
                Guest.Memory.Allow(queue.Descriptors, packed ? 16UL * queue.Size : 0);
                break;
        }
    }

    private static void SetHalf(ref ulong value, uint half, bool high) =>
        value = high ? (value & uint.MaxValue) | ((ulong)half << 32) : (value & ~(ulong)uint.MaxValue) | half;

    private struct Shadow
    {
        public uint Size;
        public ulong Descriptors;
        public ulong Device;
    }
}
