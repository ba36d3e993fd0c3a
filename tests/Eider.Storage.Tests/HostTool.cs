using System.Diagnostics;

namespace Eider.Storage.Tests;

/// <summary>Runs a program of the host, such as qemu-img, that judges what we write and writes what we read.</summary>
internal static class HostTool
{
    /// <summary>Runs it to its end; anything but success fails the test.</summary>
    public static string Run(string program, params string[] arguments)
    {
        var (exitCode, output) = Try(program, arguments);

        // QEMU measures its own speed when it makes a LUKS volume, and gives up on a busy machine.
        for (var again = 0; again < 20 && output.Contains("accurate CPU usage", StringComparison.Ordinal); again++)
        {
            (exitCode, output) = Try(program, arguments);
        }

        Assert.True(exitCode == 0, $"{program} {string.Join(' ', arguments)}: exit {exitCode}: {output}");
        return output;
    }

    /// <summary>Runs it to its end.</summary>
    public static (int ExitCode, string Output) Try(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output + errors.Result);
    }
}
