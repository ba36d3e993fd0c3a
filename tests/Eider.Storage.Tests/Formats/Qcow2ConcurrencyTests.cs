using Eider.Storage.Backends;
using Eider.Storage.Formats;
using Eider.Storage.Formats.Qcow2;
using Eider.Storage.Layers;

namespace Eider.Storage.Tests.Formats;

/// <summary>Many requests at once, on files that complete at once and on files that take their time.</summary>
public sealed class Qcow2ConcurrencyTests : IDisposable
{
    private const int Workers = 6;
    private const int Stripe = 700;

    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(512, false, false)]
    [InlineData(4096, false, true)]
    [InlineData(65536, false, false)]
    [InlineData(16384, true, true)]
    [InlineData(65536, true, false)]
    public async Task Requests_at_once_on_neighbouring_places_do_not_harm_each_other(int clusterBytes, bool isExtended, bool isSlow)
    {
        var path = _folder["disk.qcow2"];
        var size = Workers * 200_192L;
        await using (var file = FileStorage.Create(path, 0))
        {
            await Qcow2Format.CreateAsync(
                file, size, new Qcow2CreateOptions { ClusterBytes = clusterBytes, HasExtendedL2 = isExtended }, null, Cancel);
        }

        var expected = new byte[size];
        await using (var image = await OpenAsync(path, isSlow))
        {
            await Task.WhenAll(Enumerable.Range(0, Workers).Select(worker => Task.Run(
                () => WorkAsync(image, worker, expected, isSlow ? 150 : 1500), Cancel)));
            var found = new byte[size];
            Assert.Equal(BlockResult.Ok, await image.ReadAsync(0, found, Cancel));
            Assert.True(expected.AsSpan().SequenceEqual(found), "the image differs from what was written");
        }

        QemuTools.Check(path);
        await using var again = await OpenAsync(path, isSlow: false);
        var kept = new byte[size];
        Assert.Equal(BlockResult.Ok, await again.ReadAsync(0, kept, Cancel));
        Assert.True(expected.AsSpan().SequenceEqual(kept), "the image differs after it was opened again");
    }

    [Fact]
    public async Task A_request_on_other_clusters_passes_one_that_waits_for_its_data()
    {
        var path = _folder["disk.qcow2"];
        await using (var file = FileStorage.Create(path, 0))
        {
            await Qcow2Format.CreateAsync(file, 1 << 20, new Qcow2CreateOptions { ClusterBytes = 4096 }, null, Cancel);
        }

        var stalled = new StalledStorage(FileStorage.Open(path));
        await using var image = await ImageFormats.Qcow2.OpenAsync(stalled, ImageOpenOptions.Default, Cancel);
        Assert.Equal(BlockResult.Ok, await image.WriteAsync(0, new byte[4096], Cancel));
        stalled.StallNextWrite();
        var waiting = image.WriteAsync(8192, new byte[4096], Cancel).AsTask();
        await stalled.Stalled.WaitAsync(TimeSpan.FromSeconds(20), Cancel);
        Assert.Equal(BlockResult.Ok, await image.WriteAsync(16384, new byte[4096], Cancel).AsTask().WaitAsync(TimeSpan.FromSeconds(20), Cancel));
        Assert.Equal(BlockResult.Ok, await image.ReadAsync(0, new byte[8192], Cancel).AsTask().WaitAsync(TimeSpan.FromSeconds(20), Cancel));
        var same = image.WriteAsync(8192 + 512, new byte[512], Cancel).AsTask();
        Assert.False(same.IsCompleted);
        Assert.False(waiting.IsCompleted);
        stalled.Release();
        Assert.Equal(BlockResult.Ok, await waiting);
        Assert.Equal(BlockResult.Ok, await same);
    }

    public void Dispose() => _folder.Dispose();

    /// <summary>Every worker has stripes of its own, which share clusters with those of the others.</summary>
    private static async Task WorkAsync(BlockStorage image, int worker, byte[] expected, int steps)
    {
        var random = new Random(worker);
        var stripes = expected.Length / (Stripe * Workers);
        for (var step = 0; step < steps; step++)
        {
            var offset = ((random.Next(stripes) * Workers) + worker) * Stripe;
            var mine = expected.AsMemory(offset, Stripe);
            switch (random.Next(8))
            {
                case 0:
                    mine.Span.Clear();
                    Assert.Equal(BlockResult.Ok, await image.WriteZeroesAsync(offset, Stripe, mayUnmap: true));
                    break;
                case 1:
                    Assert.Equal(BlockResult.Ok, await image.FlushAsync());
                    break;
                case 2 or 3:
                    var read = new byte[Stripe];
                    Assert.Equal(BlockResult.Ok, await image.ReadAsync(offset, read));
                    Assert.True(mine.Span.SequenceEqual(read), $"worker {worker}, offset {offset}");
                    break;
                default:
                    random.NextBytes(mine.Span);
                    Assert.Equal(BlockResult.Ok, await image.WriteAsync(offset, mine.ToArray()));
                    break;
            }
        }
    }

    private static async ValueTask<BlockStorage> OpenAsync(string path, bool isSlow)
    {
        BlockStorage file = FileStorage.Open(path);
        return await ImageFormats.Qcow2.OpenAsync(
            isSlow ? new LateStorage(file) : file, ImageOpenOptions.Default with { CacheBytes = 64 * 1024 }, Cancel);
    }

    /// <summary>Every request completes later, on another thread.</summary>
    private sealed class LateStorage(BlockStorage inner) : BlockStorageLayer(inner)
    {
        protected override async ValueTask<BlockResult> ReadCoreAsync(
            long offsetBytes, BufferList buffers, CancellationToken cancellationToken)
        {
            await Task.Yield();
            return await base.ReadCoreAsync(offsetBytes, buffers, cancellationToken);
        }

        protected override async ValueTask<BlockResult> WriteCoreAsync(
            long offsetBytes, BufferList buffers, CancellationToken cancellationToken)
        {
            await Task.Delay(1, cancellationToken);
            return await base.WriteCoreAsync(offsetBytes, buffers, cancellationToken);
        }

        protected override async ValueTask<BlockResult> FlushCoreAsync(CancellationToken cancellationToken)
        {
            await Task.Yield();
            return await base.FlushCoreAsync(cancellationToken);
        }
    }

    /// <summary>One write waits until it is let go.</summary>
    private sealed class StalledStorage(BlockStorage inner) : BlockStorageLayer(inner)
    {
        private readonly TaskCompletionSource _stalled = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _stallsNext;

        public Task Stalled => _stalled.Task;

        public void StallNextWrite() => Volatile.Write(ref _stallsNext, 1);

        public void Release() => _released.SetResult();

        protected override async ValueTask<BlockResult> WriteCoreAsync(
            long offsetBytes, BufferList buffers, CancellationToken cancellationToken)
        {
            if (Interlocked.Exchange(ref _stallsNext, 0) == 1)
            {
                _stalled.SetResult();
                await _released.Task;
            }

            return await base.WriteCoreAsync(offsetBytes, buffers, cancellationToken);
        }
    }
}
