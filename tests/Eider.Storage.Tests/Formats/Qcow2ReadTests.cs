using Eider.Storage.Formats;

namespace Eider.Storage.Tests.Formats;

/// <summary>Images that QEMU made, read here.</summary>
public sealed class Qcow2ReadTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("compat=0.10")]
    [InlineData("compat=0.10,cluster_size=512")]
    [InlineData("compat=1.1")]
    [InlineData("cluster_size=512")]
    [InlineData("cluster_size=2M")]
    [InlineData("refcount_bits=1")]
    [InlineData("refcount_bits=64,cluster_size=4k")]
    [InlineData("extended_l2=on,cluster_size=16k")]
    [InlineData("extended_l2=on,cluster_size=128k")]
    [InlineData("lazy_refcounts=on")]
    [InlineData("preallocation=metadata")]
    [InlineData("preallocation=full,cluster_size=8k")]
    [InlineData("cluster_size=1k,compat=1.1,preallocation=falloc")]
    public async Task Reads_what_qemu_wrote(string options)
    {
        var path = _folder["disk.qcow2"];
        QemuTools.Img("create", "-q", "-f", "qcow2", "-o", options, path, "6M");
        QemuTools.Io(
            path,
            [
                "write -P 17 0 100k", "write -P 18 130k 1k", "write -P 19 1M 2M", "write -z 1500k 64k", "write -P 20 1510k 512",
                "discard 2M 256k", "write -P 21 6290944 512", "write -z -u 2500k 100k",
            ],
            "-f", "qcow2");
        QemuTools.Img("convert", "-f", "qcow2", "-O", "raw", path, _folder["disk.raw"]);
        await AssertSameAsync(path, _folder["disk.raw"], ImageOpenOptions.Default);
    }

    [Theory]
    [InlineData("zlib", "64k")]
    [InlineData("zlib", "512")]
    [InlineData("zlib", "2M")]
    [InlineData("zstd", "64k")]
    [InlineData("zstd", "4k")]
    public async Task Reads_what_qemu_compressed(string compression, string clusterSize)
    {
        var random = new Random(1);
        var content = new byte[5_000_192];
        for (var block = 0; block < content.Length; block += 4096)
        {
            content.AsSpan(block, Math.Min(4096, content.Length - block)).Fill((byte)random.Next(4));
            if (random.Next(5) == 0)
            {
                random.NextBytes(content.AsSpan(block, Math.Min(4096, content.Length - block)));
            }
        }

        await File.WriteAllBytesAsync(_folder["disk.raw"], content, Cancel);
        QemuTools.Img(
            "convert", "-c", "-f", "raw", "-O", "qcow2", "-o", $"compression_type={compression},cluster_size={clusterSize}",
            _folder["disk.raw"], _folder["disk.qcow2"]);
        await AssertSameAsync(_folder["disk.qcow2"], _folder["disk.raw"], ImageOpenOptions.Default);
    }

    [Theory]
    [InlineData("raw", 3 << 20)]
    [InlineData("raw", 9 << 20)]
    [InlineData("qcow2", 3 << 20)]
    public async Task Reads_through_a_chain_that_is_allowed(string format, int baseBytes)
    {
        var directory = Directory.CreateDirectory(_folder["images"]).FullName;
        QemuTools.Img("create", "-q", "-f", format, Path.Combine(directory, "base"), $"{baseBytes}");
        QemuTools.Io(Path.Combine(directory, "base"), ["write -P 1 0 2M", "write -P 2 2500k 100k"], "-f", format);
        QemuTools.Img("create", "-q", "-f", "qcow2", "-b", "base", "-F", format, Path.Combine(directory, "middle"), "5M");
        QemuTools.Io(Path.Combine(directory, "middle"), ["write -P 3 1M 64k", "write -P 4 4M 64k"], "-f", "qcow2");
        QemuTools.Img("create", "-q", "-f", "qcow2", "-b", "middle", "-F", "qcow2", Path.Combine(directory, "top"), "6M");
        QemuTools.Io(Path.Combine(directory, "top"), ["write -P 5 100k 10k", "write -z 1M 32k"], "-f", "qcow2");
        QemuTools.Img("convert", "-f", "qcow2", "-O", "raw", Path.Combine(directory, "top"), _folder["flat.raw"]);
        foreach (var policy in new[] { ImageChainPolicy.Allow, ImageChainPolicy.Within(directory) })
        {
            await AssertSameAsync(
                Path.Combine(directory, "top"), _folder["flat.raw"], ImageOpenOptions.Default with { Chain = policy });
        }
    }

    [Fact]
    public async Task Reads_an_external_data_file()
    {
        QemuTools.Img(
            "create", "-q", "-f", "qcow2", "-o", $"data_file={_folder["disk.data"]},data_file_raw=on", _folder["disk.qcow2"], "4M");
        QemuTools.Io(_folder["disk.qcow2"], ["write -P 7 0 1M", "write -P 8 3M 5k"], "-f", "qcow2");
        QemuTools.Img("convert", "-f", "qcow2", "-O", "raw", _folder["disk.qcow2"], _folder["disk.raw"]);
        await AssertSameAsync(
            _folder["disk.qcow2"], _folder["disk.raw"], ImageOpenOptions.Default with { Chain = ImageChainPolicy.Allow });
    }

    [Fact]
    public async Task A_chain_is_refused_unless_it_is_allowed_and_within_its_directory()
    {
        var directory = Directory.CreateDirectory(_folder["images"]).FullName;
        QemuTools.Img("create", "-q", "-f", "raw", _folder["secret"], "1M");
        File.CreateSymbolicLink(Path.Combine(directory, "link"), _folder["secret"]);
        QemuTools.Img("create", "-q", "-f", "qcow2", "-u", "-b", "link", "-F", "raw", Path.Combine(directory, "a"), "1M");
        QemuTools.Img("create", "-q", "-f", "qcow2", "-u", "-b", "../secret", "-F", "raw", Path.Combine(directory, "b"), "1M");
        QemuTools.Img("create", "-q", "-f", "qcow2", "-u", "-b", "json:{\"driver\":\"null-co\"}", "-F", "raw", Path.Combine(directory, "c"), "1M");
        foreach (var (name, policy, kind) in new[]
                 {
                     ("a", ImageChainPolicy.Refuse, BlockErrorKind.AccessDenied),
                     ("a", ImageChainPolicy.Within(directory), BlockErrorKind.AccessDenied),
                     ("b", ImageChainPolicy.Within(directory), BlockErrorKind.AccessDenied),
                     ("c", ImageChainPolicy.Allow, BlockErrorKind.NotFound),
                 })
        {
            var options = new ImageOpenOptions { Chain = policy, ProbesBackingFormat = true };
            var failure = await Assert.ThrowsAsync<BlockStorageException>(() => OpenAsync(Path.Combine(directory, name), options));
            Assert.Equal(kind, failure.Kind);
        }

        await using var image = await OpenAsync(Path.Combine(directory, "a"), new ImageOpenOptions { Chain = ImageChainPolicy.Ignore });
        Assert.Equal(BlockResult.Ok, await image.ReadAsync(0, new byte[512], Cancel));
    }

    [Fact]
    public async Task A_chain_that_comes_back_to_itself_is_refused()
    {
        QemuTools.Img("create", "-q", "-f", "qcow2", "-u", "-b", "b", "-F", "qcow2", _folder["a"], "1M");
        QemuTools.Img("create", "-q", "-f", "qcow2", "-u", "-b", "c", "-F", "qcow2", _folder["b"], "1M");
        File.CreateSymbolicLink(_folder["c"], _folder["a"]);
        var failure = await Assert.ThrowsAsync<BlockStorageException>(
            () => OpenAsync(_folder["a"], new ImageOpenOptions { Chain = ImageChainPolicy.Allow }));
        Assert.Contains("comes back", failure.Message, StringComparison.Ordinal);
    }

    public void Dispose() => _folder.Dispose();

    private static async Task<BlockStorage> OpenAsync(string path, ImageOpenOptions options) => await StorageOpener.OpenAsync(
        path, new StorageOpenOptions { Format = "qcow2", IsReadOnly = true, Image = options }, Cancel);

    private static async Task AssertSameAsync(string path, string rawPath, ImageOpenOptions options)
    {
        await using var image = await OpenAsync(path, options);
        var expected = await File.ReadAllBytesAsync(rawPath, Cancel);
        Assert.Equal(expected.Length, image.SizeBytes);
        var found = new byte[expected.Length];
        Assert.Equal(BlockResult.Ok, await image.ReadAsync(0, found, Cancel));
        Assert.Equal(-1, FirstDifference(expected, found));
        var random = new Random(3);
        for (var step = 0; step < 500; step++)
        {
            var length = random.Next(1, 20_000);
            var offset = random.Next(expected.Length - length);
            var part = found.AsMemory(0, length);
            Assert.Equal(BlockResult.Ok, await image.ReadAsync(offset, part, Cancel));
            Assert.Equal(-1, FirstDifference(expected.AsSpan(offset, length), part.Span));
        }
    }

    private static int FirstDifference(ReadOnlySpan<byte> expected, ReadOnlySpan<byte> found)
    {
        var same = expected.CommonPrefixLength(found);
        return same == expected.Length ? -1 : same;
    }
}
