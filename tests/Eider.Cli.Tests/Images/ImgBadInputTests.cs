using System.Diagnostics;

namespace Eider.Cli.Tests.Images;

/// <summary>Wrong input of eider img: one line, a code of the table, the source as it was, no target left behind.</summary>
public sealed class ImgBadInputTests : IDisposable
{
    private readonly ImgFixture _img = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(64, "see eider img convert --help", "convert", "--bogus", "a", "b")]
    [InlineData(64, "see eider img --help", "bogus")]
    [InlineData(64, "SIZE 'lots'", "create", "a", "lots")]
    [InlineData(64, "--format vmdk: expected raw, qcow2, luks", "create", "-f", "vmdk", "a", "1M")]
    [InlineData(64, "unknown option 'speed' for qcow2", "create", "-f", "qcow2", "-o", "speed=9", "a", "1M")]
    [InlineData(64, "found cluster_size=3000", "create", "-f", "qcow2", "-o", "cluster_size=3000", "a", "1M")]
    [InlineData(64, "compat=0.10", "create", "-f", "qcow2", "-o", "compat=0.10,refcount_bits=8", "a", "1M")]
    [InlineData(64, "without its format", "create", "-f", "qcow2", "-b", "disk.raw", "a")]
    [InlineData(64, "SIZE is missing", "create", "-f", "qcow2", "a")]
    [InlineData(66, "no.raw", "create", "-f", "qcow2", "-b", "no.raw", "-F", "raw", "a")]
    [InlineData(73, "its folder does not exist", "create", "no/such/a", "1M")]
    [InlineData(64, "raw cannot be compressed", "convert", "-c", "disk.raw", "a")]
    [InlineData(64, "-n and options", "convert", "-n", "-O", "qcow2", "-o", "compat=1.1", "disk.raw", "a")]
    [InlineData(64, "--target-is-zero needs -n", "convert", "--target-is-zero", "disk.raw", "a")]
    [InlineData(64, "--level 99: expected 1 to 9", "convert", "-c", "--level", "99", "-O", "qcow2", "disk.raw", "a")]
    [InlineData(64, "are one file", "convert", "disk.raw", "./disk.raw")]
    [InlineData(64, "--cache fast: expected one of none", "convert", "-t", "fast", "disk.raw", "a")]
    [InlineData(64, "--sparse 1000", "convert", "-S", "1000", "disk.raw", "a")]
    [InlineData(64, "exclude each other", "convert", "--allow-chain", "--within", ".", "disk.raw", "a")]
    [InlineData(66, "none.raw", "convert", "none.raw", "a")]
    [InlineData(66, "--within nowhere", "info", "--within", "nowhere", "disk.raw")]
    [InlineData(65, "found format 'vdi'", "info", "-f", "vdi", "disk.raw")]
    [InlineData(65, "disk.raw", "info", "-f", "qcow2", "disk.raw")]
    [InlineData(65, "disk.raw", "convert", "-f", "luks", "disk.raw", "a")]
    [InlineData(65, "no image behind it", "commit", "--allow-chain", "disk.raw")]
    [InlineData(65, "not in qcow2 format", "rebase", "-u", "-b", "x", "-F", "raw", "-f", "qcow2", "short.qcow2")]
    [InlineData(64, "expected either FILE or --size", "measure")]
    [InlineData(64, "has no options to change", "amend", "-o", "compat=1.1", "disk.raw")]
    [InlineData(64, "expected if=FILE and of=FILE", "dd", "if=disk.raw")]
    [InlineData(64, "the disk has", "bench", "-s", "16M", "disk.raw")]
    [InlineData(66, "--key-file none", "info", "--key-file", "none", "disk.raw")]
    [InlineData(64, "Argument 'x' not recognized", "checksum", "--progress=x", "disk.raw")]
    public async Task A_wrong_command_is_refused_in_one_line_and_leaves_nothing(int code, string message, params string[] arguments)
    {
        await _img.MakeDiskAsync("disk.raw", 1 << 20);
        await File.WriteAllBytesAsync(_img.Folder.At("short.qcow2"), "QFI\u00fb"u8.ToArray(), Token);
        await AssertRefusedAsync(code, message, ["disk.raw", "short.qcow2"], arguments);
    }

    [Theory]
    [InlineData(10)]
    [InlineData(100)]
    [InlineData(70_000)]
    [InlineData(200_000)]
    [InlineData(400_000)]
    [InlineData(600_000)]
    public async Task A_truncated_image_is_refused_and_no_target_is_made(int length)
    {
        await _img.MakeDiskAsync("disk.raw", 1 << 20);
        await _img.QemuAsync("convert", "-f", "raw", "-O", "qcow2", "disk.raw", "disk.qcow2");
        using (var file = File.OpenWrite(_img.Folder.At("disk.qcow2")))
        {
            file.SetLength(length);
        }

        await AssertRefusedAsync(null, "disk.qcow2", ["disk.qcow2", "disk.raw"], "convert", "-f", "qcow2", "disk.qcow2", "out.raw");
    }

    [Fact]
    public async Task A_full_disk_in_the_middle_leaves_the_old_target()
    {
        await _img.MakeDiskAsync("disk.raw", 6 << 20);
        var command = $"mount -t tmpfs -o size=2M none {_img.Folder.At("small")} && echo old >{_img.Folder.At("small/out.qcow2")} && "
            + $"\"$0\" img convert -O qcow2 {_img.Folder.At("disk.raw")} {_img.Folder.At("small/out.qcow2")}; code=$?; "
            + $"ls {_img.Folder.At("small")}; cat {_img.Folder.At("small/out.qcow2")}; exit $code";
        Directory.CreateDirectory(_img.Folder.At("small"));
        using var process = Process.Start(new ProcessStartInfo(
            "unshare", ["--map-root-user", "--mount", "sh", "-c", command, Path.Combine(AppContext.BaseDirectory, "eider")])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var errors = await process.StandardError.ReadToEndAsync(Token);
        var output = await process.StandardOutput.ReadToEndAsync(Token);
        await process.WaitForExitAsync(Token);
        Assert.Equal("out.qcow2\nold\n", output);
        Assert.Matches("^eider: .*out\\.qcow2: .*No space left on device\n$", errors);
        Assert.Equal(74, process.ExitCode);
    }

    [Fact]
    public async Task A_missing_backing_file_is_named()
    {
        await _img.QemuAsync("create", "-q", "-f", "qcow2", "-u", "-b", "gone.raw", "-F", "raw", "top.qcow2", "1M");
        await AssertRefusedAsync(66, "gone.raw", ["top.qcow2"], "convert", "--allow-chain", "top.qcow2", "out.raw");
        await AssertRefusedAsync(66, "--allow-chain", ["top.qcow2"], "convert", "top.qcow2", "out.raw");
    }

    [Fact]
    public async Task A_guessed_format_opens_no_other_file_even_where_files_are_allowed()
    {
        await _img.MakeDiskAsync("secret", 1 << 20);
        await _img.QemuAsync("create", "-q", "-f", "qcow2", "-b", "secret", "-F", "raw", "guest.img");
        await AssertRefusedAsync(66, "only guessed: say -f qcow2", ["guest.img", "secret"], "convert", "--allow-chain", "guest.img", "out");
        await _img.RunAsync("convert", "--allow-chain", "-f", "qcow2", "guest.img", "out");
        File.Move(_img.Folder.At("guest.img"), _img.Folder.At("guest.raw"));
        Assert.Equal("raw", (await _img.JsonAsync("info", "guest.raw")).GetProperty("format").GetString());
    }

    [Fact]
    public async Task A_locked_image_is_refused_for_reading_and_as_a_target()
    {
        await _img.QemuAsync("create", "-q", "-f", "qcow2", "disk.qcow2", "1M");
        await _img.MakeDiskAsync("disk.raw", 1 << 20);
        using var holder = Process.Start(new ProcessStartInfo("qemu-io", ["-f", "qcow2", _img.Folder.At("disk.qcow2")])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
        await holder.StandardInput.WriteLineAsync("length");
        await holder.StandardInput.FlushAsync(Token);
        await holder.StandardOutput.ReadLineAsync(Token);
        await AssertRefusedAsync(75, "has it open", ["disk.qcow2", "disk.raw"], "info", "disk.qcow2");
        await AssertRefusedAsync(75, "has it open", ["disk.qcow2", "disk.raw"], "convert", "-O", "qcow2", "disk.raw", "disk.qcow2");
        await _img.RunAsync("info", "-U", "disk.qcow2");
        await holder.StandardInput.WriteLineAsync("quit");
        await holder.WaitForExitAsync(Token);
    }

    [Fact]
    public async Task An_encrypted_image_without_its_key_or_with_a_wrong_one_is_refused()
    {
        await File.WriteAllTextAsync(_img.Folder.At("key"), "secret", Token);
        await File.WriteAllTextAsync(_img.Folder.At("wrong"), "guess", Token);
        await _img.RunAsync("create", "-f", "luks", "-o", "iter-time=10", "--key-file", "key", "disk.luks", "1M");
        string[] files = ["disk.luks", "key", "wrong"];
        await AssertRefusedAsync(66, "--key-file", files, "convert", "disk.luks", "out");
        await AssertRefusedAsync(66, "passphrase", files, "convert", "--key-file", "wrong", "disk.luks", "out");
        Assert.True((await _img.JsonAsync("info", "disk.luks")).GetProperty("encrypted").GetBoolean());
        await AssertRefusedAsync(64, "passphrase", files, "create", "-f", "luks", "new.luks", "1M");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Ctrl_C_leaves_the_old_file_or_none(bool isThere)
    {
        await _img.MakeDiskAsync("disk.raw", 4 << 20);
        if (isThere)
        {
            await File.WriteAllTextAsync(_img.Folder.At("out.qcow2"), "old", Token);
        }

        using var process = EiderProcess.Start(_img.Folder.Path, "img", "convert", "-r", "100K", "-O", "qcow2", "disk.raw", "out.qcow2");
        for (var wait = 0; wait < 600 && !_img.Files().Any(name => name.EndsWith(".part", StringComparison.Ordinal)); wait++)
        {
            await Task.Delay(50, Token);
        }

        using var kill = Process.Start("kill", ["-INT", $"{process.Id}"]);
        await process.WaitForExitAsync(Token);
        Assert.Equal(130, process.ExitCode);
        Assert.Matches("^eider: stopped[^\n]*\n$", await process.StandardError.ReadToEndAsync(Token));
        Assert.Equal(isThere ? ["disk.raw", "out.qcow2"] : ["disk.raw"], _img.Files());
        if (isThere)
        {
            Assert.Equal("old", await File.ReadAllTextAsync(_img.Folder.At("out.qcow2"), Token));
        }
    }

    public void Dispose() => _img.Dispose();

    private async Task AssertRefusedAsync(int? code, string message, string[] files, params string[] arguments)
    {
        var before = files.ToDictionary(name => name, name => File.ReadAllBytes(_img.Folder.At(name)));
        var result = await _img.TryAsync(arguments);
        Assert.Equal("", result.Output);
        Assert.StartsWith("eider: ", result.Errors, StringComparison.Ordinal);
        Assert.Equal(1, result.Errors.Count(character => character == '\n'));
        Assert.Contains(message, result.Errors, StringComparison.Ordinal);
        Assert.True(code == null ? result.Code is 65 or 74 : code == result.Code, $"exit {result.Code}: {result.Errors}");
        Assert.Equal(files.Order(), _img.Files());
        Assert.All(before, pair => Assert.Equal(pair.Value, File.ReadAllBytes(_img.Folder.At(pair.Key))));
    }
}
