using Eider.Storage.Backends;
using Eider.Storage.Formats;
using Eider.Storage.Formats.Qcow2;

namespace Eider.Storage.Tests.Formats;

/// <summary>Internal snapshots, taken here and by QEMU, in one image.</summary>
public sealed class Qcow2SnapshotTests : IDisposable
{
    private const int DiskBytes = 2 << 20;

    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("cluster_size=64k")]
    [InlineData("cluster_size=512,refcount_bits=64")]
    [InlineData("cluster_size=4k,refcount_bits=8")]
    [InlineData("compat=0.10,cluster_size=4k")]
    [InlineData("cluster_size=16k,extended_l2=on")]
    [InlineData("cluster_size=1k,lazy_refcounts=on")]
    public async Task Snapshots_are_taken_read_applied_and_deleted_as_qemu_does(string options)
    {
        var path = _folder["disk.qcow2"];
        QemuTools.Img("create", "-q", "-f", "qcow2", "-o", options, path, $"{DiskBytes}");
        QemuTools.Io(path, ["write -c -P 9 1M 64k"], "-f", "qcow2");
        var contents = new Dictionary<string, byte[]>();
        var model = new byte[DiskBytes];
        model.AsSpan(1 << 20, 65536).Fill(9);
        var random = new Random(3);
        await using (var image = await OpenAsync(path))
        {
            for (var round = 0; round < 3; round++)
            {
                await ChangeAsync(image, model, random);
                var snapshot = await image.CreateSnapshotAsync($"ours{round}", DateTimeOffset.UnixEpoch.AddDays(20_000), Cancel);
                contents.Add(snapshot.Name, (byte[])model.Clone());
                await AssertContentAsync(image, model);
            }

            await ChangeAsync(image, model, random);
        }

        QemuTools.Check(path);
        QemuTools.Img("snapshot", "-c", "theirs", path);
        contents.Add("theirs", (byte[])model.Clone());
        foreach (var (name, content) in contents)
        {
            await using var then = await OpenAsync(path, name);
            await AssertContentAsync(then, content);
        }

        await using (var image = await OpenAsync(path))
        {
            await ChangeAsync(image, model, random);
            await image.ApplySnapshotAsync("ours1", Cancel);
            model = (byte[])contents["ours1"].Clone();
            await AssertContentAsync(image, model);
            await ChangeAsync(image, model, random);
            await image.DeleteSnapshotAsync("ours0", Cancel);
            await image.DeleteSnapshotAsync("theirs", Cancel);
            Assert.Equal(["ours1", "ours2"], (await image.GetSnapshotsAsync(Cancel)).Select(snapshot => snapshot.Name));
            await AssertContentAsync(image, model);
            await ChangeAsync(image, model, random);
        }

        QemuTools.Check(path);
        Assert.Contains("ours2", QemuTools.Img("snapshot", "-l", path), StringComparison.Ordinal);
        QemuTools.Img("snapshot", "-a", "ours2", path);
        QemuTools.Check(path);
        await using var last = await OpenAsync(path);
        await AssertContentAsync(last, contents["ours2"]);
        await last.DeleteSnapshotAsync("ours1", Cancel);
        await last.DeleteSnapshotAsync("ours2", Cancel);
        var result = await last.CheckAsync(cancellationToken: Cancel);
        Assert.Empty(result.Findings);
        await AssertContentAsync(last, contents["ours2"]);
    }

    [Fact]
    public async Task A_snapshot_brings_the_size_of_its_disk_back()
    {
        var path = _folder["disk.qcow2"];
        QemuTools.Img("create", "-q", "-f", "qcow2", path, $"{DiskBytes}");
        await using (var image = await OpenAsync(path))
        {
            await image.CreateSnapshotAsync("small", DateTimeOffset.UnixEpoch, Cancel);
            Assert.Equal(BlockResult.Ok, await image.ResizeAsync(3L << 30, Cancel));
            Assert.Equal(BlockResult.Ok, await image.WriteAsync(2L << 30, new byte[] { 1, 2, 3 }, Cancel));
            await image.ApplySnapshotAsync("small", Cancel);
            Assert.Equal(DiskBytes, image.SizeBytes);
            var missing = await Assert.ThrowsAsync<BlockStorageException>(async () => await image.ApplySnapshotAsync("none", Cancel));
            Assert.Equal(BlockErrorKind.NotFound, missing.Kind);
        }

        QemuTools.Check(path);
    }

    [Fact]
    public async Task A_snapshot_that_a_refcount_cannot_count_is_refused_and_changes_nothing()
    {
        var path = _folder["disk.qcow2"];
        QemuTools.Img("create", "-q", "-f", "qcow2", "-o", "refcount_bits=1", path, $"{DiskBytes}");
        QemuTools.Io(path, ["write -P 1 0 64k"], "-f", "qcow2");
        await using (var image = await OpenAsync(path))
        {
            var refused = await Assert.ThrowsAsync<BlockStorageException>(
                async () => await image.CreateSnapshotAsync("one", DateTimeOffset.UnixEpoch, Cancel));
            Assert.Equal(BlockErrorKind.UnsupportedFeature, refused.Kind);
            Assert.Empty(await image.GetSnapshotsAsync(Cancel));
        }

        QemuTools.Check(path);
    }

    public void Dispose() => _folder.Dispose();

    private static async Task ChangeAsync(BlockStorage image, byte[] model, Random random)
    {
        for (var step = 0; step < 60; step++)
        {
            var length = random.Next(1, 9000);
            var offset = random.Next(model.Length - length);
            var part = model.AsMemory(offset, length);
            if (random.Next(4) == 0)
            {
                part.Span.Clear();
                Assert.Equal(BlockResult.Ok, await image.WriteZeroesAsync(offset, length, mayUnmap: true, Cancel));
            }
            else
            {
                random.NextBytes(part.Span);
                Assert.Equal(BlockResult.Ok, await image.WriteAsync(offset, part, Cancel));
            }
        }
    }

    private static async Task AssertContentAsync(BlockStorage image, byte[] expected)
    {
        var found = new byte[expected.Length];
        Assert.Equal(BlockResult.Ok, await image.ReadAsync(0, found, Cancel));
        var same = expected.AsSpan().CommonPrefixLength(found);
        Assert.True(same == expected.Length, $"byte {same} differs");
    }

    private static async Task<Qcow2Image> OpenAsync(string path, string? snapshot = null) => (Qcow2Image)await ImageFormats.Qcow2.OpenAsync(
        FileStorage.Open(path, new FileStorageOptions { IsReadOnly = snapshot != null }),
        new ImageOpenOptions { IsReadOnly = snapshot != null, Snapshot = snapshot },
        Cancel);
}
