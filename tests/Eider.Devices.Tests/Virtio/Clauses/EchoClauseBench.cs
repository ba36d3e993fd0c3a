using Eider.Devices.Virtio.Queue;
using Eider.Devices.Virtio.Transport;
using Eider.Testing.Virtio;

namespace Eider.Devices.Tests.Virtio.Clauses;

/// <summary>A device that answers each request with its bytes plus one.</summary>
internal sealed class EchoClauseBench : ClauseBench
{
    public EchoClauseBench(ulong features, EchoDevice? device = null, int queues = 1)
        : this(device ?? new EchoDevice(8, 8), features, queues)
    {
    }

    private EchoClauseBench(EchoDevice device, ulong features, int queues)
        : base(device, features, new VirtioTransportOptions { Offered = FeatureSets.All }, queues) => Device = device;

    public EchoDevice Device { get; }

    /// <summary>A bench whose device is up.</summary>
    public static EchoClauseBench Started(ulong features, EchoDevice? device = null, int queues = 1)
    {
        var bench = new EchoClauseBench(features, device, queues);
        bench.Start();
        return bench;
    }

    /// <summary>Two buffers of 4 bytes in guest memory: "abcd" to read, and one to write.</summary>
    public DriverBuffer[] Buffers()
    {
        var address = Bench.Allocate(128);
        Assert.True(Bench.Ram.TryWrite(address, "abcd"u8));
        return [new(address, 4, false), new(address + 64, 4, true)];
    }

    /// <summary>Makes a request and notifies; returns the ranges that its completion writes.</summary>
    public (ulong Address, ulong Length)[] Echo(int queue = 0, ulong table = 0)
    {
        var buffers = Buffers();
        var used = NextUsed(queue);
        Bench.Rings[queue].Add(buffers, table);
        Bench.Notify(queue);
        return [.. used, Suppression(queue), (buffers[1].Address, 4)];
    }

    /// <summary>A head that is available and refers to whatever the test says, in a ring of either kind.</summary>
    public void MakeAvailable(ulong address, uint length, int flags, int next = 0)
    {
        if (IsPacked)
        {
            Ring.WriteDescriptor(Packed.DescriptorAddress(0), address, length, 0, PackedRingDriver.AvailableFlags(true, flags));
        }
        else
        {
            Ring.WriteDescriptor(Split.DescriptorAddress(0), address, length, (ushort)flags, (ushort)next);
            Split.Publish(0);
        }
    }

    /// <summary>The driver broke the ring: the device wants a reset, with a configuration change, and wrote nothing else.</summary>
    public void ExpectBrokenRing(QueueFault fault, int queue = 0)
    {
        Bench.Notify(queue);
        Assert.Equal(fault, Device.Queues[queue].Fault);
        ExpectAndRecover(Broken, Config, Suppression(queue));
    }

    /// <summary>A request still works, with exactly its own writes; a reset too.</summary>
    public void ExpectTolerated()
    {
        Watch();
        ExpectAndRecover(Live, Used, Echo());
    }

    public override void Serve()
    {
        var buffers = Buffers();
        Ring.Add(buffers);
        Bench.Notify();
        Assert.True(Ring.TryGetUsed(out var used), "the request was not used");
        Assert.Equal(4u, used.WrittenBytes);
        Assert.Equal("bcde"u8, Ring.Read(buffers[1].Address, 4));
    }
}
