using Eider.Devices.Virtio.Queue;
using Eider.Hardware.Memory;

namespace Eider.Testing.Virtio;

/// <summary>A virtqueue alone, with RAM, a model driver and a host that records; no transport, no worker.</summary>
public sealed class QueueBench : IVirtQueueHost, IDisposable
{
    public const ulong RamBase = 0x8000_0000;
    public const ulong RamBytes = 4 << 20;

    /// <summary>Where tests put buffers.</summary>
    public const ulong Buffers = RamBase + 0x10_0000;

    /// <summary>Where tests put indirect tables.</summary>
    public const ulong Tables = RamBase + 0x20_0000;

    public QueueBench(ulong features, int size = 8, Func<GuestRam, GuestMemory>? wrap = null)
    {
        Ram = new GuestRam((RamBase, RamBytes));
        Memory = wrap?.Invoke(Ram) ?? Ram;
        var layout = new VirtQueueSettings
        {
            Size = size,
            Features = features,
            DescriptorAddress = RamBase,
            DriverAddress = RamBase + 0x8_0000,
            DeviceAddress = RamBase + 0x9_0000,
        };
        Ring = RingDriver.Create(Ram, layout);
        Queue = VirtQueue.Create(layout, Memory, this);
    }

    public GuestRam Ram { get; }

    public GuestMemory Memory { get; }

    public RingDriver Ring { get; }

    public SplitRingDriver Split => (SplitRingDriver)Ring;

    public PackedRingDriver Packed => (PackedRingDriver)Ring;

    public VirtQueue Queue { get; }

    public int Interrupts { get; private set; }

    public int Wakes { get; private set; }

    public List<QueueFault> Faults { get; } = [];

    void IVirtQueueHost.Interrupt(VirtQueue queue) => Interrupts++;

    void IVirtQueueHost.QueueFailed(VirtQueue queue, QueueFault fault) => Faults.Add(fault);

    void IVirtQueueHost.WakeWorker(VirtQueue queue) => Wakes++;

    /// <summary>Takes the chain that must be there.</summary>
    public DescriptorChain Take()
    {
        Assert(Queue.TryTake(out var chain));
        return chain!;
    }

    /// <summary>Nothing can be taken, the queue stopped with this fault, told once, and later attempts do nothing.</summary>
    public void ExpectFault(QueueFault fault)
    {
        Assert(!Queue.TryTake(out _));
        Xunit.Assert.Equal([fault], Faults);
        Xunit.Assert.Equal(fault, Queue.Fault);
        Assert(!Queue.TryTake(out _));
        Queue.Flush();
        Xunit.Assert.Single(Faults);
        Xunit.Assert.Equal(0, Interrupts);
    }

    public void Dispose()
    {
        Queue.Dispose();
        Ram.Dispose();
    }

    private static void Assert(bool condition) => Xunit.Assert.True(condition);
}
