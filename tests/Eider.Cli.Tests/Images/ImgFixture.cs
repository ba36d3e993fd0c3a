using System.Diagnostics;
using System.Text.Json;

namespace Eider.Cli.Tests.Images;

/// <summary>Runs eider img in a folder of its own, beside qemu-img and qemu-io, the independent judges.</summary>
internal sealed class ImgFixture : IDisposable
{
    public TemporaryFolder Folder { get; } = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>Runs a command that must succeed; returns what it prints.</summary>
    public async Task<string> RunAsync(params string[] arguments)
    {
        var (code, output, errors) = await TryAsync(arguments);
        Assert.True(code == 0, $"eider img {string.Join(' ', arguments)}: exit {code}: {errors}{output}");
        return output;
    }

    /// <summary>Runs a command.</summary>
    public Task<(int Code, string Output, string Errors)> TryAsync(params string[] arguments) =>
        EiderProcess.RunAsync(Folder.Path, ["img", .. arguments]);

    /// <summary>Runs a command with --json and reads what it prints.</summary>
    public async Task<JsonElement> JsonAsync(params string[] arguments) =>
        JsonDocument.Parse(await RunAsync([.. arguments, "--json"])).RootElement;

    /// <summary>Runs qemu-img, which must succeed.</summary>
    public Task<string> QemuAsync(params string[] arguments) => ToolAsync("qemu-img", arguments);

    /// <summary>Runs qemu-img, which may fail.</summary>
    public async Task<(int Code, string Output)> TryQemuAsync(params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo("qemu-img", arguments)
        {
            WorkingDirectory = Folder.Path,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var errors = process.StandardError.ReadToEndAsync(Token);
        var output = await process.StandardOutput.ReadToEndAsync(Token);
        await process.WaitForExitAsync(Token);
        await errors;
        return (process.ExitCode, output);
    }

    /// <summary>Runs commands of qemu-io on an image.</summary>
    public async Task IoAsync(string format, string file, params string[] commands)
    {
        var output = await ToolAsync("qemu-io", ["-f", format, .. commands.SelectMany(command => new[] { "-c", command }), file]);
        Assert.DoesNotContain("failed", output, StringComparison.Ordinal);
    }

    /// <summary>A raw disk with random bytes, text and holes, as long as asked for.</summary>
    public async Task<byte[]> MakeDiskAsync(string name, int length, int seed = 1)
    {
        var random = new Random(seed);
        var content = new byte[length];
        for (var at = 0; at < length; at += 50_000)
        {
            var run = content.AsSpan(at, Math.Min(50_000, length - at));
            switch (random.Next(3))
            {
                case 0:
                    random.NextBytes(run);
                    break;
                case 1:
                    run.Fill((byte)('a' + random.Next(20)));
                    break;
                default:
                    break;
            }
        }

        await File.WriteAllBytesAsync(Folder.At(name), content, Token);
        return content;
    }

    /// <summary>What an image reads as, by the word of qemu-img.</summary>
    public async Task<byte[]> ContentAsync(string format, string file)
    {
        await QemuAsync("convert", "-f", format, "-O", "raw", file, "content.judge");
        var bytes = await File.ReadAllBytesAsync(Folder.At("content.judge"), Token);
        File.Delete(Folder.At("content.judge"));
        return bytes;
    }

    /// <summary>The files in the folder.</summary>
    public string[] Files() => [.. Directory.GetFileSystemEntries(Folder.Path).Select(Path.GetFileName).Order()!];

    public void Dispose() => Folder.Dispose();

    private async Task<string> ToolAsync(string program, string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = Folder.Path,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var errors = process.StandardError.ReadToEndAsync(Token);
        var output = await process.StandardOutput.ReadToEndAsync(Token);
        await process.WaitForExitAsync(Token);
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)}: exit {process.ExitCode}: {output}{await errors}");
        return output;
    }
}
