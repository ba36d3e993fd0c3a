using System.Diagnostics;

namespace Eider.Cli.Tests;

/// <summary>The command as a process of its own, as a user starts it.</summary>
internal static class EiderProcess
{
    public static async Task<(int Code, string Output, string Errors)> RunAsync(string folder, params string[] arguments)
    {
        var token = TestContext.Current.CancellationToken;
        using var process = Start(folder, arguments);
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync(token);
        var errors = process.StandardError.ReadToEndAsync(token);
        await process.WaitForExitAsync(token);
        return (process.ExitCode, await output, await errors);
    }

    /// <summary>
    /// Starts it, with Ctrl-C as a terminal would have it: a shell that runs the tests in its background makes its
    /// children ignore SIGINT.
    /// </summary>
    public static Process Start(string folder, params string[] arguments) =>
        Process.Start(new ProcessStartInfo("env", ["--default-signal=INT", Path.Combine(AppContext.BaseDirectory, "eider"), .. arguments])
        {
            WorkingDirectory = folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
}
