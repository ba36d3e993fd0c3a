using Eider.Storage.Backends;
using Eider.Storage.Layers;
using Eider.Testing.Storage;

namespace Eider.Storage.Tests.Layers;

public sealed class FaultStorageConformance : BlockStorageConformance
{
    protected override ValueTask<BlockStorage> CreateAsync(byte[] content) =>
        new(new FaultStorage(new MemoryStorage((byte[])content.Clone()), []));
}

public sealed class DelayStorageConformance : BlockStorageConformance
{
    private int _requests;

    protected override ValueTask<BlockStorage> CreateAsync(byte[] content) =>
        new(new DelayStorage(
            new MemoryStorage((byte[])content.Clone()),
            TimeProvider.System,
            _ => TimeSpan.FromMilliseconds(Interlocked.Increment(ref _requests) % 3)));
}

public sealed class StatisticsStorageConformance : BlockStorageConformance
{
    protected override bool IsAllocationFree => true;

    protected override ValueTask<BlockStorage> CreateAsync(byte[] content) =>
        new(new StatisticsStorage(new MemoryStorage((byte[])content.Clone()), TimeProvider.System));
}

public sealed class LayerTests
{
    [Fact]
    public async Task A_fault_rule_fails_every_kth_request_that_fits()
    {
        await using var storage = new FaultStorage(
            new MemoryStorage(4096), [new FaultRule { Operation = BlockOperation.Read, Every = 3, Kind = BlockErrorKind.NoSpace }]);
        var outcomes = new List<bool>();
        for (var step = 0; step < 9; step++)
        {
            Assert.Equal(BlockResult.Ok, await storage.WriteAsync(0, new byte[1]));
            outcomes.Add(await FailsAsync(storage.ReadAsync(0, new byte[1])));
        }

        Assert.Equal([false, false, true, false, false, true, false, false, true], outcomes);
        Assert.Equal(3, storage.InjectedCount);
    }

    [Fact]
    public async Task A_fault_rule_with_a_place_fails_what_covers_it_and_once_means_once()
    {
        await using var storage = new FaultStorage(
            new MemoryStorage(4096), [new FaultRule { OffsetBytes = 1000, IsOnce = true }]);
        Assert.False(await FailsAsync(storage.ReadAsync(0, new byte[1000])));
        Assert.False(await FailsAsync(storage.ReadAsync(1001, new byte[10])));
        Assert.False(await FailsAsync(storage.FlushAsync()));
        Assert.True(await FailsAsync(storage.ReadAsync(0, new byte[1001])));
        Assert.False(await FailsAsync(storage.ReadAsync(0, new byte[1001])));
    }

    [Fact]
    public async Task A_torn_write_writes_its_beginning_and_fails()
    {
        await using var storage = new FaultStorage(new MemoryStorage(4096), [new FaultRule { TornBytes = 2, IsOnce = true }]);
        Assert.True(await FailsAsync(storage.WriteAsync(0, new byte[] { 1, 2, 3 })));
        var read = new byte[3];
        Assert.Equal(BlockResult.Ok, await storage.ReadAsync(0, read));
        Assert.Equal([1, 2, 0], read);
    }

    [Fact]
    public async Task A_delayed_request_waits_on_the_given_clock_and_can_be_cancelled()
    {
        await using var storage = new DelayStorage(new MemoryStorage(4096), TimeProvider.System, TimeSpan.FromMinutes(5));
        using var source = new CancellationTokenSource();
        var request = storage.ReadAsync(0, new byte[512], source.Token);
        Assert.False(request.IsCompleted);
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await request);
    }

    [Fact]
    public async Task Statistics_count_requests_bytes_and_failures_by_operation()
    {
        await using var storage = new StatisticsStorage(
            new FaultStorage(new MemoryStorage(4096), [new FaultRule { Operation = BlockOperation.Write, Every = 2 }]),
            TimeProvider.System);
        Assert.Equal(BlockResult.Ok, await storage.WriteAsync(0, new byte[100]));
        Assert.True(await FailsAsync(storage.WriteAsync(0, new byte[100])));
        Assert.Equal(BlockResult.Ok, await storage.ReadAsync(0, new byte[7]));
        var writes = storage[BlockOperation.Write];
        Assert.Equal((2, 100, 1), (writes.Requests, writes.Bytes, writes.Failures));
        var reads = storage[BlockOperation.Read];
        Assert.Equal((1, 7, 0), (reads.Requests, reads.Bytes, reads.Failures));
        Assert.True(reads.Time >= TimeSpan.Zero);
    }

    [Fact]
    public async Task A_layer_passes_a_change_of_size_on_and_closes_what_it_stands_on_unless_told_not_to()
    {
        using var folder = new TemporaryFolder();
        var file = FileStorage.Create(folder["disk"], 4096);
        var layer = new FaultStorage(file, [], leaveOpen: true);
        var told = 0;
        layer.SizeChanged += (_, _) => told++;
        file.Resize(8192);
        Assert.Equal((1, 8192), (told, layer.SizeBytes));
        await layer.DisposeAsync();
        Assert.False(file.IsClosed);
        await new FaultStorage(file, []).DisposeAsync();
        Assert.True(file.IsClosed);
    }

    private static async Task<bool> FailsAsync(ValueTask<BlockResult> request)
    {
        try
        {
            return await request != BlockResult.Ok;
        }
        catch (BlockStorageException)
        {
            return true;
        }
    }
}
