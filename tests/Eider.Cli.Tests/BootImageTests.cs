using System.Text.Json;

namespace Eider.Cli.Tests;

public sealed class BootImageTests
{
    [Fact]
    public async Task A_boot_image_is_made_and_listed()
    {
        using var folder = new TemporaryFolder();
        await File.WriteAllBytesAsync(folder.At("program.bin"), new byte[1500], TestContext.Current.CancellationToken);

        var made = await EiderProcess.RunAsync(folder.Path, "bootimage", "make", "program.bin", "boot.img");
        var listed = await EiderProcess.RunAsync(folder.Path, "bootimage", "list", "--json", "boot.img");

        Assert.Equal(
            (0, "image:   boot.img\nblocks:  3 of 1024 bytes, the first one the header\nprogram: 2048 bytes, for 0x80030000 to 0x800307ff\n", ""), made);
        using var json = JsonDocument.Parse(listed.Output);
        Assert.Equal((3, 2048, 0), (Number("blocks"), Number("program-bytes"), Number("rest-bytes")));
        Assert.Equal(3072, new FileInfo(folder.At("boot.img")).Length);

        long Number(string name) => json.RootElement.GetProperty(name).GetInt64();
    }

    [Theory]
    [InlineData(66, "none: no such file", "bootimage", "make", "none", "boot.img")]
    [InlineData(65, "empty: found an empty file, expected a program", "bootimage", "make", "empty", "boot.img")]
    [InlineData(65, "empty: found 0 bytes, expected a boot image", "bootimage", "list", "empty")]
    [InlineData(65, "empty: found 0 bytes, expected a boot image", "run", "--boot-image", "empty")]
    [InlineData(78, "eider: bootImage: found a kernel and a boot image", "run", "--kernel", "k", "--boot-image", "empty")]
    [InlineData(73, "no/boot.img: cannot be made: its folder does not exist", "bootimage", "make", "program", "no/boot.img")]
    public async Task What_is_wrong_is_told_in_one_line_and_nothing_is_made(int code, string message, params string[] arguments)
    {
        using var folder = new TemporaryFolder();
        await File.WriteAllBytesAsync(folder.At("empty"), [], TestContext.Current.CancellationToken);
        await File.WriteAllBytesAsync(folder.At("program"), [1], TestContext.Current.CancellationToken);

        var result = await EiderProcess.RunAsync(folder.Path, arguments);

        Assert.Equal((code, ""), (result.Code, result.Output));
        Assert.Contains(message, result.Errors, StringComparison.Ordinal);
        Assert.Equal(1, result.Errors.Count(character => character == '\n'));
        Assert.Equal(2, Directory.GetFiles(folder.Path).Length);
    }
}
