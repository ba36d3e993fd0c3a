using System.Text;
using Eider.Devices.Virtio.Console;

namespace Eider.Devices.Tests.Virtio.Console;

public sealed class ConsoleStreamPumpTests
{
    private readonly List<Exception> _failures = [];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Input_comes_whole_and_then_ends()
    {
        var bytes = new byte[300_000];
        new Random(1).NextBytes(bytes);
        var end = new ConsoleEndpoint(1000);
        var pump = new ConsoleStreamPump(end, _failures.Add);
        pump.Start(new MemoryStream(bytes), null);
        var got = new MemoryStream();
        var piece = new byte[777];
        while (!end.IsInputEnded)
        {
            got.Write(piece, 0, end.Read(piece));
            await Task.Yield();
        }

        Assert.Equal(bytes, got.ToArray());
        Assert.Empty(_failures);
    }

    [Fact]
    public async Task Stopping_lets_out_what_the_guest_wrote()
    {
        var end = new ConsoleEndpoint();
        var output = new MemoryStream();
        var pump = new ConsoleStreamPump(end, _failures.Add);
        pump.Start(null, output);
        end.Write("last words"u8);
        await pump.Stop();
        Assert.Equal("last words", Encoding.ASCII.GetString(output.ToArray()));
    }

    [Fact]
    public async Task Stopping_does_not_wait_for_a_read_that_nothing_can_end()
    {
        var end = new ConsoleEndpoint();
        var input = new GateStream { IgnoresCancellation = true };
        var pump = new ConsoleStreamPump(end, _failures.Add);
        pump.Start(input, new MemoryStream());
        await pump.Stop().WaitAsync(TimeSpan.FromSeconds(30), Cancellation);
        input.Open();
    }

    [Fact]
    public async Task Stopping_gives_up_on_a_host_that_does_not_read_when_told_to()
    {
        var end = new ConsoleEndpoint();
        var output = new GateStream();
        var pump = new ConsoleStreamPump(end, _failures.Add);
        pump.Start(null, output);
        end.Write("stuck"u8);
        Assert.False(await pump.StopAsync(new CancellationToken(canceled: true)));
        Assert.Empty(output.Written);
    }

    [Fact]
    public async Task A_host_stream_that_fails_is_reported_and_does_not_hold_up_the_guest()
    {
        var end = new ConsoleEndpoint(4);
        var broken = new IOException("broken pipe");
        var pump = new ConsoleStreamPump(end, _failures.Add);
        pump.Start(null, new GateStream { Failure = broken });
        end.Write("abcdefgh"u8);
        while (end.DiscardedBytes == 0)
        {
            end.Write("more"u8);
            await Task.Yield();
        }

        Assert.Same(broken, Assert.Single(_failures));
    }

    [Fact]
    public async Task End_of_input_is_read_once()
    {
        var end = new ConsoleEndpoint();
        var input = new GateStream();
        var pump = new ConsoleStreamPump(end, _failures.Add);
        pump.Start(input, new MemoryStream());
        input.Open();
        while (!end.IsInputEnded)
        {
            await Task.Yield();
        }

        Assert.Equal(1, input.Reads);
    }
}
