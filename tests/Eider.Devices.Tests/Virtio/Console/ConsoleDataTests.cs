using System.Text;
using Eider.Devices.Tests.Virtio.Bench;
using Eider.Devices.Virtio;
using Eider.Devices.Virtio.Console;
using Eider.Testing.Virtio;

namespace Eider.Devices.Tests.Virtio.Console;

/// <summary>A console of one port: bytes both ways, back-pressure, end of input, reset (virtio 1.3, 5.3.6).</summary>
public sealed class ConsoleDataTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Bytes_go_both_ways(bool isPacked)
    {
        var end = new ConsoleEndpoint();
        using var console = new ConsoleBench(new ConsoleDevice { Backend = end }, isPacked);
        Assert.Equal(VirtioDeviceId.Console, console.Handler.DeviceId);
        var written = console.Write(0, "hello host");
        Assert.Equal(0u, written.UsedBytes);
        Assert.Equal("hello host", Receive(end));

        var buffer = console.Give(0);
        Assert.False(buffer.IsUsed); // held until there is something to say
        end.Send("hello guest"u8);
        console.Bench.Run();
        Assert.Equal("hello guest", console.TextOf(buffer));
        Assert.Equal(11, console.Bench.Statistics.ReadBytes);
        Assert.Equal(10, console.Bench.Statistics.WrittenBytes);
    }

    [Fact]
    public async Task The_seed_configuration_of_two_streams_works()
    {
        var output = new MemoryStream();
        using var console = new ConsoleBench(new ConsoleDevice { In = new MemoryStream("typed"u8.ToArray()), Out = output });
        var buffer = console.Give(0);
        while (!buffer.IsUsed)
        {
            await Task.Delay(1, Cancellation);
            console.Bench.Run();
        }

        Assert.Equal("typed", console.TextOf(buffer));
        console.Write(0, "printed");
        Assert.True(await console.Handler.StopAsync(Cancellation));
        Assert.Equal("printed", Encoding.UTF8.GetString(output.ToArray()));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Spec_2_7_4_1_Output_in_any_framing_keeps_its_order(bool isPacked)
    {
        var end = new ConsoleEndpoint();
        using var console = new ConsoleBench(new ConsoleDevice { Backend = end }, isPacked);
        var text = string.Concat(Enumerable.Range(0, 40).Select(i => i + ","));
        for (var piece = 3; piece < 20; piece++)
        {
            var buffers = Encoding.ASCII.GetBytes(text).Chunk(piece).Select(c => console.Bench.Readable(c)).ToArray();
            Assert.True(console.Bench.SubmitAndRun(1, buffers).IsUsed);
            Assert.Equal(text, Receive(end));
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_host_that_does_not_read_stalls_the_port_and_loses_nothing(bool isPacked)
    {
        var end = new ConsoleEndpoint(bufferBytes: 100);
        using var console = new ConsoleBench(new ConsoleDevice { Backend = end }, isPacked);
        var sent = new StringBuilder();
        var tickets = new List<BenchTicket>();
        for (var i = 0; i < 40; i++)
        {
            var text = string.Concat(Enumerable.Repeat($"line {i}\n", 9));
            sent.Append(text);
            tickets.Add(console.Write(0, text));
        }

        Assert.True(tickets[0].IsUsed);
        Assert.DoesNotContain(tickets[2..], t => t.IsUsed);
        for (var i = 0; i < 50; i++)
        {
            console.Bench.Wake(1); // a stalled port does not spin, however often it is kicked
            console.Bench.Run(limit: 2);
        }

        var got = new StringBuilder();
        while (tickets.Exists(t => !t.IsUsed) || end.DiscardedBytes > 0)
        {
            got.Append(Receive(end));
            console.Bench.Run();
        }

        got.Append(Receive(end));
        Assert.Equal(sent.ToString(), got.ToString());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_guest_that_gives_no_buffers_leaves_the_input_in_a_bounded_buffer(bool isPacked)
    {
        var end = new ConsoleEndpoint(bufferBytes: 64);
        using var console = new ConsoleBench(new ConsoleDevice { Backend = end }, isPacked);
        Assert.Equal(64, end.Send(Enumerable.Range(0, 200).Select(i => (byte)i).ToArray()));
        console.Bench.Run(limit: 10);
        Assert.Equal(0, end.Send("x"u8));

        var first = console.Give(0, 10);
        var second = console.Give(0, 100);
        Assert.Equal(10u, first.UsedBytes);
        Assert.Equal(54u, second.UsedBytes);
        Assert.Equal(
            Enumerable.Range(0, 64).Select(i => (byte)i),
            console.Bench.Read(first.Buffers[0]).Concat(console.Bench.Read(second.Buffers[0])[..54]));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_flood_both_ways_arrives_whole(bool isPacked)
    {
        const int Total = 1 << 20;
        var end = new ConsoleEndpoint(bufferBytes: 4096);
        using var console = new ConsoleBench(new ConsoleDevice { Backend = end }, isPacked);
        var bytes = new byte[Total];
        new Random(3).NextBytes(bytes);
        var (toGuest, fromGuest) = (new MemoryStream(), new MemoryStream());
        var (sent, written) = (0, 0);
        var piece = new byte[3000];
        while (toGuest.Length < Total || fromGuest.Length < Total)
        {
            console.Bench.FreeBuffers();
            sent += end.Send(bytes.AsSpan(sent, Math.Min(5000, Total - sent)));
            var outLength = Math.Min(7000, Total - written);
            var output = console.Bench.Submit(1, console.Bench.Readable(bytes.AsSpan(written, outLength)));
            written += outLength;
            var room = console.Bench.Submit(0, console.Bench.Writable(2000), console.Bench.Writable(5000));
            console.Bench.Run();
            while (!output.IsUsed || (!room.IsUsed && toGuest.Length < Total))
            {
                fromGuest.Write(piece, 0, end.Receive(piece));
                sent += end.Send(bytes.AsSpan(sent, Math.Min(5000, Total - sent)));
                console.Bench.Run();
            }

            fromGuest.Write(piece, 0, end.Receive(piece));
            if (room.IsUsed)
            {
                var got = room.Buffers.SelectMany(console.Bench.Read).Take((int)room.UsedBytes!.Value).ToArray();
                toGuest.Write(got);
            }
        }

        Assert.Equal(bytes, toGuest.ToArray());
        Assert.Equal(bytes, fromGuest.ToArray()[..Total]);
    }

    [Fact]
    public void The_end_of_input_uses_no_buffer_and_does_not_spin()
    {
        var end = new ConsoleEndpoint();
        using var console = new ConsoleBench(new ConsoleDevice { Backend = end });
        end.Send("bye"u8);
        end.CloseInput();
        Assert.Equal("bye", console.TextOf(console.Give(0)));
        var buffer = console.Give(0);
        console.Bench.Wake(0);
        console.Bench.Run(limit: 3);
        Assert.False(buffer.IsUsed);
        console.Write(0, "output goes on");
        Assert.Equal("output goes on", Receive(end));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_reset_while_the_host_is_stalled_and_a_read_is_blocked_is_safe(bool isPacked)
    {
        var end = new ConsoleEndpoint(bufferBytes: 16);
        using var console = new ConsoleBench(new ConsoleDevice { Backend = end }, isPacked);
        var stalled = console.Write(0, "0123456789abcdefghij");
        var waiting = console.Give(0);
        console.Bench.BeginReset();
        Assert.True(console.Bench.TryEndReset());
        end.Send("late"u8);
        console.Bench.Run();
        Assert.False(stalled.IsUsed);
        Assert.All(console.Bench.Read(waiting.Buffers[0]), b => Assert.Equal(0xcc, b));

        console.Start();
        Assert.Equal("late", console.TextOf(console.Give(0))); // kept for the next driver
        Assert.Equal("0123456789abcdef", Receive(end)); // what was taken before the reset; the rest went with it
        console.Write(0, "again");
        Assert.Equal("again", Receive(end));
    }

    [Fact]
    public async Task Closing_the_device_does_not_wait_for_a_read_that_blocks()
    {
        var input = new GateStream { IgnoresCancellation = true };
        var console = new ConsoleBench(new ConsoleDevice { In = input, Out = new MemoryStream() });
        console.Give(0);
        console.Dispose();
        Assert.True(await console.Handler.StopAsync(Cancellation).WaitAsync(TimeSpan.FromSeconds(30), Cancellation));
        input.Open();
    }

    [Fact]
    public async Task A_host_stream_that_fails_is_reported_and_the_guest_goes_on()
    {
        var failures = new List<Exception>();
        using var console = new ConsoleBench(new ConsoleDevice
        {
            Out = new GateStream { Failure = new IOException("broken pipe") },
            HostFailed = failures.Add,
        });
        console.Write(0, "x");
        while (failures.Count == 0)
        {
            await Task.Delay(1, Cancellation);
        }

        for (var i = 0; i < 100; i++)
        {
            Assert.True(console.Write(0, new string('y', 4000)).IsUsed);
        }

        Assert.Equal(1, console.Bench.Statistics.Failures);
    }

    [Fact]
    public void Spec_5_3_6_1_Buffers_of_the_wrong_direction_come_back_empty()
    {
        var end = new ConsoleEndpoint();
        using var console = new ConsoleBench(new ConsoleDevice { Backend = end });
        end.Send("x"u8);
        var readable = console.Bench.SubmitAndRun(0, console.Bench.Readable("no room"u8));
        Assert.Equal(0u, readable.UsedBytes);
        Assert.Equal("no room"u8, console.Bench.Read(readable.Buffers[0]));
        var writable = console.Bench.SubmitAndRun(1, console.Bench.Writable(8));
        Assert.Equal(0u, writable.UsedBytes);
        Assert.Equal("", Receive(end));
        Assert.Equal("x", console.TextOf(console.Give(0)));
    }

    [Fact]
    public void Bytes_cost_no_allocation_once_warm()
    {
        var end = new ConsoleEndpoint();
        using var console = new ConsoleBench(new ConsoleDevice { Backend = end });
        var bench = console.Bench;
        DriverBuffer[] output = [bench.Readable(new byte[1000])];
        DriverBuffer[] input = [bench.Writable(1000)];
        var piece = new byte[1000];
        long Round()
        {
            bench.Submit(1, output);
            bench.Submit(0, input);
            var before = GC.GetAllocatedBytesForCurrentThread();
            end.Send(piece);
            bench.RunQueue(0);
            bench.RunQueue(1);
            end.Receive(piece);
            var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            bench.Run();
            return allocated;
        }

        for (var i = 0; i < 200; i++)
        {
            Round();
        }

        Assert.Equal(0, Enumerable.Range(0, 50).Sum(_ => Round()));
    }

    private static string Receive(ConsoleEndpoint end)
    {
        var bytes = new byte[1 << 16];
        return Encoding.UTF8.GetString(bytes, 0, end.Receive(bytes));
    }
}
