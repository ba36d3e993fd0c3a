using Eider.Storage.Backends;
using Eider.Storage.Formats;
using Eider.Storage.Formats.Qcow2;
using Eider.Storage.Layers;

namespace Eider.Storage.Tests.Formats;

/// <summary>A host that fails while bitmaps are written leaves none that looks saved and misses a change.</summary>
public sealed class Qcow2BitmapFaultTests : IDisposable
{
    private const int DiskBytes = 8 << 20;
    private const int Late = 4 << 20;
    private const int MaxFaults = 40;

    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(BlockOperation.Read, 0, true)]
    [InlineData(BlockOperation.Read, 0, false)]
    [InlineData(BlockOperation.Write, 0, true)]
    [InlineData(BlockOperation.Write, 0, false)]
    [InlineData(BlockOperation.Write, 32, true)]
    [InlineData(BlockOperation.Write, 32, false)]
    public async Task After_a_failed_save_a_crash_leaves_each_bitmap_covering_or_in_use(BlockOperation operation, int tornBytes, bool hasNewMarks)
    {
        var template = await CreateAsync();
        var failures = 0;
        for (var fault = 1; fault <= MaxFaults && failures == fault - 1; fault++)
        {
            var (path, crashed) = (_folder[$"{fault}.qcow2"], _folder[$"{fault}.crashed"]);
            File.Copy(template, path);
            await using (var faults = new FaultStorage(FileStorage.Open(path), []))
            {
                await using var image = await OpenAsync(faults);
                await image.WriteAsync(hasNewMarks ? 1 << 20 : 0, new byte[4096], Cancel);
                faults.Add(new FaultRule { Operation = operation, Every = fault, IsOnce = true, TornBytes = tornBytes });
                failures += await FailsAsync(image.Bitmaps.AddAsync("c", isEnabled: false, cancellationToken: Cancel)) ? 1 : 0;
                faults.Clear();
                await image.WriteAsync(Late, new byte[4096], Cancel);
                await image.FlushAsync(Cancel);
                File.Copy(path, crashed);
            }

            Assert.True(await MarksAsync(crashed, Late, mustBeUsable: false), $"fault {fault}: a bitmap is valid after a crash, and misses a write");
            Assert.True(await MarksAsync(path, Late, mustBeUsable: true), $"fault {fault}: a bitmap misses a write");
            QemuTools.Check(path);
        }

        Assert.InRange(failures, 1, MaxFaults - 1);
    }

    [Fact]
    public async Task A_snapshot_that_is_applied_and_fails_then_is_a_change_of_the_whole_disk()
    {
        var template = await CreateAsync();
        var (failures, switched) = (0, 0);
        for (var fault = 1; fault <= MaxFaults && failures == fault - 1; fault++)
        {
            var path = _folder[$"{fault}.qcow2"];
            File.Copy(template, path);
            await using (var faults = new FaultStorage(FileStorage.Open(path), []))
            {
                await using var image = await OpenAsync(faults);
                faults.Add(new FaultRule { Operation = BlockOperation.Read, Every = fault, IsOnce = true });
                failures += await FailsAsync(image.ApplySnapshotAsync("s", Cancel)) ? 1 : 0;
                faults.Clear();
            }

            if (failures == fault && await ReadByteAsync(path, Late) == 1)
            {
                switched++;
                Assert.True(await MarksAsync(path, Late, mustBeUsable: false), $"fault {fault}: the disk is the snapshot's, and a bitmap does not say so");
            }
        }

        Assert.InRange(switched, 1, MaxFaults - 1);
    }

    [Fact]
    public async Task A_bitmap_that_cannot_be_saved_at_the_end_holds_nothing_else_back()
    {
        var path = await CreateAsync();
        await using (var faults = new FaultStorage(FileStorage.Open(path), []))
        {
            await using var image = await OpenAsync(faults);
            await image.WriteAsync(1 << 20, Filled(9), Cancel);
            faults.Add(new FaultRule { Operation = BlockOperation.Read, Every = 1, IsOnce = true }); // the first thing read is of the bitmaps
        }

        Assert.Equal(9, await ReadByteAsync(path, 1 << 20));
        Assert.True(await MarksAsync(path, 1 << 20, mustBeUsable: false));
    }

    [Fact]
    public async Task A_disk_does_not_outgrow_its_bitmaps()
    {
        var path = await CreateAsync();
        await using (var file = FileStorage.Open(path))
        {
            await using var image = await OpenAsync(file);
            await image.Bitmaps.AddAsync("fine", 512, cancellationToken: Cancel);
            var refused = await Assert.ThrowsAsync<BlockStorageException>(async () => await image.ResizeAsync(4L << 40, Cancel));
            Assert.Equal(BlockErrorKind.UnsupportedFeature, refused.Kind);
            Assert.Contains("'fine'", refused.Message, StringComparison.Ordinal);
            Assert.Equal(DiskBytes, image.SizeBytes);
        }

        Assert.False(await MarksAsync(path, Late, mustBeUsable: true));
        QemuTools.Check(path);
    }

    public void Dispose() => _folder.Dispose();

    /// <summary>An image with a snapshot, and two bitmaps that mark the beginning of what differs from it, but not <see cref="Late"/>.</summary>
    private async Task<string> CreateAsync()
    {
        var path = _folder["disk.qcow2"];
        await using (var file = FileStorage.Create(path, 0))
        {
            await ImageFormats.Qcow2.CreateAsync(
                file, new ImageCreateOptions { SizeBytes = DiskBytes, Options = new Dictionary<string, string> { ["cluster_size"] = "4k" } }, Cancel);
        }

        await using var disk = FileStorage.Open(path);
        await using var image = await OpenAsync(disk);
        await image.WriteAsync(Late, Filled(1), Cancel);
        await image.CreateSnapshotAsync("s", DateTimeOffset.UnixEpoch, Cancel);
        await image.WriteAsync(Late, Filled(2), Cancel);
        await image.Bitmaps.AddAsync("a", 4096, cancellationToken: Cancel);
        await image.Bitmaps.AddAsync("b", 65536, cancellationToken: Cancel);
        await image.WriteAsync(0, Filled(3), Cancel);
        return path;
    }

    private static async Task<bool> FailsAsync(ValueTask work)
    {
        try
        {
            await work;
            return false;
        }
        catch (BlockStorageException)
        {
            return true;
        }
    }

    /// <summary>True if both bitmaps mark a place, or say that they cannot be used.</summary>
    private static async Task<bool> MarksAsync(string path, long offset, bool mustBeUsable)
    {
        await using var file = FileStorage.Open(path, new FileStorageOptions { IsReadOnly = true });
        await using var image = await OpenAsync(file, isReadOnly: true);
        var bitmaps = await image.Bitmaps.ListAsync(Cancel);
        foreach (var name in (string[])["a", "b"])
        {
            var isUsable = bitmaps.Single(bitmap => bitmap.Name == name).IsUsable;
            Assert.True(isUsable || !mustBeUsable);
            if (isUsable && (!(await image.Bitmaps.ReadAsync(name, Cancel)).TryFindRun(offset, out var found, out _) || found != offset))
            {
                return false;
            }
        }

        return true;
    }

    private static async Task<int> ReadByteAsync(string path, long offset)
    {
        await using var file = FileStorage.Open(path, new FileStorageOptions { IsReadOnly = true });
        await using var image = await OpenAsync(file, isReadOnly: true);
        var bytes = new byte[1];
        await image.ReadAsync(offset, bytes, Cancel);
        return bytes[0];
    }

    private static byte[] Filled(byte value)
    {
        var bytes = new byte[4096];
        bytes.AsSpan().Fill(value);
        return bytes;
    }

    private static async Task<Qcow2Image> OpenAsync(BlockStorage file, bool isReadOnly = false) => (Qcow2Image)await ImageFormats.Qcow2.OpenAsync(
        file, new ImageOpenOptions { IsReadOnly = isReadOnly, Chain = ImageChainPolicy.Ignore }, Cancel);
}
