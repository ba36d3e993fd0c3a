using System.Buffers.Binary;
using Eider.Storage.Backends;
using Eider.Storage.Formats;
using Eider.Storage.Formats.Qcow2;
using Eider.Storage.Layers;
using Eider.Storage.Operations;

namespace Eider.Storage.Tests.Formats;

/// <summary>Clusters that are used again, and changes that end in the middle: nothing else may lose its data by it.</summary>
public sealed class Qcow2HazardTests : IDisposable
{
    private const int Cluster = 65536;
    private const long OtherSlice = 32 << 20;

    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_freed_cluster_of_compressed_data_gets_no_more_of_them_once_it_holds_something_else()
    {
        var path = _folder["disk.qcow2"];
        await CreateAsync(path, 64 << 20, []);
        await using (var image = await OpenAsync(path))
        {
            await image.WriteCompressedAsync(0, Filled(1), Cancel);
            await image.WriteAsync(0, Filled(2), Cancel);
            await image.FlushAsync(Cancel);
            for (var round = 0; round < 4; round++)
            {
                // One of these takes the place that the compressed data had.
                await image.WriteAsync((1 + round) * Cluster, Filled((byte)(3 + round)), Cancel);
                await image.WriteCompressedAsync((10 + round) * Cluster, Filled(9), Cancel);
                await image.FlushAsync(Cancel);
            }

            for (var round = 0; round < 4; round++)
            {
                await AssertFilledAsync(image, (1 + round) * Cluster, (byte)(3 + round));
                await AssertFilledAsync(image, (10 + round) * Cluster, 9);
            }
        }

        QemuTools.Check(path);
    }

    [Fact]
    public async Task Emptying_that_fails_in_the_middle_frees_nothing_that_is_still_referred_to()
    {
        var path = _folder["disk.qcow2"];
        var table = await TwoSlicesAsync(path);
        await using (var faults = new FaultStorage(FileStorage.Open(path), []))
        {
            await using var image = await ImageFormats.Qcow2.OpenAsync(faults, ImageOpenOptions.Default, Cancel);
            faults.Add(new FaultRule { Operation = BlockOperation.Read, OffsetBytes = table + 4096, IsOnce = true });
            await Assert.ThrowsAsync<BlockStorageException>(async () => await image.MakeEmptyAsync(Cancel));
            for (var round = 0; round < 4; round++)
            {
                await image.FlushAsync(Cancel);
                await image.WriteAsync((100 + round) * Cluster, Filled(7), Cancel);
            }

            await AssertFilledAsync(image, 0, 1);
            await AssertFilledAsync(image, OtherSlice, 2);
        }

        QemuTools.Check(path);
    }

    [Fact]
    public async Task What_a_shrink_could_not_drop_does_not_show_when_the_disk_grows_again()
    {
        var path = _folder["disk.qcow2"];
        var table = await TwoSlicesAsync(path);
        await using (var faults = new FaultStorage(FileStorage.Open(path), []))
        {
            await using var image = await ImageFormats.Qcow2.OpenAsync(faults, ImageOpenOptions.Default, Cancel);
            faults.Add(new FaultRule { Operation = BlockOperation.Read, OffsetBytes = table + 4096, IsOnce = true });
            await Assert.ThrowsAsync<BlockStorageException>(async () => await image.ResizeAsync(Cluster, Cancel));
            Assert.Equal(BlockResult.Ok, await image.ResizeAsync(64 << 20, Cancel));
            await AssertFilledAsync(image, 0, 1);
            await AssertFilledAsync(image, OtherSlice, 0);
        }

        QemuTools.Check(path);
    }

    [Fact]
    public async Task Lazy_refcounts_keep_the_refcount_table_that_the_header_names()
    {
        var path = _folder["disk.qcow2"];
        await CreateAsync(path, 16 << 20, new() { ["cluster_size"] = "512", ["refcount_bits"] = "64", ["lazy_refcounts"] = "on" });
        await using var image = await OpenAsync(path);
        for (var offset = 0; offset < 8 << 20; offset += Cluster)
        {
            await image.WriteAsync(offset, Filled(0xAB), Cancel);
            if (offset % (8 * Cluster) == 0)
            {
                await image.FlushAsync(Cancel);
                await AssertTableAsync(path);
            }
        }
    }

