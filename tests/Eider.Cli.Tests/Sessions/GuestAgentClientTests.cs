using System.Text;
using Eider.Cli.Sessions;

namespace Eider.Cli.Tests.Sessions;

public sealed class GuestAgentClientTests
{
    [Fact]
    public async Task A_command_s_output_errors_and_code_come_back_apart()
    {
        var token = TestContext.Current.CancellationToken;
        var client = new GuestAgentClient();
        var (output, errors) = (new MemoryStream(), new MemoryStream());
        var run = client.RunAsync("echo 'ä'\nexit 7", output, errors, token);

        client.Control.Write("ready\n"u8);
        var header = (await ReadAsync(client, until: "\n", token)).TrimEnd().Split(' ');
        Assert.Equal("run", header[0]);
        var script = await ReadBytesAsync(client, int.Parse(header[1], System.Globalization.CultureInfo.InvariantCulture), token);
        Assert.Equal("echo 'ä'\nexit 7", Encoding.UTF8.GetString(script));

        client.Output.Write(Encoding.UTF8.GetBytes("out\n" + header[2]));
        client.Errors.Write(Encoding.UTF8.GetBytes("err\n" + header[2]));
        client.Control.Write("exit 7\n"u8);

        Assert.Equal(7, await run);
        Assert.Equal("off\n", await ReadAsync(client, until: "\n", token));
        Assert.Equal("out\n", Encoding.UTF8.GetString(output.ToArray()));
        Assert.Equal("err\n", Encoding.UTF8.GetString(errors.ToArray()));
    }

    [Fact]
    public async Task A_guest_that_ends_early_gives_no_code_but_all_that_it_wrote()
    {
        var client = new GuestAgentClient();
        var output = new MemoryStream();
        var run = client.RunAsync("sleep 9", output, Stream.Null, TestContext.Current.CancellationToken);

        client.Output.Write("half a li"u8);
        client.MachineStopped();

        Assert.Null(await run);
        Assert.Equal("half a li", Encoding.UTF8.GetString(output.ToArray()));
    }

    [Fact]
    public async Task An_output_that_takes_no_more_ends_the_conversation_though_the_command_goes_on()
    {
        var client = new GuestAgentClient();
        var run = client.RunAsync("yes", new ClosedPipe(), Stream.Null, TestContext.Current.CancellationToken);

        client.Output.Write("y\ny\n"u8);

        await Assert.ThrowsAsync<IOException>(() => run.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken));
    }

    private static async Task<string> ReadAsync(GuestAgentClient client, string until, CancellationToken token)
    {
        var text = "";
        while (!text.EndsWith(until, StringComparison.Ordinal))
        {
            text += Encoding.UTF8.GetString(await ReadBytesAsync(client, 1, token));
        }

        return text;
    }

    private static async Task<byte[]> ReadBytesAsync(GuestAgentClient client, int count, CancellationToken token)
    {
        var bytes = new byte[count];
        for (var got = 0; got < count;)
        {
            var read = client.Control.Read(bytes.AsSpan(got));
            got += read;
            await Task.Delay(read == 0 ? 1 : 0, token);
        }

        return bytes;
    }

    private sealed class ClosedPipe : MemoryStream
    {
        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
            ValueTask.FromException(new IOException("Broken pipe"));
    }
}
