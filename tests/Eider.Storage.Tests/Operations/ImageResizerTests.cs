using Eider.Storage.Formats;
using Eider.Storage.Operations;
using Eider.Storage.Tests.Formats;

namespace Eider.Storage.Tests.Operations;

/// <summary>Resizing by the rules that keep data, judged by qemu-img.</summary>
public sealed class ImageResizerTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("raw", ImagePreallocation.Off)]
    [InlineData("raw", ImagePreallocation.Full)]
    [InlineData("qcow2", ImagePreallocation.Off)]
    [InlineData("qcow2", ImagePreallocation.Metadata)]
    [InlineData("qcow2", ImagePreallocation.Falloc)]
    [InlineData("qcow2", ImagePreallocation.Full)]
    public async Task What_is_added_reads_as_zeroes_and_the_rest_stays(string format, ImagePreallocation preallocation)
    {
        var path = Make(format, 1_500_160);
        var before = ImageFiles.ContentOf(path, format);
        await ResizeAsync(path, format, 5_000_192, new ImageResizeOptions { Preallocation = preallocation });
        var after = ImageFiles.ContentOf(path, format);
        Assert.Equal(5_000_192, after.Length);
        Assert.Equal(before, after[..before.Length]);
        Assert.True(after.AsSpan(before.Length).IndexOfAnyExcept((byte)0) < 0);
        if (format == "qcow2")
        {
            QemuTools.Check(path);
        }
    }

    [Theory]
    [InlineData("raw")]
    [InlineData("qcow2")]
    public async Task A_smaller_size_needs_a_word_of_the_user(string format)
    {
        var path = Make(format, 1_500_160);
        var before = ImageFiles.ContentOf(path, format);
        var failure = await Assert.ThrowsAsync<BlockStorageException>(() => ResizeAsync(path, format, 512_000, ImageResizeOptions.Default));
        Assert.Contains("--shrink", failure.Message, StringComparison.Ordinal);
        Assert.Equal(before, ImageFiles.ContentOf(path, format));
        await ResizeAsync(path, format, 512_000, new ImageResizeOptions { CanShrink = true });
        Assert.Equal(before[..512_000], ImageFiles.ContentOf(path, format));
    }

    [Fact]
    public async Task What_cannot_be_is_refused_before_anything_changes()
    {
        var raw = Make("raw", 1 << 20);
        var metadata = new ImageResizeOptions { Preallocation = ImagePreallocation.Metadata };
        await Assert.ThrowsAsync<BlockStorageException>(() => ResizeAsync(raw, "raw", 2 << 20, metadata));
        Assert.Equal(1 << 20, new FileInfo(raw).Length);
        var shrink = new ImageResizeOptions { CanShrink = true, Preallocation = ImagePreallocation.Full };
        await Assert.ThrowsAsync<BlockStorageException>(() => ResizeAsync(raw, "raw", 1 << 19, shrink));
        Assert.Equal(1 << 20, new FileInfo(raw).Length);
    }

    public void Dispose() => _folder.Dispose();

    private static async Task ResizeAsync(string path, string format, long size, ImageResizeOptions options)
    {
        await using var image = await ImageFiles.OpenAsync(path, format);
        await ImageResizer.ResizeAsync(image, size, options, Token);
        Assert.Equal(size, image.SizeBytes);
    }

    private string Make(string format, long size)
    {
        var path = _folder["disk." + format];
        QemuTools.Img("create", "-q", "-f", format, path, $"{size}");
        QemuTools.Io(path, ["write -P 1 0 400k", $"write -P 2 {size - 5120} 5k"], "-f", format);
        return path;
    }
}
