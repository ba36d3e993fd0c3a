using Eider.Devices.Tests.Virtio.Clauses;
using Eider.Devices.Virtio.Console;
using Eider.Testing.Virtio;
using static Eider.Devices.Tests.Virtio.Clauses.ClauseBench;
using static Eider.Devices.Virtio.Console.ConsoleControlEvent;

namespace Eider.Devices.Tests.Virtio.Hostile;

/// <summary>Control messages of a console that are short, out of order, for ports that are not there, or the device's own.</summary>
internal static class ControlScenarios
{
    private static readonly (uint, ConsoleControlEvent)[] Nothing = [];

    public static IEnumerable<HostileScenario> All =>
    [
        // Messages that are no message.
        .. Enumerable.Range(0, 8).Where(length => length is 0 or 1 or 4 or 7).Select(length =>
            Of($"a message of {length} bytes", c => Say(c, new byte[length], isGood: false, port: 0))),
        Of("a message in a buffer that the device may only write", c =>
        {
            var used = c.NextUsed(ConsoleClauseBench.ControlTransmit);
            var writes = c.Give(ConsoleClauseBench.ControlTransmit, 8, true);
            Assert.NotEmpty(used);
            c.ExpectAndRecover(Live, Used, [.. writes, c.Suppression(ConsoleClauseBench.ControlReceive)]);
        }),
        Of("a message with a kilobyte behind it", c => Say(c, [.. Message(0, DeviceReady, 1), .. new byte[1024]], isGood: true, port: 0)),
        Of("a message in eight pieces", c =>
        {
            var bytes = Message(0, DeviceReady, 1);
            var address = c.Bench.Allocate(8, 16);
            Assert.True(c.Bench.Ram.TryWrite(address, bytes));
            c.Bench.Rings[ConsoleClauseBench.ControlTransmit].Add(
                [.. Enumerable.Range(0, 8).Select(i => new DriverBuffer(address + (ulong)i, 1, false))]);
            c.Bench.Notify(ConsoleClauseBench.ControlTransmit);
            Assert.Equal([(0u, DeviceAdd)], c.Hear());
            c.Recover();
        }),

        // Events that are not the driver's, or nobody's.
        Refused("DEVICE_ADD, the device's own", 0, DeviceAdd, 1),
        Refused("DEVICE_REMOVE, the device's own", 0, DeviceRemove, 1),
        Refused("CONSOLE_PORT, the device's own", 0, ConsoleControlEvent.ConsolePort, 1),
        Refused("RESIZE, the device's own", 0, Resize, 1),
        Refused("PORT_NAME, the device's own", 0, PortName, 1),
        Refused("the event past the last", 0, (ConsoleControlEvent)8, 1),
        Refused("the last event there is", 0, (ConsoleControlEvent)0xFFFF, 1),

        // Ports that are not there.
        Refused("PORT_READY of a port that was never added", 3, PortReady, 1),
        Refused("PORT_READY of the port past the last", 4, PortReady, 1),
        Refused("PORT_READY of the last port there is", uint.MaxValue, PortReady, 1),
        Refused("PORT_READY of port 2^31", 0x8000_0000, PortReady, 1),
        Refused("PORT_OPEN of a port that was never added", 3, PortOpen, 1),
        Refused("PORT_OPEN of the last port there is", uint.MaxValue, PortOpen, 1),
        Of("PORT_OPEN of a port that was taken away", c =>
        {
            Ready(c);
            var id = c.Device.AddPort(new ConsolePort("gone", new ConsoleEndpoint()));
            c.Hear();
            Assert.True(c.Device.RemovePort(id));
            c.Watch();
            Failing(c, () => c.Tell((uint)id, PortOpen, 1));
            Assert.Equal([((uint)id, DeviceRemove)], c.Hear());
            c.Recover();
        }),

        // Order.
        Of("PORT_READY before DEVICE_READY", c =>
        {
            Failing(c, () => c.Tell(0, PortReady, 1));
            Assert.Empty(c.Hear());
            c.Recover();
        }),
        Of("PORT_OPEN before DEVICE_READY", c =>
        {
            Failing(c, () => c.Tell(0, PortOpen, 1));
            Assert.Empty(c.Hear());
            c.Recover();
        }),
        Of("PORT_OPEN before PORT_READY", c =>
        {
            Ready(c);
            c.Tell(0, PortOpen, 1); // tolerated: the port is known
            Assert.Equal(Nothing, c.Hear());
            c.Recover();
        }),
        Of("DEVICE_READY of a port that is not there", c =>
        {
            c.Tell(uint.MaxValue, DeviceReady, 1);
            Assert.Equal([(0u, DeviceAdd)], c.Hear());
            c.Recover();
        }),
        Of("DEVICE_READY with another value than 1", c =>
        {
            c.Tell(0, DeviceReady, 0xFFFF);
            Assert.Equal([(0u, DeviceAdd)], c.Hear());
            c.Recover();
        }),
        Of("DEVICE_READY taken back", c =>
        {
            Ready(c);
            c.Tell(0, DeviceReady, 0);
            c.Device.AddPort(new ConsolePort("unheard", new ConsoleEndpoint()));
            Assert.Empty(c.Hear());
            c.Recover();
        }),
        Of("DEVICE_READY a hundred times", c =>
        {
            Ready(c);
            for (var i = 0; i < 100; i++)
            {
                c.Tell(0, DeviceReady, 1);
            }

            Assert.Empty(c.Hear());
            c.Recover();
        }),
        Of("PORT_READY a hundred times", c =>
        {
            Ready(c);
            for (var i = 0; i < 100; i++)
            {
                c.Tell(0, PortReady, 1);
            }

            // Answered as long as there are buffers; what is owed then is said once, however often it was asked for.
            var heard = c.Hear();
            Assert.Equal([(0u, ConsoleControlEvent.ConsolePort), (0u, PortOpen)], heard.Distinct());
            Assert.InRange(heard.Count, 2, 8 + 2);
            c.Recover();
        }),
        Of("PORT_READY taken back closes the port", c =>
        {
            Ready(c);
            c.Tell(0, PortReady, 1);
            c.Tell(0, PortOpen, 1);
            c.Hear();
            c.Tell(0, PortReady, 0);
            c.End.Send("x"u8);
            c.Bench.Run();
            c.Watch();
            c.Give(0, 8, true);
            c.ExpectAndRecover(Live, None, c.Suppression());
        }),

        // Room for what the device says.
        Of("no room for a message", c =>
        {
            c.Tell(0, DeviceReady, 1);
            c.Watch();
            var writes = c.Give(ConsoleClauseBench.ControlReceive, 7, true);
            Assert.True(c.Bench.Rings[ConsoleClauseBench.ControlReceive].TryGetUsed(out var used));
            Assert.Equal(0u, used.WrittenBytes);
            c.Expect(Live, Used, writes);
            Assert.Equal([(0u, DeviceAdd)], c.Hear()); // said in the next one
            c.Recover();
        }),
        Of("a buffer for messages that the device may only read", c =>
        {
            c.Tell(0, DeviceReady, 1);
            c.Watch();
            c.ExpectGiven(ConsoleClauseBench.ControlReceive, 64, isWritable: false);
            Assert.Equal([(0u, DeviceAdd)], c.Hear());
            c.Recover();
        }),
        Of("a hundred changes, and a driver that does not listen", c =>
        {
            Ready(c);
            c.Tell(0, PortReady, 1);
            c.Hear();
            for (ushort i = 1; i <= 100; i++)
            {
                c.Device.Resize(new ConsoleSize(i, i));
            }

            c.Bench.Run();
            Assert.Equal([(0u, Resize)], c.Hear()); // the last size, once
            c.Recover();
        }),
    ];