    [Fact]
    public async Task A_snapshot_that_compressed_clusters_leave_no_count_for_is_refused_and_nothing_changed()
    {
        var path = _folder["disk.qcow2"];
        await CreateAsync(path, 64 << 20, new() { ["refcount_bits"] = "4" });
        await using (var image = await OpenAsync(path))
        {
            for (var index = 0; index < 10; index++)
            {
                await image.WriteCompressedAsync(index * Cluster, Filled((byte)(index + 1)), Cancel);
            }

            await image.WriteAsync(20 * Cluster, Filled(20), Cancel);
            await Assert.ThrowsAsync<BlockStorageException>(
                async () => await image.CreateSnapshotAsync("one", DateTimeOffset.UnixEpoch, Cancel));
            await image.WriteAsync(21 * Cluster, Filled(21), Cancel);
        }

        QemuTools.Check(path);
    }

    [Fact]
    public async Task A_shrink_that_fails_after_the_disk_was_cut_off_tells_the_new_size()
    {
        var path = _folder["disk.qcow2"];
        var table = await TwoSlicesAsync(path);
        await using var faults = new FaultStorage(FileStorage.Open(path), []);
        await using var image = await ImageFormats.Qcow2.OpenAsync(faults, ImageOpenOptions.Default, Cancel);
        var told = 0L;
        image.SizeChanged += (_, _) => told = image.SizeBytes;
        faults.Add(new FaultRule { Operation = BlockOperation.Read, OffsetBytes = table + 4096, IsOnce = true });
        await Assert.ThrowsAsync<BlockStorageException>(async () => await image.ResizeAsync(Cluster, Cancel));
        Assert.Equal(Cluster, told);
    }

    [Fact]
    public async Task An_image_with_lazy_refcounts_that_becomes_version_2_keeps_its_header_extensions()
    {
        var path = _folder["disk.qcow2"];
        QemuTools.Img("create", "-q", "-f", "raw", _folder["base.raw"], "1M");
        QemuTools.Img("create", "-q", "-f", "qcow2", "-o", "lazy_refcounts=on", "-b", "base.raw", "-F", "raw", path);
        var options = ImageOpenOptions.Default with { Chain = ImageChainPolicy.Allow };
        await using (var image = await ImageFormats.Qcow2.OpenAsync(FileStorage.Open(path), options, Cancel))
        {
            await ImageAmender.AmendAsync(image, new Dictionary<string, string> { ["compat"] = "0.10" }, Cancel);
        }

        await using var later = await ImageFormats.Qcow2.OpenAsync(FileStorage.Open(path), options, Cancel);
        Assert.Equal((2, "raw"), (((Qcow2Image)later).Header.Version, later.BackingFormat));
    }

    public void Dispose() => _folder.Dispose();

    /// <summary>The header's table names a refcount block that counts the header: nothing else was put there.</summary>
    private static async Task AssertTableAsync(string path)
    {
        await using var file = FileStorage.Open(path, new FileStorageOptions { IsReadOnly = true, Locking = FileLocking.None });
        var table = await ReadWordAsync(file, 48);
        var block = await ReadWordAsync(file, table);
        Assert.InRange(block, 512, file.SizeBytes - 512);
        Assert.Equal(0, block % 512);
        Assert.Equal(1, await ReadWordAsync(file, block));
    }

    private static async Task<long> ReadWordAsync(FileStorage file, long offset)
    {
        var word = new byte[8];
        await file.ReadAsync(offset, word, Cancel);
        return BinaryPrimitives.ReadInt64BigEndian(word);
    }

    /// <summary>An image with data that two pieces of one L2 table describe; where the table is.</summary>
    private static async Task<long> TwoSlicesAsync(string path)
    {
        await CreateAsync(path, 64 << 20, []);
        await using (var image = await OpenAsync(path))
        {
            await image.WriteAsync(0, Filled(1), Cancel);
            await image.WriteAsync(OtherSlice, Filled(2), Cancel);
        }

        await using var file = FileStorage.Open(path);
        return await ReadWordAsync(file, await ReadWordAsync(file, 40)) & 0x00FF_FFFF_FFFF_FE00;
    }

    private static byte[] Filled(byte value)
    {
        var bytes = new byte[Cluster];
        bytes.AsSpan().Fill(value);
        return bytes;
    }

    private static async Task AssertFilledAsync(BlockStorage image, long offset, byte value)
    {
        var bytes = new byte[Cluster];
        await image.ReadAsync(offset, bytes, Cancel);
        Assert.Equal(-1, bytes.AsSpan().IndexOfAnyExcept(value));
    }

    private static async Task CreateAsync(string path, long size, Dictionary<string, string> options)
    {
        await using var file = FileStorage.Create(path, 0);
        await ImageFormats.Qcow2.CreateAsync(file, new ImageCreateOptions { SizeBytes = size, Options = options }, Cancel);
    }

    private static async Task<Qcow2Image> OpenAsync(string path) =>
        (Qcow2Image)await ImageFormats.Qcow2.OpenAsync(FileStorage.Open(path), ImageOpenOptions.Default, Cancel);
}
