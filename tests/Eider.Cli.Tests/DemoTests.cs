namespace Eider.Cli.Tests;

/// <summary>The bare-metal guest that ships with the command, on the whole machine.</summary>
public sealed class DemoTests
{
    [Fact]
    public async Task The_demo_drives_console_disk_and_entropy_and_says_what_it_saw()
    {
        using var folder = new TemporaryFolder();

        var (code, output, errors) = await EiderProcess.RunAsync(folder.Path, "demo");

        Assert.Equal((0, ""), (code, errors));
        Assert.Contains("disk: 'eider-demo', 2048 sectors\n", output, StringComparison.Ordinal);
        Assert.Contains("wrote 2 sectors, flushed, read them back: the same bytes\n", output, StringComparison.Ordinal);
        Assert.Matches("entropy: [0-9a-f]{32}\n", output);
        Assert.Contains("demo: all is well\n", output, StringComparison.Ordinal);
        Assert.Contains("eider: vda: 5 requests", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_version_is_one_line()
    {
        using var folder = new TemporaryFolder();

        var (code, output, _) = await EiderProcess.RunAsync(folder.Path, "--version");

        Assert.Equal(0, code);
        Assert.Matches(@"^\d+\.\d+\.\d+\n$", output);
    }

    [Fact]
    public async Task A_trace_names_category_source_and_operation()
    {
        using var folder = new TemporaryFolder();

        var (code, _, _) = await EiderProcess.RunAsync(folder.Path, "demo", "--trace", "virtio,blk", "--trace-file", "trace");

        Assert.Equal(0, code);
        var lines = await File.ReadAllLinesAsync(folder.At("trace"), TestContext.Current.CancellationToken);
        Assert.Contains(lines, line => line.StartsWith("blk vda write 0x200 1024 ", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.StartsWith("virtio rng notify ", StringComparison.Ordinal));
        Assert.DoesNotContain(lines, line => line.StartsWith("mmio", StringComparison.Ordinal));
    }
}
