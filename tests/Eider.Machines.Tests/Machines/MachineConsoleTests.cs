using System.Text;

namespace Eider.Machines.Tests.Machines;

public sealed class MachineConsoleTests
{
    private static readonly TimeSpan Short = TimeSpan.FromMilliseconds(50);

    private readonly MachineConsole _console = new();

    [Fact]
    public async Task Waiting_takes_everything_up_to_the_text_and_the_next_wait_goes_on_behind_it()
    {
        GuestWrites("boot\r\nlogin: root\r\n# ");
        Assert.Equal("boot\r\nlogin: ", await _console.WaitForAsync("login: "));
        Assert.Equal("root\r\n# ", await _console.WaitForAsync("# "));
        var next = _console.WaitForAsync("# ");
        Assert.False(next.IsCompleted);
        foreach (var character in "ls\r\na b\r\n# ")
        {
            GuestWrites(character.ToString());
        }

        Assert.Equal("ls\r\na b\r\n# ", await next);
    }

    [Fact]
    public async Task Running_a_command_gives_its_output_without_echo_and_prompt()
    {
        var answer = _console.RunAsync("uname");
        var typed = new byte[10];
        Assert.Equal(6, _console.Read(typed));
        Assert.Equal("uname\n", Encoding.ASCII.GetString(typed, 0, 6));
        GuestWrites("uname\r\nLinux\r\n# ");
        Assert.Equal("Linux\n", await answer);
    }

    [Fact]
    public async Task A_wait_that_takes_too_long_says_what_came_instead()
    {
        GuestWrites("Kernel panic");
        var error = await Assert.ThrowsAsync<TimeoutException>(() => _console.WaitForAsync("# ", Short));
        Assert.Contains("Kernel panic", error.Message, StringComparison.Ordinal);
        GuestWrites("# ");
        Assert.Equal("Kernel panic# ", await _console.WaitForAsync("# "));
    }

    [Fact]
    public async Task Two_waits_at_once_are_refused()
    {
        var first = _console.WaitForAsync("x");
        await Assert.ThrowsAsync<InvalidOperationException>(() => _console.WaitForAsync("y"));
        GuestWrites("x");
        await first;
    }

    [Fact]
    public async Task Prompts_are_answered_at_once_and_in_order()
    {
        _console.AnswerWhen("login: ", "root\n");
        _console.AnswerWhen("login: ", "again\n");
        var changes = 0;
        _console.Changed += (_, _) => changes++;
        GuestWrites("login: ");
        Assert.Equal("root\n", Typed());
        GuestWrites("... login: ");
        Assert.Equal("again\n", Typed());
        Assert.Equal(2, changes);
        await _console.WaitForAsync("... login: ");
    }

    [Fact]
    public async Task Sending_waits_while_the_guest_does_not_read()
    {
        var sending = _console.SendAsync(new byte[100_000], TestContext.Current.CancellationToken);
        Assert.False(sending.IsCompleted);
        var buffer = new byte[1000];
        var total = 0;
        while (total < 100_000)
        {
            total += _console.Read(buffer);
            await Task.Yield();
        }

        await sending;
    }

    [Fact]
    public async Task A_flood_keeps_the_latest_mebibyte()
    {
        var line = Encoding.ASCII.GetBytes(new string('x', 1023) + "\n");
        for (var i = 0; i < 10_000; i++)
        {
            _console.Write(line);
        }

        GuestWrites("end");
        Assert.EndsWith("end", await _console.WaitForAsync("end"), StringComparison.Ordinal);
        Assert.InRange(_console.Transcript.Length, 1 << 20, 2 << 20);
    }

    private void GuestWrites(string text) => _console.Write(Encoding.UTF8.GetBytes(text));

    private string Typed()
    {
        var bytes = new byte[100];
        return Encoding.ASCII.GetString(bytes, 0, _console.Read(bytes));
    }
}
