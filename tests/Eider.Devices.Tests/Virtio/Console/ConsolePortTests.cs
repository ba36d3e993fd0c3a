using System.Text;
using Eider.Devices.Tests.Virtio.Bench;
using Eider.Devices.Virtio.Console;
using static Eider.Devices.Virtio.Console.ConsoleControlEvent;

namespace Eider.Devices.Tests.Virtio.Console;

/// <summary>Several ports and their control queues, and the config (virtio 1.3, 5.3.4 and 5.3.6.2).</summary>
public sealed class ConsolePortTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public void Queues_stand_in_the_order_of_the_specification()
    {
        Assert.Equal([64, 64], new ConsoleDevice().Build().QueueSizes);
        var device = new ConsoleDevice { Ports = [("a", null, null), ("b", null, null)] }.Build();
        Assert.Equal(8, device.QueueSizes.Count);
        var larger = new ConsoleDevice { MaxPorts = 31 }.Build();
        Assert.Equal(64, larger.QueueSizes.Count);
        Assert.Equal("000000001F00000000000000", Convert.ToHexString(ReadConfig(larger)));
    }

    [Fact]
    public void Features_are_offered_for_what_is_configured()
    {
        Assert.Equal(1UL << 2, new ConsoleDevice().Build().Features);
        Assert.Equal(0UL, new ConsoleDevice { EmergencyWrite = false }.Build().Features);
        Assert.Equal(7UL, new ConsoleDevice { Size = new(80, 25), MaxPorts = 2 }.Build().Features);
    }

    [Fact]
    public void Spec_5_3_4_The_config_holds_size_ports_and_a_write_only_word()
    {
        var device = new ConsoleDevice { Size = new(0x102, 0x304), MaxPorts = 5 }.Build();
        Assert.Equal("020104030500000000000000", Convert.ToHexString(ReadConfig(device)));
        Assert.Equal(new string('0', 24), Convert.ToHexString(ReadConfig(new ConsoleDevice().Build())));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Standard_output_errors_and_exit_code_come_out_apart(bool isPacked)
    {
        var (terminal, output, errors, exit) = (new ConsoleEndpoint(), new ConsoleEndpoint(), new ConsoleEndpoint(), new ConsoleEndpoint());
        using var console = new ConsoleBench(
            new ConsoleDevice { Backend = terminal, Ports = [("stdout", output), ("stderr", errors), ("exit", exit)] }, isPacked);
        Assert.Empty(console.Hear());
        console.Tell(0, DeviceReady, 1);
        Assert.Equal(["0 DeviceAdd 0", "1 DeviceAdd 0", "2 DeviceAdd 0", "3 DeviceAdd 0"], console.Hear());
        for (var port = 0u; port < 4; port++)
        {
            console.OpenPort(port);
        }

        Assert.Equal(
            [
                "0 ConsolePort 1", "0 PortOpen 1", "1 PortName 1 stdout", "1 PortOpen 1",
                "2 PortName 1 stderr", "2 PortOpen 1", "3 PortName 1 exit", "3 PortOpen 1",
            ],
            console.Hear());
        console.Write(2, "oops\n");
        console.Write(1, "result\n");
        console.Write(3, "7");
        console.Write(0, "login");
        Assert.Equal(["login", "result\n", "oops\n", "7"], [Receive(terminal), Receive(output), Receive(errors), Receive(exit)]);
    }

    [Fact]
    public async Task A_list_of_names_and_streams_is_a_list_of_ports()
    {
        using var output = new MemoryStream();
        using var errors = new MemoryStream();
        using var console = new ConsoleBench(new ConsoleDevice { Ports = [("stdout", null, output), ("stderr", null, errors)] });
        console.Tell(0, DeviceReady, 1);
        console.OpenPort(1);
        console.OpenPort(2);
        console.Write(1, "out");
        console.Write(2, "err");
        Assert.True(await console.Handler.StopAsync(Cancellation));
        Assert.Equal("out", Encoding.UTF8.GetString(output.ToArray()));
        Assert.Equal("err", Encoding.UTF8.GetString(errors.ToArray()));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_stalled_port_does_not_hold_up_the_others(bool isPacked)
    {
        var (slow, quick) = (new ConsoleEndpoint(8), new ConsoleEndpoint());
        using var console = new ConsoleBench(
            new ConsoleDevice { Backend = slow, Ports = [("quick", quick)] }, isPacked);
        console.Tell(0, DeviceReady, 1);
        console.OpenPort(0);
        console.OpenPort(1);
        var stalled = Enumerable.Range(0, 10).Select(_ => console.Write(0, "0123456789")).ToList();
        for (var i = 0; i < 100; i++)
        {
            Assert.True(console.Write(1, "ok").IsUsed);
        }

        Assert.Equal(200, Receive(quick).Length);
        Assert.DoesNotContain(stalled, t => t.IsUsed);
    }

    [Fact]
    public void Input_waits_until_the_guest_opened_the_port()
    {
        var end = new ConsoleEndpoint();
        using var console = new ConsoleBench(new ConsoleDevice { Ports = [("p", end)] });
        end.Send("early"u8);
        var buffer = console.Give(1);
        Assert.False(buffer.IsUsed);
        console.Tell(0, DeviceReady, 1);
        console.Hear();
        console.Tell(1, PortReady, 1);
        Assert.False(buffer.IsUsed);
        console.Tell(1, PortOpen, 1);
        Assert.Equal("early", console.TextOf(buffer));
        console.Tell(1, PortOpen, 0);
        end.Send("more"u8);
        var next = console.Give(1);
        Assert.False(next.IsUsed);
        console.Tell(1, PortOpen, 1);
        Assert.Equal("more", console.TextOf(next));
    }

    [Fact]
    public void A_driver_that_knows_no_ports_uses_port_0_alone()
    {
        var end = new ConsoleEndpoint();
        using var console = new ConsoleBench(new ConsoleDevice { Backend = end, Ports = [("p", null, null)] }, isMultiPort: false);
        end.Send("in"u8);
        Assert.Equal("in", console.TextOf(console.Give(0)));
        console.Write(0, "out");
        Assert.Equal("out", Receive(end));
    }

    [Fact]
    public void A_host_that_closes_its_end_is_seen_by_the_guest_after_what_it_sent()
    {
        var end = new ConsoleEndpoint();
        using var console = new ConsoleBench(new ConsoleDevice { Ports = [("p", end)] });
        console.Tell(0, DeviceReady, 1);
        console.Hear();
        console.OpenPort(1);
        console.Hear();
        end.Send("last"u8);
        end.CloseOutput();
        end.CloseInput();
        Assert.Empty(console.Overhear());
        Assert.Equal("last", console.TextOf(console.Give(1)));
        Assert.Equal(["1 PortOpen 0"], console.Overhear());
        Assert.True(console.Write(1, "nobody hears this").IsUsed);
        Assert.Equal(17, end.DiscardedBytes);
        end.Open();
        Assert.Equal(["1 PortOpen 1"], console.Hear());
    }

    [Fact]
    public void Ports_come_and_go_while_the_machine_runs()
    {
        using var console = new ConsoleBench(new ConsoleDevice { MaxPorts = 3 });
        console.Tell(0, DeviceReady, 1);
        console.Hear();
        var end = new ConsoleEndpoint();
        Assert.Equal(1, console.Handler.AddPort(("late", end)));
        Assert.Equal(2, console.Handler.AddPort(("later", new ConsoleEndpoint())));
        Assert.Equal(-1, console.Handler.AddPort(("latest", new ConsoleEndpoint())));
        Assert.Equal(["1 DeviceAdd 0", "2 DeviceAdd 0"], console.Hear());
        console.OpenPort(1);
        console.Hear();
        console.Write(1, "x");
        Assert.Equal("x", Receive(end));
        Assert.False(console.Handler.RemovePort(0));
        Assert.False(console.Handler.RemovePort(3));
        Assert.True(console.Handler.RemovePort(1));
        Assert.False(console.Handler.RemovePort(1));
        Assert.Equal(["1 DeviceRemove 0"], console.Hear());
        Assert.True(console.Write(1, "thrown away").IsUsed);
        Assert.Equal("", Receive(end));
        Assert.Equal(1, console.Handler.AddPort(("again", end)));
        Assert.Equal(["1 DeviceAdd 0"], console.Hear());
    }

    [Fact]
    public void A_new_size_is_a_config_change_and_a_message()
    {
        using var console = new ConsoleBench(new ConsoleDevice { Size = new(80, 25), MaxPorts = 2 });
        console.Tell(0, DeviceReady, 1);
        Assert.Equal(["0 DeviceAdd 0"], console.Hear());
        console.OpenPort(0);
        Assert.Equal(["0 ConsolePort 1", "0 Resize 0 80x25"], console.Hear());
        console.Handler.Resize(new(132, 50));
        Assert.Equal(1, console.Bench.ConfigChanges);
        Assert.Equal("84003200", Convert.ToHexString(ReadConfig(console.Handler).AsSpan(0, 4)));
        Assert.Equal(["0 Resize 0 132x50"], console.Hear());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void Spec_5_3_5_1_Emergency_write_works_on_an_unconfigured_device(int width)
    {
        var end = new ConsoleEndpoint(bufferBytes: 2);
        var device = new ConsoleDevice { Backend = end }.Build();
        using var bench = DeviceBench.Create(device);
        Assert.True(device.WriteConfig(8, new byte[] { (byte)'!', 0xff, 0xff, 0xff }.AsSpan(0, width)));
        Assert.Equal("!", Receive(end));
        Assert.False(device.WriteConfig(0, [1]));
        Assert.False(device.WriteConfig(4, [1, 0, 0, 0]));
        for (var i = 0; i < 5; i++)
        {
            Assert.True(device.WriteConfig(8, [65])); // a host that does not read holds up no register
        }

        Assert.Equal(3, bench.Statistics.Failures);
    }

    [Fact]
    public void Control_messages_that_make_no_sense_are_counted_and_given_back()
    {
        using var console = new ConsoleBench(new ConsoleDevice { Ports = [("p", null, null)] });
        foreach (var length in new[] { 1, 7 })
        {
            Assert.True(console.Bench.SubmitAndRun(3, console.Bench.Readable(new byte[length])).IsUsed);
        }

        console.Tell(uint.MaxValue, PortOpen, 1);
        console.Tell(0, (ConsoleControlEvent)99, 1);
        console.Tell(1, DeviceAdd, 0);
        Assert.True(console.Bench.SubmitAndRun(3, console.Bench.Writable(8)).IsUsed);
        Assert.Equal(6, console.Bench.Statistics.Failures);
        Assert.Empty(console.Hear());
    }

    [Fact]
    public void A_control_buffer_that_is_too_small_comes_back_empty_and_the_message_waits_for_the_next()
    {
        using var console = new ConsoleBench(new ConsoleDevice { Ports = [("name", new ConsoleEndpoint())] });
        console.Tell(0, DeviceReady, 1);
        Assert.Equal(0u, Offer(7));
        Assert.Equal(8u, Offer(8));
        Assert.Equal(8u, Offer(3, 5));
        console.Tell(1, PortReady, 1);
        Assert.Equal(0u, Offer(11));
        Assert.Equal(12u, Offer(4, 4, 4));

        uint? Offer(params int[] lengths) =>
            console.Bench.SubmitAndRun(2, [.. lengths.Select(length => console.Bench.Writable(length))]).UsedBytes;
    }

    [Fact]
    public void Impossible_settings_are_refused()
    {
        Refuse(new ConsoleDevice { MaxPorts = 32 }, "32 ports; expected 1 to 31");
        Refuse(new ConsoleDevice { BufferBytes = 0 }, "buffer of 0 bytes");
        Refuse(new ConsoleDevice { Ports = [("", null, null)] }, "name '' has 0 bytes");
        Refuse(new ConsoleDevice { Ports = [("a/b", null, null)] }, "without '/'");
        Refuse(new ConsoleDevice { Ports = [(new string('é', 65), null, null)] }, "has 130 bytes; expected 1 to 128");
        Refuse(new ConsoleDevice { Ports = [("a", null, null), ("a", null, null)] }, "'a' exists twice");
        Refuse(new ConsoleDevice { In = Stream.Null, Backend = new ConsoleEndpoint() }, "both streams and a host end");
    }

    private static void Refuse(ConsoleDevice device, string message) =>
        Assert.Contains(message, Assert.Throws<ArgumentException>(device.Build).Message, StringComparison.Ordinal);

    private static byte[] ReadConfig(ConsoleHandler device)
    {
        var bytes = new byte[device.ConfigSizeBytes];
        Assert.True(device.ReadConfig(0, bytes));
        return bytes;
    }

    private static string Receive(ConsoleEndpoint end)
    {
        var bytes = new byte[1 << 16];
        return Encoding.UTF8.GetString(bytes, 0, end.Receive(bytes));
    }
}
