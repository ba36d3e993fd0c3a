using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Eider.Storage.Backends;

namespace Eider.Storage.Tests.Backends;

[SupportedOSPlatform("linux")]
public sealed class FileStorageTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_created_file_is_one_hole_and_grows_where_it_is_written()
    {
        var path = _folder["disk"];
        await using (var storage = FileStorage.Create(path, 10L << 30))
        {
            Assert.Equal(10L << 30, storage.SizeBytes);
            Assert.Equal(
                new BlockExtent(0, 10L << 30, BlockExtentStatus.Hole | BlockExtentStatus.Zero),
                await storage.GetExtentAsync(0, 10L << 30));
            Assert.Equal(BlockResult.Ok, await storage.WriteAsync(5L << 30, new byte[] { 1 }));
        }

        Assert.InRange(AllocatedBytes(path), 1, 1 << 20);
    }

    [Fact]
    public void Creating_never_touches_a_file_that_exists()
    {
        var path = _folder["disk"];
        File.WriteAllText(path, "precious");
        Assert.Throws<BlockStorageException>(() => FileStorage.Create(path, 4096));
        Assert.Equal("precious", File.ReadAllText(path));
    }

    [Fact]
    public async Task A_discard_punches_a_hole_and_zeroes_may_become_one()
    {
        var path = _folder["disk"];
        File.WriteAllBytes(path, Enumerable.Repeat((byte)1, 1 << 20).ToArray());
        var before = AllocatedBytes(path);
        await using var storage = FileStorage.Open(path);
        Assert.True(storage.Geometry.CanDiscard, "the file system of the temporary folder has no holes");
        Assert.Equal(BlockResult.Ok, await storage.DiscardAsync(262144, 262144));
        Assert.Equal(BlockResult.Ok, await storage.WriteZeroesAsync(786432, 131072, mayUnmap: true));
        Assert.Equal(before - 262144 - 131072, AllocatedBytes(path));
        Assert.Equal(
            new BlockExtent(262144, 262144, BlockExtentStatus.Hole | BlockExtentStatus.Zero),
            await storage.GetExtentAsync(262144, 500_000));
        Assert.Equal(new BlockExtent(0, 262144, BlockExtentStatus.Data), await storage.GetExtentAsync(0, 1 << 20));

        // Without leave to unmap the space stays.
        Assert.Equal(BlockResult.Ok, await storage.WriteZeroesAsync(0, 131072, mayUnmap: false));
        Assert.Equal(before - 262144 - 131072, AllocatedBytes(path));
        Assert.Equal(1 << 20, new FileInfo(path).Length);
    }

    [Fact]
    public async Task Direct_and_cached_storages_see_the_same_bytes()
    {
        var path = _folder["disk"];
        File.WriteAllBytes(path, new byte[1 << 20]);
        var data = Enumerable.Range(0, 10_000).Select(value => (byte)(value % 251)).ToArray();
        await using (var direct = FileStorage.Open(path, new FileStorageOptions { IsDirect = true }))
        {
            Assert.True(direct.Geometry.BufferAlignmentBytes >= 512);
            Assert.Equal(BlockResult.Ok, await direct.WriteAsync(12_345, data));
            Assert.Equal(BlockResult.Ok, await direct.FlushAsync());
        }

        Assert.Equal(data, File.ReadAllBytes(path).AsSpan(12_345, data.Length).ToArray());
    }

    [Fact]
    public void Direct_io_on_an_uneven_size_is_refused_with_size_and_alignment()
    {
        var path = _folder["disk"];
        File.WriteAllBytes(path, new byte[4097]);
        var failure = Assert.Throws<BlockStorageException>(
            () => FileStorage.Open(path, new FileStorageOptions { IsDirect = true }));
        Assert.Contains("4097", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', failure.Message);
    }

    [Fact]
    public void What_cannot_be_opened_is_refused_with_kind_and_path_in_one_line()
    {
        var missing = Assert.Throws<BlockStorageException>(() => FileStorage.Open(_folder["missing"]));
        Assert.Equal((BlockErrorKind.NotFound, BlockOperation.Open, _folder["missing"]), (missing.Kind, missing.Operation, missing.Path));
        Assert.False(File.Exists(_folder["missing"]));

        Directory.CreateDirectory(_folder["folder"]);
        var folder = Assert.Throws<BlockStorageException>(
            () => FileStorage.Open(_folder["folder"], new FileStorageOptions { IsReadOnly = true }));
        Assert.Contains("directory", folder.Message, StringComparison.Ordinal);

        var device = Assert.Throws<BlockStorageException>(() => FileStorage.Open("/dev/null"));
        Assert.Contains("expected a file", device.Message, StringComparison.Ordinal);
        Assert.All([missing, folder, device], failure => Assert.DoesNotContain('\n', failure.Message));
    }

    [Fact]
    public async Task A_full_host_disk_is_reported_as_no_space()
    {
        // /dev/full answers each write with ENOSPC.
        using var handle = File.OpenHandle("/dev/full", FileMode.Open, FileAccess.ReadWrite);
        var backend = new LinuxFileBackend(handle, "full", writable: true);
        var failure = Assert.Throws<BlockStorageException>(() => backend.Write(8192, new byte[512]));
        Assert.Equal((BlockErrorKind.NoSpace, BlockOperation.Write, 8192), (failure.Kind, failure.Operation, failure.OffsetBytes));

        using var portable = File.OpenHandle("/dev/full", FileMode.Open, FileAccess.ReadWrite);
        var other = Assert.Throws<BlockStorageException>(
            () => new PortableFileBackend(portable, "full").Write(0, new byte[512]));
        Assert.Equal(BlockErrorKind.NoSpace, other.Kind);
        await Task.CompletedTask;
    }

    [Fact]
    public async Task A_file_that_shrinks_under_us_is_a_failure_and_never_made_up_bytes()
    {
        var path = _folder["disk"];
        File.WriteAllBytes(path, new byte[65536]);
        await using var storage = FileStorage.Open(path);
        using (var other = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite))
        {
            other.SetLength(5000);
        }

        var failure = await Assert.ThrowsAsync<BlockStorageException>(async () => await storage.ReadAsync(4096, new byte[4096]));
        Assert.Equal((BlockErrorKind.Changed, 5000), (failure.Kind, failure.OffsetBytes));
    }

    [Fact]
    public async Task A_change_of_size_is_told_and_old_limits_fall()
    {
        await using var storage = FileStorage.Create(_folder["disk"], 4096);
        var sizes = new List<long>();
        storage.SizeChanged += (_, _) => sizes.Add(storage.SizeBytes);
        storage.Resize(8192);
        storage.RefreshSize();
        Assert.Equal(BlockResult.Ok, await storage.WriteAsync(8191, new byte[1]));
        using (var other = new FileStream(_folder["disk"], FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite))
        {
            other.SetLength(12288);
        }

        storage.RefreshSize();
        Assert.Equal([8192, 12288], sizes);
    }

    [Fact]
    public async Task A_handle_must_fit_what_is_asked_of_it_and_may_stay_open()
    {
        var path = _folder["disk"];
        File.WriteAllBytes(path, new byte[4096]);
        using var readable = File.OpenHandle(path);
        Assert.Throws<BlockStorageException>(() => new FileStorage(readable));
        await using (var storage = new FileStorage(readable, new FileStorageOptions { IsReadOnly = true, LeaveOpen = true }))
        {
            Assert.Equal(BlockResult.Ok, await storage.ReadAsync(0, new byte[10]));
        }

        Assert.Equal(4096, RandomAccess.GetLength(readable));
        await new FileStorage(readable, new FileStorageOptions { IsReadOnly = true }).DisposeAsync();
        Assert.True(readable.IsClosed);
        Assert.Throws<BlockStorageException>(() => new FileStorage(readable));

        using var appending = new FileStream(path, FileMode.Append, FileAccess.Write);
        Assert.Throws<BlockStorageException>(() => new FileStorage(appending.SafeFileHandle));
    }

    [Fact]
    public async Task Requests_of_more_than_the_hosts_limit_of_pieces_and_across_batches_are_whole()
    {
        var path = _folder["disk"];
        var content = new byte[300_000];
        new Random(1).NextBytes(content);
        File.WriteAllBytes(path, content);
        await using var storage = FileStorage.Open(path);
        var read = new byte[content.Length];
        var list = new BufferList(Enumerable.Range(0, 3000).Select(piece => read.AsMemory(piece * 100, 100)).ToArray());
        Assert.Equal(BlockResult.Ok, await storage.ReadAsync(0, list));
        Assert.Equal(content, read);
    }

    private static long AllocatedBytes(string path)
    {
        using var handle = File.OpenHandle(path);
        Assert.Equal(0, LinuxFileCalls.Status(handle, "", 0x1000, 0x7FF, out var status));
        var blocks = MemoryMarshal.Read<long>(MemoryMarshal.AsBytes(new Span<LinuxFileCalls.FileStatus>(ref status))[48..]);
        return blocks * 512;
    }
}
