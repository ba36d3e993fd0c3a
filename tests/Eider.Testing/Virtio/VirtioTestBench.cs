using System.Buffers.Binary;
using Eider.Devices.Virtio;
using Eider.Devices.Virtio.Queue;
using Eider.Devices.Virtio.Transport;
using Eider.Hardware.Bus;
using Eider.Hardware.Lifecycle;
using Eider.Hardware.Memory;
using Eider.Hardware.Time;
using Eider.Testing.Hardware;

namespace Eider.Testing.Virtio;

/// <summary>
/// A virtio-mmio device, RAM, and a driver that works on its registers and rings: everything on the caller's
/// thread, in a fixed order. An access that is pending runs the workers until it is done.
/// </summary>
public sealed class VirtioTestBench : IAsyncDisposable
{
    public const ulong RamBase = 0x8000_0000;
    public const ulong RamBytes = 16 << 20;
    private const ulong HeapStart = RamBase + 0x10_0000;

    private ulong _heap = HeapStart;

    /// <summary>Puts a device on the bench.</summary>
    /// <param name="device">The device.</param>
    /// <param name="options">Options of the transport.</param>
    /// <param name="wrap">Puts a memory of the test between the device and RAM.</param>
    /// <param name="executor">Where workers run; by hand unless given.</param>
    /// <param name="trace">Where virtio traces go.</param>
    public VirtioTestBench(
        VirtioDevice device, VirtioTransportOptions? options = null, Func<GuestRam, GuestMemory>? wrap = null,
        IExecutor? executor = null, ITraceSink? trace = null)
    {
        Ram = new GuestRam((RamBase, RamBytes));
        var memory = wrap?.Invoke(Ram) ?? Ram;
        Services = new VirtioServices
        {
            Memory = memory,
            Executor = executor ?? Workers,
            Timebase = Timebase,
            Random = new SeededRandomSource(1),
            Trace = trace,
            TraceCategories = trace is null ? TraceCategory.None : TraceCategory.Virtio | TraceCategory.Block,
        };
        Mmio = new VirtioMmioDevice(device, Services, Line, "test", options);
    }

    public GuestRam Ram { get; }

    public ManualExecutor Workers { get; } = new();

    public VirtualTimebase Timebase { get; } = new();

    public FakeInterruptLine Line { get; } = new();

    public VirtioServices Services { get; }

    public VirtioMmioDevice Mmio { get; }

    /// <summary>The rings of the queues that are set up, by index.</summary>
    public Dictionary<int, RingDriver> Rings { get; } = [];

    public DeviceStatus Status => (DeviceStatus)Read(VirtioMmioRegister.Status);

    /// <summary>Runs the workers until none is left.</summary>
    public void Run() => Workers.RunPending(100_000);

    /// <summary>Takes a piece of guest memory for good.</summary>
    public ulong Allocate(ulong lengthBytes, ulong alignment = 4096)
    {
        var address = (_heap + alignment - 1) & ~(alignment - 1);
        _heap = address + lengthBytes;
        Xunit.Assert.True(_heap <= RamBase + RamBytes, "the test's guest memory is full");
        return address;
    }

    /// <summary>Gives all guest memory back that was taken.</summary>
    public void FreeAll() => _heap = HeapStart;

    public uint Read(VirtioMmioRegister register)
    {
        Span<byte> data = stackalloc byte[4];
        Xunit.Assert.Equal(BusStatus.Ok, Mmio.Read(0, (ulong)register, data).Status);
        return BinaryPrimitives.ReadUInt32LittleEndian(data);
    }

    /// <summary>Writes a register; a pending access runs the workers.</summary>
    public void Write(VirtioMmioRegister register, uint value)
    {
        var result = BeginWrite(register, value);
        if (result.Pending is { } pending)
        {
            for (var i = 0; i < 30_000 && !pending.IsCompleted; i++)
            {
                Run();
                if (!pending.IsCompleted && i > 100)
                {
                    Thread.Sleep(1); // workers on threads of their own need real time
                }
            }

            Xunit.Assert.True(pending.IsCompleted, $"{register} never completed");
            return;
        }

        Xunit.Assert.Equal(BusStatus.Ok, result.Status);
    }

    /// <summary>Writes a register and leaves a pending access to the test.</summary>
    public BusResult BeginWrite(VirtioMmioRegister register, uint value)
    {
        Span<byte> data = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(data, value);
        return Mmio.Write(0, (ulong)register, data);
    }

