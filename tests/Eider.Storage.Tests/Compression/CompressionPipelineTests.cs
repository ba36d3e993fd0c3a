using System.Collections.Concurrent;
using Eider.Storage.Compression;

namespace Eider.Storage.Tests.Compression;

public sealed class CompressionPipelineTests
{
    private const int ClusterBytes = 16384;

    [Theory]
    [InlineData(1, 1, true)]
    [InlineData(1, 0, false)]
    [InlineData(4, 5, true)]
    [InlineData(4, 0, false)]
    [InlineData(3, 2, true)]
    public async Task All_clusters_arrive_whole_and_in_order_if_asked(int threads, int clusters, bool isOrdered)
    {
        using var codec = ClusterCodec.Create(ClusterCompression.Zlib, 1);
        var arrived = new ConcurrentQueue<long>();
        var isGood = true;
        var options = new CompressionPipelineOptions
        {
            ClusterBytes = ClusterBytes,
            Threads = threads,
            MaxClusters = clusters,
            IsOrdered = isOrdered,
        };
        await using var pipeline = new CompressionPipeline(codec, options, (cluster, _) =>
        {
            var read = new byte[ClusterBytes];
            isGood &= cluster.IsCompressed == (cluster.Tag % 3 != 0);
            isGood &= !cluster.IsCompressed || codec.TryDecompress(cluster.Packed.Span, read);
            isGood &= (cluster.IsCompressed ? read : cluster.Source.Span).SequenceEqual(Content(cluster.Tag));
            arrived.Enqueue(cluster.Tag);
            return ValueTask.CompletedTask;
        });
        await SubmitAsync(pipeline, 200);
        await pipeline.CompleteAsync();
        Assert.True(isGood);
        Assert.Equal(Enumerable.Range(0, 200).Select(tag => (long)tag), isOrdered ? arrived : arrived.Order());
    }

    [Fact]
    public async Task A_slow_sink_slows_the_producer_down_and_memory_stays_what_it_was()
    {
        using var codec = ClusterCodec.Create(ClusterCompression.Zlib, 1);
        using var gate = new SemaphoreSlim(0);
        var options = new CompressionPipelineOptions { ClusterBytes = ClusterBytes, Threads = 2, MaxClusters = 6 };
        await using var pipeline = new CompressionPipeline(
            codec, options, async (_, token) => await gate.WaitAsync(token));
        var rented = new List<CompressedCluster>();
        for (var tag = 0; tag < 6; tag++)
        {
            rented.Add(await pipeline.RentAsync());
            pipeline.Submit(rented[tag]);
        }

        var seventh = pipeline.RentAsync().AsTask();
        await Task.Delay(50);
        Assert.False(seventh.IsCompleted);
        gate.Release();
        Assert.Contains(await seventh, rented);
        pipeline.Return(await seventh);
        gate.Release(100);
        await pipeline.CompleteAsync();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_failure_of_the_sink_comes_out_and_nobody_waits_for_ever(bool isOrdered)
    {
        using var codec = ClusterCodec.Create(ClusterCompression.Zlib, 1);
        var options = new CompressionPipelineOptions { ClusterBytes = ClusterBytes, Threads = 3, MaxClusters = 4, IsOrdered = isOrdered };
        await using var pipeline = new CompressionPipeline(
            codec, options,
            (cluster, _) => cluster.Tag == 20 ? throw new InvalidOperationException("disk full") : ValueTask.CompletedTask);
        var failure = await Assert.ThrowsAsync<InvalidOperationException>(async () =>
        {
            await SubmitAsync(pipeline, 1000);
            await pipeline.CompleteAsync();
        });
        Assert.Equal("disk full", failure.Message);
    }

    [Fact]
    public async Task The_work_is_done_on_the_scheduler_that_was_given()
    {
        using var codec = ClusterCodec.Create(ClusterCompression.Zlib, 1);
        var pair = new ConcurrentExclusiveSchedulerPair();
        var isRight = true;
        var running = 0;
        var options = new CompressionPipelineOptions { ClusterBytes = ClusterBytes, Threads = 4 };
        await using var pipeline = new CompressionPipeline(
            codec, options,
            (_, _) =>
            {
                isRight &= TaskScheduler.Current == pair.ExclusiveScheduler && Interlocked.Increment(ref running) == 1;
                Interlocked.Decrement(ref running);
                return ValueTask.CompletedTask;
            },
            pair.ExclusiveScheduler);
        await SubmitAsync(pipeline, 100);
        await pipeline.CompleteAsync();
        Assert.True(isRight);
    }

    private static byte[] Content(long tag) =>
        tag % 3 == 0 ? ClusterSamples.Random((int)tag, ClusterBytes) : ClusterSamples.Repeating((int)tag, 300, ClusterBytes);

    private static async Task SubmitAsync(CompressionPipeline pipeline, int count)
    {
        for (var tag = 0; tag < count; tag++)
        {
            var cluster = await pipeline.RentAsync();
            cluster.Tag = tag;
            Content(tag).CopyTo(cluster.Source);
            pipeline.Submit(cluster);
        }
    }
}