    private static HostileScenario Of(string name, Action<ConsoleClauseBench> attack) => new("control", name, Rings.Both, async features =>
    {
        await using var clause = ConsoleClauseBench.Started(features);
        attack(clause);
    });

    private static HostileScenario Refused(string name, uint port, ConsoleControlEvent controlEvent, ushort value) => Of(name, c =>
    {
        Ready(c);
        Say(c, Message(port, controlEvent, value), isGood: false, port);
    });

    private static byte[] Message(uint port, ConsoleControlEvent controlEvent, ushort value)
    {
        var bytes = new byte[ConsoleControlMessage.Size];
        new ConsoleControlMessage(port, controlEvent, value).Write(bytes);
        return bytes;
    }

    private static void Ready(ConsoleClauseBench c)
    {
        c.Tell(0, DeviceReady, 1);
        c.Hear();
    }

    private static void Failing(ConsoleClauseBench c, Action say)
    {
        var failures = c.Bench.Mmio.Statistics.Failures;
        say();
        Assert.Equal(failures + 1, c.Bench.Mmio.Statistics.Failures);
    }

    // The message comes back empty, is counted if it makes no sense, and wakes whom it may concern.
    private static void Say(ConsoleClauseBench c, byte[] bytes, bool isGood, uint port)
    {
        c.Watch();
        var failures = c.Bench.Mmio.Statistics.Failures;
        List<(ulong, ulong)> writes = [.. c.Give(ConsoleClauseBench.ControlTransmit, (uint)bytes.Length, false, bytes)];
        writes.Add(c.Suppression(ConsoleClauseBench.ControlReceive));
        if (isGood && port < ConsoleClauseBench.MaxPorts)
        {
            var receive = port == 0 ? 0 : (2 * (int)port) + 2;
            writes.Add(c.Suppression(receive));
            writes.Add(c.Suppression(receive + 1));
        }

        Assert.True(c.Bench.Rings[ConsoleClauseBench.ControlTransmit].TryGetUsed(out var used));
        Assert.Equal(0u, used.WrittenBytes);
        Assert.Equal(failures + (isGood ? 0 : 1), c.Bench.Mmio.Statistics.Failures);
        c.ExpectAndRecover(Live, Used, [.. writes]);
    }

    private static void ExpectGiven(this ConsoleClauseBench c, int queue, uint lengthBytes, bool isWritable)
    {
        var writes = c.Give(queue, lengthBytes, isWritable);
        Assert.True(c.Bench.Rings[queue].TryGetUsed(out var used));
        Assert.Equal(0u, used.WrittenBytes);
        c.Expect(Live, Used, writes);
    }
}