    /// <summary>Offered features, both words.</summary>
    public ulong ReadOfferedFeatures()
    {
        Write(VirtioMmioRegister.DeviceFeaturesSel, 1);
        var high = Read(VirtioMmioRegister.DeviceFeatures);
        Write(VirtioMmioRegister.DeviceFeaturesSel, 0);
        return ((ulong)high << 32) | Read(VirtioMmioRegister.DeviceFeatures);
    }

    /// <summary>Resets and negotiates (3.1.1, steps 1 to 6).</summary>
    /// <returns>True if the device granted FEATURES_OK.</returns>
    public bool Negotiate(ulong features)
    {
        Write(VirtioMmioRegister.Status, 0);
        Rings.Clear();
        Write(VirtioMmioRegister.Status, 1);
        Write(VirtioMmioRegister.Status, 3);
        WriteDriverFeatures(features);
        Write(VirtioMmioRegister.Status, 11);
        return Status.HasFlag(DeviceStatus.FeaturesOk);
    }

    public void WriteDriverFeatures(ulong features)
    {
        Write(VirtioMmioRegister.DriverFeaturesSel, 1);
        Write(VirtioMmioRegister.DriverFeatures, (uint)(features >> 32));
        Write(VirtioMmioRegister.DriverFeaturesSel, 0);
        Write(VirtioMmioRegister.DriverFeatures, (uint)(features & uint.MaxValue));
    }

    /// <summary>Sets one queue up (4.2.3.2) and returns its ring.</summary>
    public RingDriver SetUpQueue(int index, int size, ulong features)
    {
        var packed = features.Has(VirtioFeature.RingPacked);
        var layout = new VirtQueueSettings
        {
            Index = index,
            Size = size,
            Features = features,
            DescriptorAddress = Allocate(16UL * (ulong)size),
            DriverAddress = Allocate(packed ? 4 : 6 + (2UL * (ulong)size)),
            DeviceAddress = Allocate(packed ? 4 : 6 + (8UL * (ulong)size)),
        };
        var ring = RingDriver.Create(Ram, layout);
        EnableQueue(layout);
        Rings[index] = ring;
        return ring;
    }

    /// <summary>Tells the device of a queue.</summary>
    public void EnableQueue(VirtQueueSettings layout)
    {
        Write(VirtioMmioRegister.QueueSel, (uint)layout.Index);
        Write(VirtioMmioRegister.QueueSize, (uint)layout.Size);
        WriteAddress(VirtioMmioRegister.QueueDescLow, layout.DescriptorAddress);
        WriteAddress(VirtioMmioRegister.QueueDriverLow, layout.DriverAddress);
        WriteAddress(VirtioMmioRegister.QueueDeviceLow, layout.DeviceAddress);
        Write(VirtioMmioRegister.QueueReady, 1);
    }

    /// <summary>Writes two address halves, low first.</summary>
    public void WriteAddress(VirtioMmioRegister low, ulong address)
    {
        Write(low, (uint)(address & uint.MaxValue));
        Write(low + 4, (uint)(address >> 32));
    }

    /// <summary>Resets the device and brings it up with queues of a size.</summary>
    /// <returns>The ring of queue 0.</returns>
    public RingDriver Start(ulong features, int queueSize = 16, int queues = 1)
    {
        Xunit.Assert.True(Negotiate(features), "FEATURES_OK was refused");
        for (var i = 0; i < queues; i++)
        {
            SetUpQueue(i, queueSize, features);
        }

        Write(VirtioMmioRegister.Status, 15);
        Run();
        return Rings[0];
    }

    /// <summary>Notifies the device if it wants to know, and runs the workers.</summary>
    public void Kick(int queue = 0)
    {
        if (Rings[queue].NeedsKick())
        {
            Write(VirtioMmioRegister.QueueNotify, (uint)queue);
        }

        Run();
    }

    /// <summary>Notifies the device in any case, and runs the workers.</summary>
    public void Notify(int queue = 0)
    {
        Write(VirtioMmioRegister.QueueNotify, (uint)queue);
        Run();
    }

    /// <summary>Acknowledges all interrupts.</summary>
    /// <returns>What was pending.</returns>
    public uint Acknowledge()
    {
        var status = Read(VirtioMmioRegister.InterruptStatus);
        Write(VirtioMmioRegister.InterruptAck, status);
        return status;
    }

    public async ValueTask DisposeAsync()
    {
        var closing = Mmio.DisposeAsync().AsTask();
        while (!closing.IsCompleted)
        {
            Run();
            await Task.Yield();
        }

        await closing;
        Ram.Dispose();
    }
}
