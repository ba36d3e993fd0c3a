using Eider.Devices.Tests.Virtio.Clauses;
using Eider.Devices.Virtio.Console;
using Eider.Hardware.Bus;
using Eider.Testing.Virtio;
using static Eider.Devices.Tests.Virtio.Clauses.ClauseBench;
using static Eider.Devices.Virtio.Console.ConsoleControlEvent;

namespace Eider.Devices.Tests.Virtio.Hostile;

/// <summary>Bytes to and from the ports of a console, in buffers that are wrong, huge, or for nobody.</summary>
internal static class ConsoleScenarios
{
    private const int Receive = 0, Transmit = 1, AbsentReceive = 8, AbsentTransmit = 9;
    private const ulong RamEnd = VirtioTestBench.RamBase + VirtioTestBench.RamBytes;
    private const ulong Config = 0x100;

    public static IEnumerable<HostileScenario> All =>
    [
        Sends("two bytes and room for more", [(2, false), (64, true)], 2),
        Sends("room only", [(64, true)], 0),
        Sends("an empty buffer", [(0, false)], 0),
        Sends("eight buffers of one byte", [.. Enumerable.Repeat((1, false), 8)], 8),
        Sends("empty buffers around a byte", [(0, false), (1, false), (0, false), (0, true)], 1),
        Sends("as much as the host holds", [(ConsoleLimits.BufferBytes, false)], ConsoleLimits.BufferBytes),
        Of("sends one byte more than the host holds", c =>
        {
            c.Give(Transmit, ConsoleLimits.BufferBytes + 1, false);
            c.Expect(Live, None, c.Suppression(Transmit)); // waits; nothing is lost
            var taken = c.End.Receive(new byte[ConsoleLimits.BufferBytes * 2]);
            c.Bench.Run();
            taken += c.End.Receive(new byte[16]);
            Assert.Equal(ConsoleLimits.BufferBytes + 1, taken);
            Assert.True(c.Bench.Rings[Transmit].TryGetUsed(out _));
            c.Recover();
        }),
        Of("sends to a host that never reads, and resets", c =>
        {
            for (var i = 0; i < 4; i++)
            {
                c.Give(Transmit, 64 << 10, false);
            }

            Assert.True(c.Bench.Rings[Transmit].TryGetUsed(out _));
            Assert.False(c.Bench.Rings[Transmit].TryGetUsed(out _));
            c.End.Receive(new byte[128 << 10]);
            c.Recover();
        }),
        Of("sends from where RAM ends", c =>
        {
            c.Bench.Rings[Transmit].Add([new DriverBuffer(RamEnd, 1, false)]);
            c.Bench.Notify(Transmit);
            c.ExpectAndRecover(Broken, Clauses.ClauseBench.Config, c.Suppression(Transmit));
        }),
        Of("sends the last byte of RAM", c =>
        {
            var used = c.NextUsed(Transmit);
            c.Bench.Rings[Transmit].Add([new DriverBuffer(RamEnd - 1, 1, false)]);
            c.Bench.Notify(Transmit);
            Assert.Equal(1, c.End.Receive(new byte[4]));
            c.ExpectAndRecover(Live, Used, [.. used, c.Suppression(Transmit)]);
        }),
        Of("sends its own ring", c =>
        {
            var ring = c.Bench.Rings[Transmit];
            var used = c.NextUsed(Transmit);
            ring.Add([new DriverBuffer(ring.Layout.DescriptorAddress, 128, false)]);
            c.Bench.Notify(Transmit);
            Assert.Equal(128, c.End.Receive(new byte[256]));
            c.ExpectAndRecover(Live, Used, [.. used, c.Suppression(Transmit)]);
        }),
        Of("sends to a port that is not there", c =>
        {
            var writes = c.Give(AbsentTransmit, 4, false, "lost"u8);
            Assert.Equal(0, c.End.Receive(new byte[4]));
            c.ExpectAndRecover(Live, Used, writes);
        }),
        Of("gives a buffer to a port that is not there", c =>
        {
            c.Give(AbsentReceive, 64, true);
            c.End.Send("x"u8);
            c.Bench.Run();
            c.ExpectAndRecover(Live, None, c.Suppression(AbsentReceive), c.Suppression(), c.Suppression(Transmit));
        }),
        Of("rings for a queue past the last port", c =>
        {
            c.Bench.Notify(10);
            c.ExpectAndRecover(Live, None);
        }),

        // What comes from the host.
        Gets("a readable buffer", [(4, false)], 0),
        Gets("an empty buffer", [(0, true)], 0),
        Gets("one byte", [(1, true)], 1),
        Gets("a readable buffer and two bytes", [(64, false), (2, true)], 2),
        Gets("pieces", [(1, true), (0, true), (3, true), (60, true)], 5),
        Gets("a mebibyte", [(1 << 20, true)], 5),
        Of("gets bytes over its own device area", c =>
        {
            Open(c, "ab");
            c.Watch();
            var area = c.Bench.Rings[Receive].Layout.DeviceAddress;
            var used = c.NextUsed(Receive);
            c.Bench.Rings[Receive].Add([new DriverBuffer(area, 2, true)]);
            c.Bench.Notify(Receive);
            c.ExpectAndRecover(Live, Used, [.. used, c.Suppression(Receive), (area, 2)]);
        }),
        Of("gets bytes behind RAM", c =>
        {
            Open(c, "ab");
            c.Watch();
            c.Bench.Rings[Receive].Add([new DriverBuffer(RamEnd - 1, 2, true)]);
            c.Bench.Notify(Receive);
            c.ExpectAndRecover(Broken, Clauses.ClauseBench.Config, c.Suppression(Receive));
            c.End.Receive(new byte[16]);
        }),
        Of("gets nothing before the port is open", c =>
        {
            c.End.Send("x"u8);
            c.Bench.Run();
            c.Watch();
            c.Give(Receive, 8, true);
            c.ExpectAndRecover(Live, None, c.Suppression(Receive));
        }),

        // The configuration.
        Writes("the emergency byte as a byte", 8, 1, BusStatus.Ok, 1),
        Writes("the emergency byte as a half", 8, 2, BusStatus.Ok, 1),
        Writes("the emergency byte as a word", 8, 4, BusStatus.Ok, 1),
        Writes("behind the emergency byte", 9, 1, BusStatus.InvalidRegister, 0),
        Writes("the columns", 0, 2, BusStatus.InvalidRegister, 0),
        Writes("the number of ports", 4, 4, BusStatus.InvalidRegister, 0),
        Writes("the number of ports and the emergency byte at once", 4, 8, BusStatus.InvalidRegister, 0),
        Of("writes an emergency byte to a host that is full", c =>
        {
            c.Give(Transmit, ConsoleLimits.BufferBytes, false);
            c.Watch();
            Assert.Equal(BusStatus.Ok, c.Bench.Mmio.Write(0, Config + 8, "x"u8).Status);
            Assert.Equal(1, c.Bench.Mmio.Statistics.Failures);
            Assert.Equal(ConsoleLimits.BufferBytes, c.End.Receive(new byte[ConsoleLimits.BufferBytes * 2])); // that byte is gone
            c.Bench.Run();
            c.Recover();
        }),
    ];

