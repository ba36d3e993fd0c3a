using System.Text.Json;

namespace Eider.Cli.Tests.Images;

/// <summary>eider img bitmap, and bitmaps in the other commands, judged by qemu-img.</summary>
public sealed class ImgBitmapTests : IDisposable
{
    private readonly ImgFixture _img = new();

    [Fact]
    public async Task Bitmaps_are_what_qemu_finds_and_go_along_with_a_conversion()
    {
        await _img.MakeDiskAsync("disk.raw", 4 << 20);
        await _img.RunAsync("create", "-f", "qcow2", "a.qcow2", "4M");
        await _img.RunAsync("bitmap", "a.qcow2", "one", "--add");
        await _img.RunAsync("bitmap", "a.qcow2", "two", "--add", "--disable", "-g", "4K");
        await _img.RunAsync("convert", "-n", "-O", "qcow2", "disk.raw", "a.qcow2");
        await _img.RunAsync("bitmap", "a.qcow2", "three", "--add", "-g", "1M", "--merge", "one", "--merge", "two");
        await _img.RunAsync("convert", "-O", "qcow2", "--bitmaps", "a.qcow2", "b.qcow2");
        var expected = "[('one', 65536, 'auto'), ('two', 4096, ''), ('three', 1048576, 'auto')]";
        foreach (var file in new[] { "a.qcow2", "b.qcow2" })
        {
            await _img.QemuAsync("check", "-q", "-f", "qcow2", file);
            using var theirs = JsonDocument.Parse(await _img.QemuAsync("info", "--output=json", file));
            Assert.Equal(expected, Print(BitmapsOf(theirs.RootElement)));
            Assert.Equal(expected, Print(BitmapsOf(await _img.JsonAsync("info", file))));
            Assert.Equal(expected, Print(await _img.JsonAsync("bitmap", file)));
        }

        foreach (var (name, bytes) in new[] { ("one", 4 << 20), ("two", 0), ("three", 4 << 20) })
        {
            var one = Assert.Single((await _img.JsonAsync("bitmap", "b.qcow2", name)).EnumerateArray());
            Assert.Equal(bytes, one.GetProperty("dirty-bytes").GetInt64());
        }

        using var measured = JsonDocument.Parse(await _img.QemuAsync("measure", "--output=json", "-O", "qcow2", "b.qcow2"));
        Assert.Equal(
            measured.RootElement.GetProperty("bitmaps").GetInt64(),
            (await _img.JsonAsync("measure", "-O", "qcow2", "b.qcow2")).GetProperty("bitmaps").GetInt64());
        Assert.Contains("\n  two                      4 KiB    disabled\n", await _img.RunAsync("info", "b.qcow2"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_bitmap_that_was_in_use_is_told_skipped_and_removed()
    {
        await _img.QemuAsync("create", "-q", "-f", "qcow2", "a.qcow2", "1M");
        await _img.QemuAsync("bitmap", "--add", "a.qcow2", "broken");
        await _img.QemuAsync("bitmap", "--add", "--disable", "a.qcow2", "good");
        await SetInUseAsync("a.qcow2");
        Assert.Contains("broken                   64 KiB   inconsistent: ", await _img.RunAsync("info", "a.qcow2"), StringComparison.Ordinal);
        var (code, _, errors) = await _img.TryAsync("convert", "--bitmaps", "-O", "qcow2", "a.qcow2", "b.qcow2");
        Assert.True(code == 65 && errors.StartsWith("eider: a.qcow2: bitmap 'broken' cannot be copied: ", StringComparison.Ordinal), errors);
        Assert.Equal(["a.qcow2"], _img.Files());
        (code, _, errors) = await _img.TryAsync("convert", "--bitmaps", "--skip-broken-bitmaps", "-O", "qcow2", "a.qcow2", "b.qcow2");
        Assert.True(code == 0 && errors.StartsWith("eider: bitmap 'broken' is left out: ", StringComparison.Ordinal), errors);
        Assert.Equal("[('good', 65536, '')]", Print(await _img.JsonAsync("bitmap", "b.qcow2")));
        foreach (var change in new[] { "--clear", "--enable", "--disable" })
        {
            Assert.Equal(65, (await _img.TryAsync("bitmap", change, "a.qcow2", "broken")).Code);
        }

        await _img.RunAsync("bitmap", "--remove", "a.qcow2", "broken");
        await _img.QemuAsync("check", "-q", "a.qcow2");
    }

    [Theory]
    [InlineData(64, "--add", "a.qcow2")]
    [InlineData(64, "-g", "4K", "a.qcow2", "b")]
    [InlineData(64, "--add", "-b", "a.qcow2", "a.qcow2", "b")]
    [InlineData(64, "--merge", "b", "-F", "qcow2", "a.qcow2", "b")]
    [InlineData(65, "--add", "-g", "1000", "a.qcow2", "b")]
    [InlineData(65, "--add", "-g", "0", "a.qcow2", "b")]
    [InlineData(65, "--add", "a.qcow2", "")]
    [InlineData(65, "--add", "--add", "a.qcow2", "b")]
    [InlineData(65, "--remove", "a.qcow2", "b")]
    [InlineData(65, "--merge", "c", "a.qcow2", "b")]
    [InlineData(65, "a.qcow2", "b")]
    [InlineData(66, "--add", "none.qcow2", "b")]
    [InlineData(65, "--add", "-f", "raw", "a.qcow2", "b")]
    public async Task What_cannot_be_is_told_in_one_line_with_its_exit_code(int expected, params string[] arguments)
    {
        await _img.RunAsync("create", "-f", "qcow2", "a.qcow2", "1M");
        var (code, output, errors) = await _img.TryAsync(["bitmap", .. arguments]);
        Assert.True(code == expected, $"exit {code}, expected {expected}: {errors}");
        Assert.Equal("", output);
        Assert.True(errors.StartsWith("eider: ", StringComparison.Ordinal) && errors.TrimEnd('\n').Split('\n').Length == 1, errors);
    }

    /// <inheritdoc/>
    public void Dispose() => _img.Dispose();

    private static JsonElement BitmapsOf(JsonElement info) => info.GetProperty("format-specific").GetProperty("data").GetProperty("bitmaps");

    private static string Print(JsonElement bitmaps) => "[" + string.Join(", ", bitmaps.EnumerateArray().Select(bitmap =>
        $"('{bitmap.GetProperty("name")}', {bitmap.GetProperty("granularity")}, '{string.Join(' ', bitmap.GetProperty("flags").EnumerateArray())}')")) + "]";

    /// <summary>Sets the flag of the first bitmap, as a program leaves it that was killed.</summary>
    private async Task SetInUseAsync(string file)
    {
        var path = _img.Folder.At(file);
        var bytes = await File.ReadAllBytesAsync(path, TestContext.Current.CancellationToken);
        var extension = bytes.AsSpan().IndexOf((ReadOnlySpan<byte>)[0x23, 0x85, 0x28, 0x75]);
        var directory = (int)System.Buffers.Binary.BinaryPrimitives.ReadInt64BigEndian(bytes.AsSpan(extension + 24));
        bytes[directory + 15] |= 1;
        await File.WriteAllBytesAsync(path, bytes, TestContext.Current.CancellationToken);
    }
}
