using System.Globalization;
using Eider.Storage.Backends;
using Eider.Storage.Formats;
using Eider.Storage.Formats.Qcow2;
using Eider.Storage.Layers;

namespace Eider.Storage.Tests.Formats;

/// <summary>Writes into images with snapshots and compressed clusters; sizes, emptying, faults of the host.</summary>
public sealed class Qcow2WriteTests : IDisposable
{
    private const int DiskBytes = 4 << 20;

    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("cluster_size=64k")]
    [InlineData("cluster_size=512")]
    [InlineData("cluster_size=4k,refcount_bits=4")]
    [InlineData("compat=0.10,cluster_size=4k")]
    [InlineData("cluster_size=16k,extended_l2=on")]
    [InlineData("cluster_size=2k,lazy_refcounts=on")]
    public async Task Writing_leaves_snapshots_as_they_were(string options)
    {
        var path = _folder["disk.qcow2"];
        QemuTools.Img("create", "-q", "-f", "qcow2", "-o", options, path, $"{DiskBytes}");
        QemuTools.Io(path, ["write -P 1 0 2M", "write -P 2 3M 100k", "write -z 1M 64k"], "-f", "qcow2");
        QemuTools.Img("convert", "-f", "qcow2", "-O", "raw", path, _folder["then.raw"]);
        QemuTools.Img("snapshot", "-c", "one", path);
        var model = await File.ReadAllBytesAsync(_folder["then.raw"], Cancel);
        await using (var image = await OpenAsync(path))
        {
            await RandomChangesAsync(image, model, 400, seed: 5);
        }

        QemuTools.Check(path);
        await AssertContentAsync(path, model);
        QemuTools.Img("snapshot", "-c", "two", path);
        await using (var image = await OpenAsync(path))
        {
            var later = (byte[])model.Clone();
            await RandomChangesAsync(image, later, 200, seed: 6);
            Assert.Equal(BlockResult.Ok, await ((ImageStorage)image).MakeEmptyAsync(Cancel));
            await AssertContentAsync(image, new byte[DiskBytes]);
        }

        QemuTools.Check(path);
        QemuTools.Img("snapshot", "-a", "two", path);
        await AssertContentAsync(path, model);
        QemuTools.Img("snapshot", "-a", "one", path);
        QemuTools.Img("compare", "-f", "qcow2", "-F", "raw", path, _folder["then.raw"]);
        QemuTools.Check(path);
    }

    [Theory]
    [InlineData("cluster_size=64k,compression_type=zlib")]
    [InlineData("cluster_size=4k,compression_type=zstd")]
    [InlineData("cluster_size=512,refcount_bits=1")]
    [InlineData("cluster_size=2M,refcount_bits=2")]
    [InlineData("cluster_size=32k,extended_l2=on")]
    [InlineData("cluster_size=16k,compat=0.10")]
    public async Task Compressed_clusters_are_written_read_and_overwritten(string options)
    {
        var path = _folder["disk.qcow2"];
        await CreateAsync(path, options, DiskBytes);
        var model = new byte[DiskBytes];
        var random = new Random(7);
        await using (var image = (Qcow2Image)await OpenAsync(path))
        {
            var cluster = image.Header.ClusterBytes;
            for (var round = 0; round < 3; round++)
            {
                for (var offset = 0; offset < DiskBytes; offset += cluster)
                {
                    var part = model.AsMemory(offset, cluster);
                    if (random.Next(3) != 0)
                    {
                        FillCompressibly(random, part.Span);
                        Assert.Equal(BlockResult.Ok, await image.WriteCompressedAsync(offset, part, Cancel));
                    }
                }

                await RandomChangesAsync(image, model, 100, seed: round);
                await AssertContentAsync(image, model);
            }
        }

        QemuTools.Check(path);
        await File.WriteAllBytesAsync(_folder["model.raw"], model, Cancel);
        QemuTools.Img("compare", "-f", "qcow2", "-F", "raw", path, _folder["model.raw"]);
    }

    [Theory]
    [InlineData("cluster_size=64k", false)]
    [InlineData("cluster_size=512", false)]
    [InlineData("cluster_size=512", true)]
    [InlineData("cluster_size=4k,extended_l2=off", true)]
    [InlineData("cluster_size=16k,extended_l2=on", false)]
    public async Task A_disk_grows_with_zeroes_and_shrinks_also_with_snapshots(string options, bool hasSnapshot)
    {
        var path = _folder["disk.qcow2"];
        await CreateAsync(path, options, DiskBytes);
        await using (var image = await OpenAsync(path))
        {
            var model = new byte[DiskBytes];
            await RandomChangesAsync(image, model, 150, seed: 1);
        }

        if (hasSnapshot)
        {
            QemuTools.Img("snapshot", "-c", "before", path);
        }

        var content = await ReadByQemuAsync(path);
        var random = new Random(2);
        foreach (var size in new[] { 40 << 20, 1_000_448, 1_000_960, 3 << 20, 0, 65536, 300 << 20, 5 << 20 })
        {
            await using (var image = await OpenAsync(path))
            {
                Assert.Equal(BlockResult.Ok, await image.ResizeAsync(size, Cancel));
                Assert.Equal(size, image.SizeBytes);
                Array.Resize(ref content, size);
                await AssertContentAsync(image, content);
                if (size > 100_000)
                {
                    random.NextBytes(content.AsSpan(size - 70_000, 70_000));
                    Assert.Equal(BlockResult.Ok, await image.WriteAsync(size - 70_000, content.AsMemory(size - 70_000, 70_000), Cancel));
                }
            }

            QemuTools.Check(path);
            var read = await ReadByQemuAsync(path);
            Assert.True(content.AsSpan().SequenceEqual(read), $"QEMU reads something else at {size} bytes");
        }

        if (hasSnapshot)
        {
            QemuTools.Img("snapshot", "-a", "before", path);
            QemuTools.Check(path);
        }
    }

    [Theory]
    [InlineData("compat=0.10,cluster_size=4k")]
    [InlineData("compat=1.1,cluster_size=4k")]
    [InlineData("cluster_size=64k,extended_l2=on")]
    public async Task A_disk_that_grows_does_not_show_a_longer_backing_image(string options)
    {
        await File.WriteAllBytesAsync(_folder["base.raw"], Enumerable.Repeat((byte)9, DiskBytes).ToArray(), Cancel);
        var path = _folder["disk.qcow2"];
        await CreateAsync(path, $"{options},backing_file={_folder["base.raw"]},backing_fmt=raw", 1 << 20);
        await using (var image = await OpenAsync(path))
        {
            Assert.Equal(BlockResult.Ok, await image.ResizeAsync(2 << 20, Cancel));
            var expected = new byte[2 << 20];
            expected.AsSpan(0, 1 << 20).Fill(9);
            await AssertContentAsync(image, expected);
        }

        QemuTools.Check(path);
        QemuTools.Io(path, ["read -P 9 0 1M", "read -P 0 1M 1M"], "-f", "qcow2");
    }

    [Theory]
    [Trait("Category", "Slow")]
    [InlineData("cluster_size=512", 1)]
    [InlineData("cluster_size=4k,refcount_bits=64", 2)]
    [InlineData("cluster_size=64k", 3)]
    [InlineData("cluster_size=1k,lazy_refcounts=on", 4)]
    [InlineData("cluster_size=16k,extended_l2=on", 5)]
    [InlineData("cluster_size=4k,compat=0.10", 6)]
    public async Task Whatever_request_to_the_host_fails_the_error_arrives_a_retry_works_and_the_image_is_clean(string options, int seed)
    {
        var failures = 0;
        for (var fault = 1; fault < 150; fault += fault < 40 ? 1 : 11)
        {
            var path = _folder[string.Create(CultureInfo.InvariantCulture, $"disk{fault}.qcow2")];
            await CreateAsync(path, options, 1 << 20);
            var model = new byte[1 << 20];
            await using (var faults = new FaultStorage(FileStorage.Open(path), []))
            {
                var image = await OpenOverAsync(faults);
                foreach (var operation in new[] { BlockOperation.Read, BlockOperation.Write, BlockOperation.WriteZeroes, BlockOperation.Resize })
                {
                    faults.Add(new FaultRule { Operation = operation, Every = fault, IsOnce = true, Kind = BlockErrorKind.NoSpace });
                }

                for (var round = 0; round < 6; round++)
                {
                    failures += await RandomChangesAsync(image, model, 10, seed + round, retries: true);
                    try
                    {
                        await image.FlushAsync(Cancel);
                    }
                    catch (BlockStorageException)
                    {
                        // After a failed flush a storage must be opened again.
                        failures++;
                        await image.DisposeAsync();
                        image = await OpenOverAsync(faults);
                    }
                }

                faults.Clear();
                await AssertContentAsync(image, model);
                await image.DisposeAsync();
            }

            QemuTools.Check(path);
            await AssertContentAsync(path, model);
            File.Delete(path);
        }

        Assert.True(failures > 20, $"only {failures} faults reached a request");
    }

    public void Dispose() => _folder.Dispose();

    private static async Task<int> RandomChangesAsync(BlockStorage image, byte[] model, int steps, int seed, bool retries = false)
    {
        var random = new Random(seed);
        var failures = 0;
        for (var step = 0; step < steps; step++)
        {
            var length = Math.Min(model.Length, random.Next(5) == 0 ? random.Next(1, 150_000) : random.Next(1, 6000));
            var offset = random.Next(model.Length - length + 1);
            var part = model.AsMemory(offset, length);
            var kind = random.Next(retries ? 7 : 8);
            if (kind < 5)
            {
                random.NextBytes(part.Span[..Math.Min(length, 100)]);
                part.Span[Math.Min(length, 100)..].Fill((byte)(step % 256));
            }
            else if (kind < 7)
            {
                part.Span.Clear();
            }

            Func<ValueTask<BlockResult>> action = kind switch
            {
                < 5 => () => image.WriteAsync(offset, part, Cancel),
                < 7 => () => image.WriteZeroesAsync(offset, length, kind == 5, Cancel),
                _ => () => image.FlushAsync(Cancel),
            };
            failures += await RunAsync(action, retries);
        }

        return failures;
    }

    private static async Task<int> RunAsync(Func<ValueTask<BlockResult>> action, bool retries)
    {
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                Assert.Equal(BlockResult.Ok, await action());
                return attempt;
            }
            catch (BlockStorageException exception) when (retries && exception.Kind == BlockErrorKind.NoSpace && attempt < 5)
            {
                // The host has room again.
            }
        }
    }

    private static ValueTask<ImageStorage> OpenOverAsync(FaultStorage faults) => ImageFormats.Qcow2.OpenAsync(
        new Unclosed(faults), ImageOpenOptions.Default with { CacheBytes = 16384 }, Cancel);

    private sealed class Unclosed(BlockStorage inner) : BlockStorageLayer(inner, leaveOpen: true);

    private static void FillCompressibly(Random random, Span<byte> bytes)
    {
        bytes.Fill((byte)random.Next(1, 256));
        random.NextBytes(bytes[..random.Next(bytes.Length)]);
    }

    private static async Task CreateAsync(string path, string options, long size)
    {
        await using var file = FileStorage.Create(path, 0);
        var create = new ImageCreateOptions
        {
            SizeBytes = size,
            Options = options.Split(',').Select(option => option.Split('=')).ToDictionary(parts => parts[0], parts => parts[1]),
        };
        await ImageFormats.Qcow2.CreateAsync(file, create, Cancel);
    }

    private static ValueTask<BlockStorage> OpenAsync(string path) => StorageOpener.OpenAsync(
        path, new StorageOpenOptions { Format = "qcow2", Image = new ImageOpenOptions { Chain = ImageChainPolicy.Allow } }, Cancel);

    private static async Task AssertContentAsync(string path, byte[] expected)
    {
        await using var image = await OpenAsync(path);
        await AssertContentAsync(image, expected);
    }

    private static async Task AssertContentAsync(BlockStorage image, byte[] expected)
    {
        var found = new byte[expected.Length];
        Assert.Equal(BlockResult.Ok, await image.ReadAsync(0, found, Cancel));
        var same = expected.AsSpan().CommonPrefixLength(found);
        Assert.True(same == expected.Length, $"byte {same} differs");
    }

    private async Task<byte[]> ReadByQemuAsync(string path)
    {
        QemuTools.Img("convert", "-f", "qcow2", "-O", "raw", path, _folder["qemu.raw"]);
        return await File.ReadAllBytesAsync(_folder["qemu.raw"], Cancel);
    }
}
