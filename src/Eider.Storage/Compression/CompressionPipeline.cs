using System.Threading.Channels;

namespace Eider.Storage.Compression;

/// <summary>
/// Compresses clusters on several threads with a fixed amount of memory. The producer rents a cluster, fills it and
/// submits it; the sink gets it back compressed, in order or as they come; then the memory is lent again.
/// </summary>
/// <remarks>
/// Renting waits while all clusters are under way, so a slow sink slows the producer down. The first failure, of the
/// codec or of the sink, ends everything: it comes out of the next rent and of <see cref="CompleteAsync"/>.
/// </remarks>
public sealed class CompressionPipeline : IAsyncDisposable
{
    private readonly ClusterCodec _codec;
    private readonly CompressionPipelineOptions _options;
    private readonly Func<CompressedCluster, CancellationToken, ValueTask> _sink;
    private readonly Channel<CompressedCluster> _free;
    private readonly Channel<CompressedCluster> _work;
    private readonly CompressedCluster?[] _done;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _workers;
    private readonly Lock _gate = new();
    private bool _isDraining;
    private long _submitted;
    private long _next;
    private Exception? _failure;

    /// <summary>A pipeline that waits for clusters.</summary>
    /// <param name="codec">Compresses; stays the caller's.</param>
    /// <param name="options">How.</param>
    /// <param name="sink">
    /// Stores a cluster. Called from the scheduler; one at a time when ordered, else several at once.
    /// </param>
    /// <param name="scheduler">Where the work is done; null for the thread pool.</param>
    /// <exception cref="ArgumentOutOfRangeException">Clusters below 512 bytes, or a negative number of threads or clusters.</exception>
    public CompressionPipeline(
        ClusterCodec codec, CompressionPipelineOptions options,
        Func<CompressedCluster, CancellationToken, ValueTask> sink, TaskScheduler? scheduler = null)
    {
        ArgumentNullException.ThrowIfNull(codec);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(sink);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.ClusterBytes, 512);
        ArgumentOutOfRangeException.ThrowIfNegative(options.Threads);
        ArgumentOutOfRangeException.ThrowIfNegative(options.MaxClusters);
        _codec = codec;
        _options = options;
        _sink = sink;
        var threads = options.Threads == 0 ? Environment.ProcessorCount : options.Threads;
        var count = options.MaxClusters == 0 ? 4 * threads : options.MaxClusters;
        _free = Channel.CreateBounded<CompressedCluster>(count);
        _work = Channel.CreateBounded<CompressedCluster>(count);
        _done = new CompressedCluster?[count];
        for (var index = 0; index < count; index++)
        {
            _free.Writer.TryWrite(new CompressedCluster(options.ClusterBytes));
        }

        var factory = new TaskFactory(_stop.Token, TaskCreationOptions.DenyChildAttach, TaskContinuationOptions.None, scheduler ?? TaskScheduler.Default);
        _workers = Task.WhenAll(Enumerable.Range(0, threads).Select(_ => factory.StartNew(WorkAsync).Unwrap()));
    }

    /// <summary>A cluster to fill; waits until one is free. Its content is undefined.</summary>
    public async ValueTask<CompressedCluster> RentAsync(CancellationToken cancellationToken = default)
    {
        try
        {
            var cluster = await _free.Reader.ReadAsync(cancellationToken).ConfigureAwait(false);
            cluster.Begin();
            return cluster;
        }
        catch (ChannelClosedException)
        {
            await _workers.ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Hands a filled cluster in. Called by one producer at a time when the order counts.</summary>
    public void Submit(CompressedCluster cluster)
    {
        ArgumentNullException.ThrowIfNull(cluster);
        cluster.Sequence = Interlocked.Increment(ref _submitted) - 1;
        _work.Writer.TryWrite(cluster);
    }

    /// <summary>Gives a rented cluster back unused.</summary>
    public void Return(CompressedCluster cluster)
    {
        ArgumentNullException.ThrowIfNull(cluster);
        _free.Writer.TryWrite(cluster);
    }

    /// <summary>Says that nothing more comes, and waits until all is stored.</summary>
    /// <exception cref="BlockStorageException">The sink failed.</exception>
    public async ValueTask CompleteAsync()
    {
        _work.Writer.TryComplete();
        await _workers.ConfigureAwait(false);
    }

    /// <summary>Stops; what was not stored yet is dropped.</summary>
    public async ValueTask DisposeAsync()
    {
        _work.Writer.TryComplete();
        await _stop.CancelAsync().ConfigureAwait(false);
        await _workers.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _free.Writer.TryComplete();
        _stop.Dispose();
    }

    /// <summary>One of the workers; stays on the scheduler that it was started on.</summary>
    private async Task WorkAsync()
    {
        try
        {
            while (await _work.Reader.WaitToReadAsync(_stop.Token).ConfigureAwait(true))
            {
                while (_work.Reader.TryRead(out var cluster))
                {
                    _stop.Token.ThrowIfCancellationRequested();
                    cluster.Compress(_codec, _options.SkipsIncompressible);
                    if (_options.IsOrdered)
                    {
                        await FinishInOrderAsync(cluster).ConfigureAwait(true);
                    }
                    else
                    {
                        await FinishAsync(cluster).ConfigureAwait(true);
                    }
                }
            }
        }
        catch (Exception exception)
        {
            Interlocked.CompareExchange(ref _failure, exception, null);
            _free.Writer.TryComplete();
            _work.Writer.TryComplete();
            await _stop.CancelAsync().ConfigureAwait(true);

            // A worker that was only stopped must not hide what stopped it.
            if (ReferenceEquals(_failure, exception))
            {
                throw;
            }
        }
    }

    private async ValueTask FinishAsync(CompressedCluster cluster)
    {
        await _sink(cluster, _stop.Token).ConfigureAwait(true);
        _free.Writer.TryWrite(cluster);
    }

    /// <summary>Whoever brings the next one in order stores it and all that follow it and are ready.</summary>
    private async ValueTask FinishInOrderAsync(CompressedCluster cluster)
    {
        lock (_gate)
        {
            _done[cluster.Sequence % _done.Length] = cluster;
            if (_isDraining)
            {
                return;
            }

            _isDraining = true;
        }

        while (TakeNext() is { } next)
        {
            await FinishAsync(next).ConfigureAwait(true);
        }
    }

    private CompressedCluster? TakeNext()
    {
        lock (_gate)
        {
            ref var slot = ref _done[_next % _done.Length];
            var next = slot;
            if (next == null)
            {
                _isDraining = false;
                return null;
            }

            slot = null;
            _next++;
            return next;
        }
    }
}
