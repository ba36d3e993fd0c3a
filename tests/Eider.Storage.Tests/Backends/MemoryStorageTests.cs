using Eider.Storage.Backends;
using Eider.Testing.Storage;

namespace Eider.Storage.Tests.Backends;

public sealed class MemoryStorageConformance : BlockStorageConformance
{
    protected override bool IsAllocationFree => true;

    protected override async ValueTask<BlockStorage> CreateAsync(byte[] content)
    {
        var storage = new MemoryStorage(content.Length);
        await storage.WriteAsync(0, content);
        return storage;
    }
}

public sealed class CallersMemoryConformance : BlockStorageConformance
{
    protected override bool IsAllocationFree => true;

    protected override ValueTask<BlockStorage> CreateAsync(byte[] content) => new(new MemoryStorage((byte[])content.Clone()));
}

public sealed class ReadOnlyMemoryConformance : BlockStorageConformance
{
    protected override bool IsReadOnly => true;

    protected override bool IsAllocationFree => true;

    protected override ValueTask<BlockStorage> CreateAsync(byte[] content) =>
        new(new MemoryStorage((ReadOnlyMemory<byte>)content));
}

public sealed class MemoryStorageTests
{
    [Fact]
    public async Task A_disk_of_terabytes_costs_memory_only_where_it_was_written()
    {
        const long Place = (5L << 40) + 123;
        await using var storage = new MemoryStorage(MemoryStorage.MaxSizeBytes);
        Assert.Equal(0, storage.AllocatedBytes);
        Assert.Equal(BlockResult.Ok, await storage.WriteAsync(Place, new byte[] { 1, 2, 3 }));
        Assert.Equal(65536, storage.AllocatedBytes);
        var read = new byte[5];
        Assert.Equal(BlockResult.Ok, await storage.ReadAsync(Place - 1, read));
        Assert.Equal([0, 1, 2, 3, 0], read);
    }

    [Fact]
    public async Task Beyond_2_GiB_every_byte_has_its_own_place()
    {
        await using var storage = new MemoryStorage(5L << 30);
        for (var step = 0; step < 5; step++)
        {
            Assert.Equal(BlockResult.Ok, await storage.WriteAsync((step * (1L << 30)) + 77, new byte[] { (byte)(step + 1) }));
        }

        for (var step = 0; step < 5; step++)
        {
            var read = new byte[1];
            Assert.Equal(BlockResult.Ok, await storage.ReadAsync((step * (1L << 30)) + 77, read));
            Assert.Equal(step + 1, read[0]);
        }
    }

    [Fact]
    public async Task A_discard_gives_memory_back_and_reads_as_zeroes()
    {
        await using var storage = new MemoryStorage(1 << 20);
        Assert.Equal(BlockResult.Ok, await storage.WriteAsync(0, Enumerable.Repeat((byte)7, 1 << 20).ToArray()));
        Assert.Equal(1 << 20, storage.AllocatedBytes);
        Assert.Equal(BlockResult.Ok, await storage.DiscardAsync(65536, 131072));
        Assert.Equal((1 << 20) - 131072, storage.AllocatedBytes);
        Assert.Equal(
            new BlockExtent(65536, 131072, BlockExtentStatus.Hole | BlockExtentStatus.Zero),
            await storage.GetExtentAsync(65536, 500_000));
        Assert.Equal(new BlockExtent(0, 65536, BlockExtentStatus.Data), await storage.GetExtentAsync(0, 1 << 20));
    }

    [Fact]
    public async Task The_callers_memory_is_the_disk_itself()
    {
        var bytes = new byte[1024];
        await using var storage = new MemoryStorage(bytes.AsMemory());
        Assert.Equal(BlockResult.Ok, await storage.WriteAsync(10, new byte[] { 9 }));
        Assert.Equal(9, bytes[10]);
    }

    // A request past the end must not bring the host down, and a read that reaches past it must not look good.
    [Fact]
    public async Task An_offset_past_the_end_is_a_result_and_a_read_is_never_short()
    {
        await using var storage = new MemoryStorage(new byte[1000].AsMemory());
        Assert.Equal(BlockResult.OutOfRange, await storage.ReadAsync(1001, new byte[1]));
        Assert.Equal(BlockResult.OutOfRange, await storage.ReadAsync(990, new byte[11]));
        Assert.Equal(BlockResult.OutOfRange, await storage.WriteAsync(2000, new byte[1]));
    }

    [Fact]
    public void A_size_that_cannot_be_is_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new MemoryStorage(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new MemoryStorage(MemoryStorage.MaxSizeBytes + 1));
    }
}
