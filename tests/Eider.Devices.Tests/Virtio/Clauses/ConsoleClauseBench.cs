using Eider.Devices.Virtio.Console;

namespace Eider.Devices.Tests.Virtio.Clauses;

/// <summary>A console of up to four ports on its bus.</summary>
internal sealed class ConsoleClauseBench : ClauseBench
{
    public const int ControlReceive = 2, ControlTransmit = 3, MaxPorts = 4;

    private readonly Queue<ulong> _spare = [];

    public ConsoleClauseBench(ulong features)
        : this(features, new ConsoleEndpoint())
    {
    }

    private ConsoleClauseBench(ulong features, ConsoleEndpoint end)
        : this(features, new ConsoleDevice { Backend = end, MaxPorts = MaxPorts }.Build()) => End = end;

    private ConsoleClauseBench(ulong features, ConsoleHandler device)
        : base(device, features | device.Features, null, device.QueueSizes.Count)
    {
        Device = device;
        End = null!;
    }

    public ConsoleHandler Device { get; }

    public ConsoleEndpoint End { get; }

    /// <summary>A bench whose console is up.</summary>
    public static ConsoleClauseBench Started(ulong features)
    {
        var bench = new ConsoleClauseBench(features);
        bench.Start();
        return bench;
    }

    /// <summary>Puts one buffer into a queue and notifies; returns what its use writes, without data.</summary>
    public (ulong Address, ulong Length)[] Give(int queue, uint lengthBytes, bool isWritable, ReadOnlySpan<byte> content = default)
    {
        var address = Bench.Allocate(lengthBytes, 16);
        Assert.True(Bench.Ram.TryWrite(address, content));
        var used = NextUsed(queue);
        Bench.Rings[queue].Add([new(address, lengthBytes, isWritable)]);
        Bench.Notify(queue);
        return [.. used, Suppression(queue)];
    }

    /// <summary>The driver sends a control message.</summary>
    public void Tell(uint port, ConsoleControlEvent controlEvent, ushort value)
    {
        var bytes = new byte[8];
        new ConsoleControlMessage(port, controlEvent, value).Write(bytes);
        Give(ControlTransmit, 8, false, bytes);
        Assert.True(Bench.Rings[ControlTransmit].TryGetUsed(out _));
    }

    /// <summary>What the device has to say on the control queue.</summary>
    public List<(uint Port, ConsoleControlEvent Event)> Hear()
    {
        var heard = new List<(uint, ConsoleControlEvent)>();
        var ring = Bench.Rings[ControlReceive];
        while (ring.FreeCount > 0)
        {
            var address = Bench.Allocate(64, 16);
            _spare.Enqueue(address);
            ring.Add([new(address, 64, true)]);
        }

        Bench.Notify(ControlReceive);
        while (ring.TryGetUsed(out _))
        {
            var message = ConsoleControlMessage.Read(ring.Read(_spare.Dequeue(), 8));
            heard.Add((message.Port, message.Event));
        }

        return heard;
    }

    public override void Serve()
    {
        _spare.Clear();
        var buffer = new byte[64];
        End.Receive(buffer);
        Give(1, 2, false, "ok"u8);
        Assert.True(Bench.Rings[1].TryGetUsed(out _));
        Assert.Equal("ok"u8, buffer.AsSpan(0, End.Receive(buffer)));
    }
}
