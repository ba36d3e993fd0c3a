namespace Eider.Cli.Tests.Images;

/// <summary>eider img convert with several sources.</summary>
public sealed class ImgConvertTests : IDisposable
{
    private readonly ImgFixture _img = new();

    [Theory]
    [InlineData("-O", "qcow2")]
    [InlineData("-O", "qcow2", "-c")]
    [InlineData("-O", "raw", "-W")]
    public async Task Several_sources_follow_each_other_as_qemu_puts_them(params string[] options)
    {
        await _img.MakeDiskAsync("a.raw", 300 * 1024);
        await _img.QemuAsync("create", "-q", "-f", "qcow2", "b.qcow2", "1M");
        await _img.IoAsync("qcow2", "b.qcow2", "write -P 7 100k 200k");
        await _img.MakeDiskAsync("c.raw", 512 * 3, seed: 2);
        await _img.RunAsync(["convert", .. options, "a.raw", "b.qcow2", "c.raw", "all"]);
        await _img.QemuAsync("convert", "-O", "raw", "a.raw", "b.qcow2", "c.raw", "expected.raw");
        await _img.QemuAsync("compare", "-f", "raw", "-F", options[1], "expected.raw", "all");
    }

    [Theory]
    [InlineData("are one file", "a.raw", "b.raw", "b.raw")]
    [InlineData("exclude each other", "-B", "a.raw", "-F", "raw", "-O", "qcow2", "a.raw", "b.raw", "c")]
    [InlineData("exclude each other", "--bitmaps", "-O", "qcow2", "a.raw", "b.raw", "c")]
    public async Task What_cannot_be_is_refused_before_anything_is_written(string words, params string[] arguments)
    {
        await _img.MakeDiskAsync("a.raw", 65536);
        await _img.MakeDiskAsync("b.raw", 65536);
        var (code, _, errors) = await _img.TryAsync(["convert", .. arguments]);
        Assert.True(code == 64 && errors.Contains(words, StringComparison.Ordinal), errors);
        Assert.Equal(["a.raw", "b.raw"], _img.Files());
    }

    /// <inheritdoc/>
    public void Dispose() => _img.Dispose();
}
