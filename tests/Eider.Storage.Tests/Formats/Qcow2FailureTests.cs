using System.Diagnostics;
using Eider.Storage.Backends;
using Eider.Storage.Formats;
using Eider.Storage.Formats.Qcow2;
using Eider.Storage.Layers;

namespace Eider.Storage.Tests.Formats;

/// <summary>Requests that fail or are cancelled where two structures change over: what comes later must not be lost by it.</summary>
public sealed class Qcow2FailureTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_header_that_was_written_though_the_host_said_no_does_not_lose_what_is_written_afterwards()
    {
        var path = _folder["disk.qcow2"];
        QemuTools.Img("create", "-q", "-f", "qcow2", "-o", "cluster_size=512", path, "1M");
        var content = new byte[512];
        content.AsSpan().Fill(7);
        await using (var faults = new FaultStorage(FileStorage.Open(path), []))
        {
            await using var image = await OpenAsync(faults);
            await image.WriteAsync(0, content, Cancel);
            await image.FlushAsync(Cancel);

            // The L1 table grows: its fields in the header are written, and the host reports a failure all the same.
            faults.Add(new FaultRule { Operation = BlockOperation.Write, OffsetBytes = 36, TornBytes = 12, IsOnce = true });
            await Assert.ThrowsAsync<BlockStorageException>(async () => await image.ResizeAsync(64 << 20, Cancel));
            for (var cluster = 0; cluster < 2048; cluster += 64)
            {
                await image.WriteAsync(cluster * 512, content, Cancel);
            }

            await image.FlushAsync(Cancel);
        }

        QemuTools.Check(path);
        QemuTools.Io(path, Enumerable.Range(0, 32).Select(index => $"read -P 7 {index * 32768} 512"), "-f", "qcow2");
    }

    [Fact]
    public async Task A_shrink_that_is_cancelled_after_the_size_is_in_the_file_goes_on_to_its_end()
    {
        var path = _folder["disk.qcow2"];
        QemuTools.Img("create", "-q", "-f", "qcow2", path, "1G");
        QemuTools.Io(path, ["write 0 64k", "write 600M 1M"], "-f", "qcow2");
        using var cancel = new CancellationTokenSource();
        await using (var file = new CancelAtWrite(FileStorage.Open(path), 24, cancel))
        await using (var image = await OpenAsync(file))
        {
            Assert.Equal(BlockResult.Ok, await image.ResizeAsync(1 << 20, cancel.Token));
            Assert.True(cancel.IsCancellationRequested);
            Assert.Equal(0, (await image.CheckAsync(cancellationToken: Cancel)).AllocatedClusters - 1);
        }

        QemuTools.Check(path);
    }

    [Fact]
    public async Task Files_that_the_caller_gave_stay_open_when_the_image_cannot_be_opened()
    {
        var data = new MemoryStorage(1 << 20, "data");
        var backing = new MemoryStorage(1 << 20, "backing");
        var file = new MemoryStorage(0);
        await Qcow2Format.CreateAsync(
            file, 1 << 20, new Qcow2CreateOptions { DataFileName = "data", HasLazyRefcounts = true }, data, Cancel);
        await file.WriteAsync(79, new byte[] { 5 }, Cancel);
        var header = await Qcow2HeaderReader.ReadAsync(file, Cancel);
        await file.WriteAsync(header.L1Offset, new byte[] { 0, 0, 0, 0, 0, 0, 0, 1 }, Cancel);
        var options = new ImageOpenOptions { DataFile = data, Backing = backing };
        await Assert.ThrowsAsync<BlockStorageException>(async () => await ImageFormats.Qcow2.OpenAsync(file, options, Cancel));
        Assert.False(data.IsClosed);
        Assert.False(backing.IsClosed);

        // Where it fails before the tables are read, too.
        await file.WriteAsync(72, new byte[] { 0, 0, 0, 0, 0, 0, 0, 4 }, Cancel);
        await Assert.ThrowsAsync<BlockStorageException>(async () => await ImageFormats.Qcow2.OpenAsync(
            new FaultStorage(file, [new FaultRule { Operation = BlockOperation.Read, Every = 3 }], leaveOpen: true), options with { Snapshot = null }, Cancel));
        Assert.False(data.IsClosed);
    }

    [Fact]
    public async Task Names_of_snapshots_that_are_no_utf8_survive_what_is_done_to_other_snapshots()
    {
        var path = _folder["disk.qcow2"];
        QemuTools.Img("create", "-q", "-f", "qcow2", path, "1M");
        QemuTools.Img("snapshot", "-c", "Xodd", path);
        var bytes = await File.ReadAllBytesAsync(path, Cancel);
        var place = bytes.AsSpan().LastIndexOf("Xodd"u8);
        bytes[place] = 0xFE;
        await File.WriteAllBytesAsync(path, bytes, Cancel);
        await using (var image = await OpenAsync(FileStorage.Open(path)))
        {
            await image.CreateSnapshotAsync("new", DateTimeOffset.UnixEpoch, Cancel);
            await image.CreateSnapshotAsync("newer", DateTimeOffset.UnixEpoch, Cancel);
            await image.DeleteSnapshotAsync("new", Cancel);
        }

        bytes = await File.ReadAllBytesAsync(path, Cancel);
        var table = (int)System.Buffers.Binary.BinaryPrimitives.ReadInt64BigEndian(bytes.AsSpan(64));
        Assert.True(bytes.AsSpan(table).IndexOf((ReadOnlySpan<byte>)[0xFE, (byte)'o', (byte)'d', (byte)'d']) > 0, "the name was changed");
        QemuTools.Check(path);
    }

    [Fact]
    public void Where_metadata_are_is_found_in_no_time_among_thousands_of_snapshots()
    {
        var header = new Qcow2Header
        {
            Version = 3,
            ClusterBits = 12,
            SizeBytes = 1 << 20,
            L1Entries = 1,
            L1Offset = 4096,
            RefcountTableOffset = 8192,
            RefcountTableClusters = 1,
        };
        var map = new MetadataMap(new Qcow2Layout(header), "map");
        map.AddRanges(MetadataKind.InactiveL1, Enumerable.Range(1, 65_536).Reverse().Select(index => (index * 8192L, 512L)));
        map.ThrowIfRangesOverlap();
        var watch = Stopwatch.StartNew();
        for (var index = 0; index < 200_000; index++)
        {
            Assert.Null(map.Find((index * 8192L) + 4096, 4096));
        }

        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(1), $"it took {watch.Elapsed}");
        Assert.Equal(MetadataKind.InactiveL1, map.Find(8192 * 3, 1));
        Assert.Equal(MetadataKind.InactiveL1, map.Find(8192 * 65_536 + 511, 4096));
        Assert.Null(map.Find((8192 * 65_536L) + 512, 4096));
        map.SetRange(MetadataKind.InactiveL1, 4096, 4096);
        Assert.Null(map.Find(8192 * 3, 1));
        Assert.Equal(MetadataKind.InactiveL1, map.Find(4000, 100));
    }

    [Fact]
    [Trait("Category", "Slow")]
    public async Task A_refcount_block_that_cannot_be_read_back_is_not_half_a_block()
    {
        const int Cluster = 131_072;
        var memory = new MemoryStorage(0);
        await Qcow2Format.CreateAsync(memory, 3L << 30, new Qcow2CreateOptions { ClusterBytes = Cluster, RefcountBits = 64 }, null, Cancel);
        await using var faults = new FaultStorage(memory, [], leaveOpen: true);
        await using (var image = (Qcow2Image)await ImageFormats.Qcow2.OpenAsync(faults, new ImageOpenOptions { CacheBytes = 1 }, Cancel))
        {
            // A block counts 2 GiB of the file; the second one lies at the beginning of what it counts.
            faults.Add(new FaultRule { Operation = BlockOperation.Read, OffsetBytes = 2L << 30 });
            var failures = 0;
            for (var cluster = 0; cluster < 16_500 && failures < 3; cluster++)
            {
                try
                {
                    await image.WriteAsync((long)cluster * Cluster, new byte[512], Cancel);
                }
                catch (BlockStorageException)
                {
                    failures++;
                }
            }

            faults.Clear();
            for (var cluster = 16_500; cluster < 16_600; cluster++)
            {
                await image.WriteAsync((long)cluster * Cluster, new byte[512], Cancel);
            }

            await image.FlushAsync(Cancel);
            var found = await image.CheckAsync(cancellationToken: Cancel);
            Assert.True(found.Corruptions == 0, found.Findings.Count > 0 ? found.Findings[0].Text : "");
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _folder.Dispose();

    private static async Task<Qcow2Image> OpenAsync(BlockStorage file) =>
        (Qcow2Image)await ImageFormats.Qcow2.OpenAsync(file, ImageOpenOptions.Default, Cancel);

    /// <summary>Cancels when a byte was written.</summary>
    private sealed class CancelAtWrite(BlockStorage inner, long offset, CancellationTokenSource cancel) : BlockStorageLayer(inner)
    {
        protected override async ValueTask<BlockResult> WriteCoreAsync(long offsetBytes, BufferList buffers, CancellationToken cancellationToken)
        {
            var result = await base.WriteCoreAsync(offsetBytes, buffers, cancellationToken);
            if (offsetBytes <= offset && offset < offsetBytes + buffers.LengthBytes)
            {
                await cancel.CancelAsync();
            }

            return result;
        }
    }
}
