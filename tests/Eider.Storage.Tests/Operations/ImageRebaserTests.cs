using Eider.Storage.Operations;
using Eider.Storage.Tests.Formats;

namespace Eider.Storage.Tests.Operations;

/// <summary>Rebase: the disk reads as before behind another backing image, judged by qemu-img.</summary>
public sealed class ImageRebaserTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("other", "1.1", "64k")]
    [InlineData("short", "1.1", "64k")]
    [InlineData("long", "1.1", "4k")]
    [InlineData("long", "0.10", "64k")]
    [InlineData("other", "0.10", "4k")]
    [InlineData(null, "1.1", "64k")]
    public async Task The_disk_reads_as_before(string? backing, string compat, string clusterSize)
    {
        MakeImages(compat, clusterSize);
        var before = ImageFiles.ContentOf(_folder["top"], "qcow2");
        await RebaseAsync(backing);
        Assert.Equal(before, ImageFiles.ContentOf(_folder["top"], "qcow2"));
        QemuTools.Check(_folder["top"]);
        var info = QemuTools.Img("info", "--output=json", _folder["top"]);
        Assert.Equal(backing != null, info.Contains($"\"backing-filename\": \"{backing}\"", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_backing_image_with_the_same_content_costs_nothing()
    {
        MakeImages("1.1", "64k");
        File.Copy(_folder["base"], _folder["copy"]);
        Assert.Equal(0, await RebaseAsync("copy"));
    }

    [Fact]
    public async Task A_name_that_does_not_fit_is_refused_and_nothing_changes()
    {
        MakeImages("1.1", "64k");
        var before = await File.ReadAllBytesAsync(_folder["top"], Token);
        await using (var image = await ImageFiles.OpenAsync(_folder["top"], "qcow2"))
        {
            var failure = await Assert.ThrowsAsync<BlockStorageException>(
                async () => await ImageBacking.SetAsync(image, new string('x', 1024), "raw", Token));
            Assert.Contains("1024", failure.Message, StringComparison.Ordinal);
        }

        Assert.Equal(before, await File.ReadAllBytesAsync(_folder["top"], Token));
    }

    [Fact]
    public async Task A_raw_image_has_no_backing_file()
    {
        MakeImages("1.1", "64k");
        await using var image = await ImageFiles.OpenAsync(_folder["base"], "raw");
        var failure = await Assert.ThrowsAsync<BlockStorageException>(async () => await ImageBacking.SetAsync(image, "a", "raw", Token));
        Assert.Equal(BlockErrorKind.UnsupportedFeature, failure.Kind);
    }

    public void Dispose() => _folder.Dispose();

    private async Task<long> RebaseAsync(string? backing)
    {
        await using var image = await ImageFiles.OpenAsync(_folder["top"], "qcow2");
        await using var other = backing == null ? null : await ImageFiles.OpenAsync(_folder[backing], "raw", isReadOnly: true);
        var written = await ImageRebaser.WriteDifferencesAsync(image, other, new ImageRebaseOptions { Workers = 3 }, Token);
        await ImageBacking.SetAsync(image, backing, backing == null ? null : "raw", Token);
        return written;
    }

    private void MakeImages(string compat, string clusterSize)
    {
        foreach (var (name, size, pattern) in new[] { ("base", "3M", 1), ("other", "3M", 2), ("short", "1M", 3), ("long", "6M", 4) })
        {
            QemuTools.Img("create", "-q", "-f", "raw", _folder[name], size);
            QemuTools.Io(_folder[name], [$"write -P {pattern} 100k 700k"], "-f", "raw");
        }

        QemuTools.Io(_folder["base"], ["write -P 7 1500k 64k", "write -P 1 2500k 5k"], "-f", "raw");
        QemuTools.Io(_folder["other"], ["write -P 1 200k 90k", "write -P 9 2M 300k"], "-f", "raw");
        QemuTools.Io(_folder["long"], ["write -P 9 3M 3M"], "-f", "raw");
        QemuTools.Img(
            "create", "-q", "-f", "qcow2", "-o", $"compat={compat},cluster_size={clusterSize}", "-b", "base", "-F", "raw", _folder["top"], "5M");
        QemuTools.Io(_folder["top"], ["write -P 5 300k 10k", "write -z 512k 128k", "write -P 6 4M 1k"], "-f", "qcow2");
    }
}
