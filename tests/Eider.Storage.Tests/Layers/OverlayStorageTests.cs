using Eider.Storage.Backends;
using Eider.Storage.Layers;
using Eider.Testing.Storage;

namespace Eider.Storage.Tests.Layers;

public sealed class OverlayStorageConformance : BlockStorageConformance
{
    protected override bool IsAllocationFree => true;

    protected override ValueTask<BlockStorage> CreateAsync(byte[] content) =>
        new(new OverlayStorage(new MemoryStorage((ReadOnlyMemory<byte>)content)));

    protected override ValueTask<BlockStorage> CreateFaultyAsync(byte[] content, int seed) =>
        new(new OverlayStorage(new FaultStorage(new MemoryStorage((ReadOnlyMemory<byte>)content), FaultRules(seed))));
}

public sealed class OverlayOverSlowDiskConformance : BlockStorageConformance
{
    protected override ValueTask<BlockStorage> CreateAsync(byte[] content) =>
        new(new OverlayStorage(new DelayStorage(
            new MemoryStorage((ReadOnlyMemory<byte>)content), TimeProvider.System, TimeSpan.FromMilliseconds(1))));
}

public sealed class OverlayStorageTests
{
    [Fact]
    public async Task The_disk_below_is_never_changed()
    {
        var below = Enumerable.Repeat((byte)5, 200_000).ToArray();
        await using var overlay = new OverlayStorage(new MemoryStorage(below.AsMemory()));
        Assert.Equal(BlockResult.Ok, await overlay.WriteAsync(1, new byte[100_000]));
        Assert.Equal(BlockResult.Ok, await overlay.DiscardAsync(0, 200_000));
        Assert.DoesNotContain(below, value => value != 5);
        var read = new byte[200_000];
        Assert.Equal(BlockResult.Ok, await overlay.ReadAsync(0, read));
        Assert.DoesNotContain(read, value => value != 0);
    }

    [Fact]
    public async Task A_write_of_whole_sectors_reads_nothing_from_below()
    {
        var below = new FaultStorage(new MemoryStorage(1 << 20), [new FaultRule()]);
        await using var overlay = new OverlayStorage(below);
        Assert.Equal(BlockResult.Ok, await overlay.WriteAsync(512, new byte[4096]));
        Assert.Equal(0, below.InjectedCount);
        var read = new byte[4096];
        Assert.Equal(BlockResult.Ok, await overlay.ReadAsync(512, read));
        await Assert.ThrowsAsync<BlockStorageException>(async () => await overlay.WriteAsync(100, new byte[3]));
    }

    [Fact]
    public async Task A_full_overlay_fails_a_write_as_a_full_disk_does_and_keeps_what_it_has()
    {
        await using var overlay = new OverlayStorage(new MemoryStorage(1 << 20), maxBytes: 2 * 65536);
        Assert.Equal(BlockResult.Ok, await overlay.WriteAsync(0, Enumerable.Repeat((byte)3, 131072).ToArray()));
        var failure = await Assert.ThrowsAsync<BlockStorageException>(async () => await overlay.WriteAsync(131072, new byte[1]));
        Assert.Equal(BlockErrorKind.NoSpace, failure.Kind);
        Assert.Equal(131072, failure.OffsetBytes);
        var read = new byte[131073];
        Assert.Equal(BlockResult.Ok, await overlay.ReadAsync(0, read));
        Assert.DoesNotContain(read[..131072], value => value != 3);
        Assert.Equal(0, read[131072]);

        // What a discard frees can be used again.
        Assert.Equal(BlockResult.Ok, await overlay.DiscardAsync(0, 65536));
        Assert.Equal(BlockResult.Ok, await overlay.WriteAsync(131072, new byte[1]));
        Assert.Equal(131072, overlay.AllocatedBytes);
    }

    [Fact]
    public async Task Extents_tell_what_is_below_what_was_written_and_what_was_zeroed()
    {
        await using var overlay = new OverlayStorage(new MemoryStorage(1 << 20));
        Assert.Equal(BlockResult.Ok, await overlay.WriteAsync(65536 + 1024, new byte[512]));
        Assert.Equal(BlockResult.Ok, await overlay.WriteZeroesAsync(131072, 65536, mayUnmap: true));
        const BlockExtentStatus Hole = BlockExtentStatus.Hole | BlockExtentStatus.Zero;
        Assert.Equal(new BlockExtent(0, 65536 + 1024, Hole), await overlay.GetExtentAsync(0, 1 << 20));
        Assert.Equal(new BlockExtent(66560, 512, BlockExtentStatus.Data), await overlay.GetExtentAsync(66560, 100_000));
        Assert.Equal(new BlockExtent(131072, 65536, Hole), await overlay.GetExtentAsync(131072, 800_000));
    }

    // The overlay is made for as large as the disk is then; one that shrinks must not give wrong bytes.
    [Fact]
    public async Task A_disk_below_that_shrinks_is_a_failure_and_not_zeroes()
    {
        using var folder = new TemporaryFolder();
        var file = FileStorage.Create(folder["disk"], 1 << 20);
        await using var overlay = new OverlayStorage(file);
        file.Resize(4096);
        var failure = await Assert.ThrowsAsync<BlockStorageException>(async () => await overlay.ReadAsync(8192, new byte[512]));
        Assert.Equal(BlockErrorKind.Changed, failure.Kind);
    }
}
