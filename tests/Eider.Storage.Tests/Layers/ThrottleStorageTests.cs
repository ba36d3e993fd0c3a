using System.Diagnostics;
using Eider.Storage.Backends;
using Eider.Storage.Layers;

namespace Eider.Storage.Tests.Layers;

public sealed class ThrottleStorageTests
{
    private static readonly TimeSpan FiveSeconds = TimeSpan.FromSeconds(5);

    [Theory]
    [InlineData(100, 0, 4096, 1)]
    [InlineData(1000, 0, 512, 8)]
    [InlineData(20_000, 0, 512, 1)]
    [InlineData(0, 1_000_000, 4096, 1)]
    [InlineData(0, 50_000_000, 65536, 16)]
    [InlineData(500, 1_000_000, 4096, 4)]
    public async Task Over_five_seconds_of_injected_time_the_limits_hold_within_two_percent(double iops, double bps, int bytes, int depth)
    {
        var time = new SteppedTime();
        var group = new ThrottleGroup(new ThrottleLimits { RequestsPerSecond = iops, BytesPerSecond = bps }, time);
        await using var storage = new ThrottleStorage(new MemoryStorage(1 << 20), group);
        var done = 0L;
        var workers = Enumerable.Range(0, depth).Select(_ => WorkAsync()).ToArray();
        while (workers.Any(worker => !worker.IsCompleted))
        {
            if (!time.Step())
            {
                await Task.Yield();
            }
        }

        await Task.WhenAll(workers);
        var limit = Math.Min(iops > 0 ? iops : double.MaxValue, bps > 0 ? bps / bytes : double.MaxValue);
        Assert.InRange(done / FiveSeconds.TotalSeconds, limit * 0.98, limit * 1.02);

        async Task WorkAsync()
        {
            var buffer = new byte[bytes];
            while (true)
            {
                await storage.ReadAsync(0, buffer);
                if (time.Elapsed > FiveSeconds)
                {
                    return;
                }

                Interlocked.Increment(ref done);
            }
        }
    }

    [Fact]
    [Trait("Category", "Slow")]
    public async Task Over_five_seconds_of_real_time_the_limit_holds_within_two_percent()
    {
        var group = new ThrottleGroup(new ThrottleLimits { RequestsPerSecond = 2000 }, TimeProvider.System);
        await using var storage = new ThrottleStorage(new MemoryStorage(1 << 20), group);
        var buffer = new byte[512];
        var watch = Stopwatch.StartNew();
        var done = 0;
        while (true)
        {
            await storage.ReadAsync(0, buffer);
            if (watch.Elapsed > FiveSeconds)
            {
                break;
            }

            done++;
        }

        Assert.InRange(done / FiveSeconds.TotalSeconds, 2000 * 0.98, 2000 * 1.02);
    }

    [Fact]
    public async Task After_a_pause_a_burst_passes_at_once_and_then_the_rate_holds()
    {
        var time = new SteppedTime();
        var group = new ThrottleGroup(new ThrottleLimits { RequestsPerSecond = 100, Burst = TimeSpan.FromSeconds(2) }, time);
        await using var storage = new ThrottleStorage(new MemoryStorage(4096), group);
        time.Advance(TimeSpan.FromSeconds(10));
        for (var request = 0; request <= 200; request++)
        {
            Assert.True(storage.ReadAsync(0, new byte[1]).IsCompletedSuccessfully, $"request {request}");
        }

        var next = storage.ReadAsync(0, new byte[1]).AsTask();
        Assert.False(next.IsCompleted);
        time.Step();
        await next;
        Assert.Equal(10.01, time.Elapsed.TotalSeconds, 0.002);
    }

    [Fact]
    public async Task Storages_of_one_group_share_its_limit()
    {
        var time = new SteppedTime();
        var group = new ThrottleGroup(new ThrottleLimits { RequestsPerSecond = 100 }, time);
        await using var one = new ThrottleStorage(new MemoryStorage(4096), group);
        await using var two = new ThrottleStorage(new MemoryStorage(4096), group);
        var requests = Enumerable.Range(0, 50).SelectMany(_ => new[] { one, two })
            .Select(storage => storage.ReadAsync(0, new byte[1]).AsTask()).ToArray();
        while (time.Step())
        {
        }

        await Task.WhenAll(requests);
        Assert.InRange(time.Elapsed.TotalSeconds, 0.94, 1.0);
    }

    [Fact]
    public async Task Reads_and_writes_have_limits_of_their_own()
    {
        var time = new SteppedTime();
        var group = new ThrottleGroup(new ThrottleLimits { WritesPerSecond = 10 }, time);
        await using var storage = new ThrottleStorage(new MemoryStorage(4096), group);
        await storage.WriteAsync(0, new byte[1]);
        for (var step = 0; step < 100; step++)
        {
            Assert.True(storage.ReadAsync(0, new byte[1]).IsCompletedSuccessfully);
        }

        var write = storage.WriteAsync(0, new byte[1]).AsTask();
        Assert.False(write.IsCompleted);
        time.Step();
        await write;
    }

    [Fact]
    public async Task A_request_that_waits_can_be_cancelled()
    {
        var time = new SteppedTime();
        await using var storage = new ThrottleStorage(
            new MemoryStorage(4096), new ThrottleGroup(new ThrottleLimits { RequestsPerSecond = 0.001 }, time));
        await storage.ReadAsync(0, new byte[1]);
        using var source = new CancellationTokenSource();
        var waiting = storage.ReadAsync(0, new byte[1], source.Token);
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await waiting);
    }
}
