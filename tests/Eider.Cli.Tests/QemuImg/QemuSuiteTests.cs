using System.Diagnostics;
using Eider.Testing;

namespace Eider.Cli.Tests.QemuImg;

/// <summary>QEMU's own block tests with our command in the place of qemu-img: <c>.ci/iotests --quick</c>.</summary>
public sealed class QemuSuiteTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("eider-iotests-").FullName;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    [Trait("Category", "Slow")]
    public async Task Whatever_of_the_quick_ones_stock_passes_here_passes_with_our_command()
    {
        if (!OperatingSystem.IsLinux())
        {
            Assert.Skip("the suite runs on Linux");
            return;
        }

        // The command of these sources; './eider' would build another one first.
        var launcher = Path.Combine(_folder, "launcher");
        await File.WriteAllTextAsync(
            launcher, $"#!/bin/sh\nexec '{Path.Combine(AppContext.BaseDirectory, "eider")}' img --compat=qemu \"$@\"\n", Token);
        File.SetUnixFileMode(launcher, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var start = new ProcessStartInfo(Path.Combine(ProjectTree.Root, ".ci", "iotests"), ["--quick"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["EIDER_LAUNCHER"] = launcher;

        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync(Token);
        var report = await process.StandardOutput.ReadToEndAsync(Token) + await errors;
        await process.WaitForExitAsync(Token);

        Assert.True(process.ExitCode == 0, report);
        Assert.DoesNotContain("0 passed", report, StringComparison.Ordinal);
        Assert.Contains(" 0 failed", report, StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
