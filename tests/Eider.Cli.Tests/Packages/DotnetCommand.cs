using System.Diagnostics;
using System.Text;

namespace Eider.Cli.Tests.Packages;

/// <summary>A program of the host that must succeed; <c>dotnet</c> without what the running tests put into its environment.</summary>
internal static class DotnetCommand
{
    public static async Task<string> RunAsync(string folder, string program, string[] arguments, params (string Name, string Value)[] variables)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var name in start.Environment.Keys.Where(name => name.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase)).ToArray())
        {
            start.Environment.Remove(name);
        }

        foreach (var (name, value) in variables)
        {
            start.Environment[name] = value;
        }

        return await RunAsync(start);
    }

    private static async Task<string> RunAsync(ProcessStartInfo start)
    {
        var token = TestContext.Current.CancellationToken;
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync(token);
        var output = await process.StandardOutput.ReadToEndAsync(token);
        await process.WaitForExitAsync(token);
        var text = new StringBuilder(output).Append(await errors).ToString();
        Assert.True(process.ExitCode == 0, $"{start.FileName} {string.Join(' ', start.ArgumentList)} ended with {process.ExitCode}:\n{text}");
        return output;
    }
}
