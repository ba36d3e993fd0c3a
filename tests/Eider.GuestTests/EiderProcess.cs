using System.Diagnostics;

namespace Eider.GuestTests;

/// <summary>The command as a process of its own, as a user starts it.</summary>
internal static class EiderProcess
{
    /// <summary>Runs it to its end.</summary>
    public static async Task<CommandResult> RunAsync(params string[] arguments)
    {
        using var process = Start(arguments);
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        var errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return new CommandResult(process.ExitCode, await output, await errors);
    }

    /// <summary>Runs a command in the quickstart guest.</summary>
    public static Task<CommandResult> QuickstartAsync(string release, string command, params string[] options)
    {
        string[] selfTests = GuestSuite.HasSelfTests ? ["--append", "cryptomgr.notests=0"] : [];
        return RunAsync(["quickstart", "--release", release, .. selfTests, .. options, "--run", command]);
    }

    /// <summary>
    /// Starts it, with Ctrl-C as a terminal would have it: a shell that runs the tests in its background makes its
    /// children ignore SIGINT.
    /// </summary>
    public static Process Start(params string[] arguments) =>
        Process.Start(new ProcessStartInfo(
            "env", ["--default-signal=INT", Path.Combine(AppContext.BaseDirectory, "eider"), .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
}
