using Eider.Storage.Formats.Qcow2;
using Eider.Storage.Operations;
using Eider.Storage.Tests.Formats;

namespace Eider.Storage.Tests.Operations;

/// <summary>Compaction in place: the same disk in a shorter file, judged by qemu-img.</summary>
public sealed class ImageCompactorTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("compat=1.1")]
    [InlineData("compat=0.10")]
    [InlineData("cluster_size=4k")]
    [InlineData("cluster_size=8k,refcount_bits=64")]
    [InlineData("extended_l2=on,cluster_size=16k")]
    [InlineData("refcount_bits=1,lazy_refcounts=on")]
    public async Task The_file_gets_short_and_the_disk_stays(string options)
    {
        var path = _folder["disk.qcow2"];
        QemuTools.Img("create", "-q", "-f", "qcow2", "-o", options, path, "24M");
        QemuTools.Io(path, ["write -P 1 0 20M", "write -P 2 20M 2M", "write -P 0 1M 4M", "discard 6M 12M", "write -P 3 19M 100k"], "-f", "qcow2");
        var before = ImageFiles.ContentOf(path, "qcow2");
        var done = await CompactAsync(path);
        Assert.Equal(before, ImageFiles.ContentOf(path, "qcow2"));
        QemuTools.Check(path);
        Assert.Equal(new FileInfo(path).Length, done.AfterBytes);
        Assert.InRange(done.AfterBytes, 6 << 20, 9 << 20);
        Assert.InRange(done.ZeroedBytes, 4 << 20, 18 << 20);
    }

    [Fact]
    public async Task Compressed_clusters_move_too()
    {
        var random = new Random(4);
        var content = new byte[6 << 20];
        for (var at = 0; at < content.Length; at += 1024)
        {
            content.AsSpan(at, 512).Fill((byte)random.Next(256));
            random.NextBytes(content.AsSpan(at + 512, 512));
        }

        await File.WriteAllBytesAsync(_folder["disk.raw"], content, Token);
        QemuTools.Img("convert", "-c", "-f", "raw", "-O", "qcow2", _folder["disk.raw"], _folder["disk.qcow2"]);
        QemuTools.Io(_folder["disk.qcow2"], ["discard 0 4M"], "-f", "qcow2");
        var before = ImageFiles.ContentOf(_folder["disk.qcow2"], "qcow2");
        var done = await CompactAsync(_folder["disk.qcow2"]);
        Assert.Equal(before, ImageFiles.ContentOf(_folder["disk.qcow2"], "qcow2"));
        QemuTools.Check(_folder["disk.qcow2"]);
        Assert.InRange(done.AfterBytes, 1 << 20, 2 << 20);
    }

    [Fact]
    public async Task An_image_that_is_damaged_is_refused_and_stays_as_it_is()
    {
        var path = _folder["disk.qcow2"];
        QemuTools.Img("create", "-q", "-f", "qcow2", path, "8M");
        QemuTools.Io(path, ["write -P 1 0 2M", "discard 0 1M", "write -P 2 4M 1M"], "-f", "qcow2");
        var bytes = await File.ReadAllBytesAsync(path, Token);

        // The cluster of data at the end counts as free: to cut the file off would lose it.
        var block = 131072;
        var last = Enumerable.Range(0, bytes.Length / 65536).Last(cluster => bytes[block + (2 * cluster) + 1] != 0);
        bytes[block + (2 * last) + 1] = 0;
        await File.WriteAllBytesAsync(path, bytes, Token);
        var failure = await Assert.ThrowsAsync<BlockStorageException>(() => CompactAsync(path));
        Assert.Equal(BlockErrorKind.CorruptImage, failure.Kind);
        Assert.Equal(bytes, await File.ReadAllBytesAsync(path, Token));
    }

    [Fact]
    public async Task What_a_snapshot_shares_is_kept()
    {
        var path = _folder["disk.qcow2"];
        QemuTools.Img("create", "-q", "-f", "qcow2", path, "8M");
        QemuTools.Io(path, ["write -P 1 0 4M"], "-f", "qcow2");
        QemuTools.Img("snapshot", "-c", "one", path);
        QemuTools.Io(path, ["write -P 2 1M 6M", "write -P 0 2M 4M", "discard 1M 1M"], "-f", "qcow2");
        var before = ImageFiles.ContentOf(path, "qcow2");
        await CompactAsync(path);
        Assert.Equal(before, ImageFiles.ContentOf(path, "qcow2"));
        QemuTools.Check(path);
        QemuTools.Img("snapshot", "-a", "one", path);
        var old = ImageFiles.ContentOf(path, "qcow2");
        Assert.True(old.AsSpan(0, 4 << 20).IndexOfAnyExcept((byte)1) < 0);
        Assert.True(old.AsSpan(4 << 20).IndexOfAnyExcept((byte)0) < 0);
        QemuTools.Check(path);
    }

    [Fact]
    public async Task A_large_image_that_became_nearly_empty_gets_rid_of_its_refcount_blocks()
    {
        var path = _folder["disk.qcow2"];
        QemuTools.Img("create", "-q", "-f", "qcow2", "-o", "cluster_size=4k", path, "64M");
        QemuTools.Io(path, ["write -P 1 0 60M", "discard 0 59M"], "-f", "qcow2");
        var done = await CompactAsync(path);
        QemuTools.Check(path);
        Assert.InRange(done.AfterBytes, 1 << 20, 4 << 20);
    }

    public void Dispose() => _folder.Dispose();

    private static async Task<ImageCompaction> CompactAsync(string path)
    {
        await using var image = (Qcow2Image)await ImageFiles.OpenAsync(path, "qcow2");
        return await ImageCompactor.CompactAsync(image, progress: null, Token);
    }
}