    private static HostileScenario Of(string name, Action<ConsoleClauseBench> attack) => new("console", name, Rings.Both, async features =>
    {
        await using var clause = ConsoleClauseBench.Started(features);
        attack(clause);
    });

    private static HostileScenario Sends(string name, (int Length, bool IsWritable)[] buffers, int sent) => Of($"sends {name}", c =>
    {
        var used = c.NextUsed(Transmit);
        c.Bench.Rings[Transmit].Add(Make(c, buffers));
        c.Bench.Notify(Transmit);
        Assert.Equal(sent, c.End.Receive(new byte[sent + 64]));
        Assert.True(c.Bench.Rings[Transmit].TryGetUsed(out var entry));
        Assert.Equal(0u, entry.WrittenBytes);
        c.ExpectAndRecover(Live, Used, [.. used, c.Suppression(Transmit)]);
    });

    private static HostileScenario Gets(string name, (int Length, bool IsWritable)[] buffers, int given) => Of($"gets {name}", c =>
    {
        Open(c, "hello");
        c.Watch();
        var chain = Make(c, buffers);
        var used = c.NextUsed(Receive);
        c.Bench.Rings[Receive].Add(chain);
        c.Bench.Notify(Receive);
        Assert.True(c.Bench.Rings[Receive].TryGetUsed(out var entry));
        Assert.Equal((uint)given, entry.WrittenBytes);
        Assert.Equal(5 - given, c.End.UnreadBytes); // the rest waits
        var data = new List<(ulong, ulong)>();
        var left = given;
        foreach (var buffer in chain.Where(one => one.IsWritable))
        {
            var take = Math.Min(left, (int)buffer.LengthBytes);
            left -= take;
            data.Add((buffer.Address, (ulong)take));
        }

        c.ExpectAndRecover(Live, Used, [.. used, c.Suppression(Receive), .. data]);
    });

    private static HostileScenario Writes(string name, int offset, int width, BusStatus expected, int sent) => Of($"writes {name}", c =>
    {
        var bytes = new byte[width];
        Array.Fill(bytes, (byte)'!');
        Assert.Equal(expected, c.Bench.Mmio.Write(0, Config + (ulong)offset, bytes).Status);
        Assert.Equal(sent, c.End.Receive(new byte[16]));
        c.ExpectAndRecover(Live, None);
    });

    private static DriverBuffer[] Make(ConsoleClauseBench c, (int Length, bool IsWritable)[] buffers) =>
        [.. buffers.Select(one => new DriverBuffer(c.Bench.Allocate((ulong)one.Length, 16), (uint)one.Length, one.IsWritable))];

    // The driver opens port 0, and the host has something to say.
    private static void Open(ConsoleClauseBench c, string text)
    {
        c.Tell(0, DeviceReady, 1);
        c.Hear();
        c.Tell(0, PortReady, 1);
        c.Tell(0, PortOpen, 1);
        c.Hear();
        c.End.Send(System.Text.Encoding.ASCII.GetBytes(text));
        c.Bench.Run();
    }
}
