using System.Diagnostics;
using System.Text;

namespace Eider.GuestTests;

/// <summary>The shell in a terminal; <c>script</c> (package bsdutils, always there on Debian) makes one.</summary>
[Trait("Category", "Slow")]
public sealed class TerminalTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    [Fact]
    public async Task Keys_go_to_the_guest_one_by_one_Ctrl_A_X_leaves_and_the_terminal_is_put_back()
    {
        var eider = Path.Combine(AppContext.BaseDirectory, "eider");
        using var terminal = Process.Start(new ProcessStartInfo(
            "script", ["--quiet", "--flush", "--command", $"env --default-signal=INT {eider} quickstart --quiet; echo code $?; stty -a", "/dev/null"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
        try
        {
            await WaitForAsync(terminal, "eider:~# ");
            await TypeAsync(terminal, "\u0003"); // Ctrl-C: the guest's, a new prompt follows
            await WaitForAsync(terminal, "eider:~# ");
            await TypeAsync(terminal, "echo al''ive\n"); // as a word only in the answer, not in the echo
            await WaitForAsync(terminal, "alive");
            await TypeAsync(terminal, "\u0001x");

            var rest = await WaitForAsync(terminal, "echoke");

            Assert.Contains("code 0", rest, StringComparison.Ordinal);
            Assert.Contains(" icanon", rest, StringComparison.Ordinal);
            Assert.DoesNotContain("-icanon", rest, StringComparison.Ordinal);
            Assert.DoesNotContain("-echo ", rest, StringComparison.Ordinal);
        }
        finally
        {
            terminal.Kill(entireProcessTree: true);
        }
    }

    private static async Task TypeAsync(Process terminal, string keys)
    {
        await terminal.StandardInput.WriteAsync(keys.AsMemory(), TestContext.Current.CancellationToken);
        await terminal.StandardInput.FlushAsync(TestContext.Current.CancellationToken);
    }

    private static async Task<string> WaitForAsync(Process terminal, string text)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(Patience);
        var seen = new StringBuilder();
        var piece = new char[256];
        while (!seen.ToString().Contains(text, StringComparison.Ordinal))
        {
            var length = await terminal.StandardOutput.ReadAsync(piece, patience.Token);
            Assert.True(length > 0, $"the terminal ended before '{text}' came: {seen}");
            seen.Append(piece, 0, length);
        }

        return seen.ToString();
    }
}
