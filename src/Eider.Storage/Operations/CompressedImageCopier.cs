using Eider.Storage.Compression;
using Eider.Storage.Formats.Qcow2;

namespace Eider.Storage.Operations;

/// <summary>
/// Copies the content of a disk into a qcow2 image as compressed clusters. Clusters of zeroes are left out, those that
/// do not become smaller are stored as they are. Memory does not depend on the size of the disk. Nothing is durable
/// before the caller flushes the target.
/// </summary>
public sealed class CompressedImageCopier
{
    /// <summary>Clusters that are lent at once: twice as many bytes are used, at most 64 MiB in all.</summary>
    private const int MaxBytes = 32 << 20;

    private readonly BlockStorage _source;
    private readonly Qcow2Image _target;
    private readonly CompressedCopyOptions _options;
    private readonly int _clusterBytes;
    private readonly ProgressCounter _progress;

    private CompressedImageCopier(BlockStorage source, Qcow2Image target, CompressedCopyOptions options)
    {
        _source = source;
        _target = target;
        _options = options;
        _clusterBytes = target.Header.ClusterBytes;
        _progress = new ProgressCounter(options.Progress, source.SizeBytes);
    }

    /// <summary>Copies.</summary>
    /// <param name="source">Read wholly.</param>
    /// <param name="target">Written; at least as large as the source, neither encrypted nor with an external data file.</param>
    /// <param name="options">How.</param>
    /// <param name="cancellationToken">Ends the copy; the target then holds a part.</param>
    /// <exception cref="ArgumentException">The target is smaller than the source, or the level does not exist.</exception>
    /// <exception cref="BlockStorageException">The host failed, the target cannot hold compressed clusters, or a library is missing.</exception>
    public static async ValueTask CopyAsync(
        BlockStorage source, Qcow2Image target, CompressedCopyOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(target);
        ArgumentOutOfRangeException.ThrowIfLessThan(target.SizeBytes, source.SizeBytes, nameof(target));
        options ??= CompressedCopyOptions.Default;
        if (target.IsEncrypted || target.Header.HasDataFile)
        {
            throw new BlockStorageException(
                BlockErrorKind.UnsupportedFeature, BlockOperation.Write, target.Name, null,
                $"{target.Name}: an image {(target.IsEncrypted ? "that is encrypted" : "with an external data file")} cannot hold compressed clusters");
        }

        using var codec = ClusterCodec.Create((ClusterCompression)target.Header.CompressionType, options.Level);
        await new CompressedImageCopier(source, target, options).RunAsync(codec, cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask RunAsync(ClusterCodec codec, CancellationToken cancellationToken)
    {
        var threads = _options.Threads > 0 ? _options.Threads : Environment.ProcessorCount;
        var pipeline = new CompressionPipeline(
            codec,
            new CompressionPipelineOptions
            {
                ClusterBytes = _clusterBytes,
                Threads = threads,
                MaxClusters = Math.Clamp(MaxBytes / _clusterBytes, threads + 1, 8 * threads),
                IsOrdered = _options.IsOrdered,
                SkipsIncompressible = _options.SkipsIncompressible,
            },
            StoreAsync,
            _options.Scheduler);
        await using (pipeline.ConfigureAwait(false))
        {
            using var cursor = ChunkCursor.Of(_source, _options.IsOwnOnly, Math.Max(_clusterBytes, 2 << 20));
            var next = 0L;
            while (await cursor.NextAsync(cancellationToken).ConfigureAwait(false) is { } chunk)
            {
                next = chunk.Kind == ChunkKind.Data
                    ? await FeedAsync(pipeline, next, chunk, cancellationToken).ConfigureAwait(false)
                    : await SkipAsync(pipeline, next, chunk, cancellationToken).ConfigureAwait(false);
            }

            await pipeline.CompleteAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Feeds every cluster that a run of data touches and that was not fed before; the end of the last one.</summary>
    private async ValueTask<long> FeedAsync(CompressionPipeline pipeline, long next, Chunk chunk, CancellationToken cancellationToken)
    {
        var end = chunk.OffsetBytes + chunk.LengthBytes;
        next = Math.Max(next, chunk.OffsetBytes / _clusterBytes * _clusterBytes);
        for (; next < end; next += _clusterBytes)
        {
            await FeedClusterAsync(pipeline, next, cancellationToken).ConfigureAwait(false);
        }

        return next;
    }

    /// <summary>Leaves out the whole clusters of a run of zeroes, or of what is absent. What is left at its ends goes with the data beside it.</summary>
    private async ValueTask<long> SkipAsync(CompressionPipeline pipeline, long next, Chunk chunk, CancellationToken cancellationToken)
    {
        var end = chunk.OffsetBytes + chunk.LengthBytes;
        var whole = end == _source.SizeBytes ? end : end / _clusterBytes * _clusterBytes;
        if (whole <= next)
        {
            return next;
        }

        if (chunk.Kind == ChunkKind.Absent)
        {
            _progress.Add(whole - next);
        }
        else
        {
            await ZeroAsync(next, whole - next, cancellationToken).ConfigureAwait(false);
        }

        if (whole < end)
        {
            // Data follow in the same cluster; reading it is as good as waiting for them.
            await FeedClusterAsync(pipeline, whole, cancellationToken).ConfigureAwait(false);
            return whole + _clusterBytes;
        }

        return whole;
    }

    private async ValueTask FeedClusterAsync(CompressionPipeline pipeline, long offset, CancellationToken cancellationToken)
    {
        var cluster = await pipeline.RentAsync(cancellationToken).ConfigureAwait(false);
        var length = (int)Math.Min(_clusterBytes, _source.SizeBytes - offset);
        OperationResults.ThrowUnlessOk(
            await _source.ReadAsync(offset, cluster.Source[..length], cancellationToken).ConfigureAwait(false), _source, BlockOperation.Read, offset);
        cluster.Source.Span[length..].Clear();
        if (_options.StoresZeroes || cluster.Source.Span.ContainsAnyExcept((byte)0))
        {
            cluster.Tag = offset;
            pipeline.Submit(cluster);
            return;
        }

        pipeline.Return(cluster);
        await ZeroAsync(offset, length, cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask ZeroAsync(long offset, long length, CancellationToken cancellationToken)
    {
        if (!_options.TargetIsZero)
        {
            OperationResults.ThrowUnlessOk(
                await _target.WriteZeroesAsync(offset, length, mayUnmap: true, cancellationToken).ConfigureAwait(false),
                _target, BlockOperation.WriteZeroes, offset);
        }

        _progress.Add(length);
    }

    private async ValueTask StoreAsync(CompressedCluster cluster, CancellationToken cancellationToken)
    {
        // The disk of the target may end inside this cluster, or go on behind the source's end.
        var inSource = (int)Math.Min(_clusterBytes, _source.SizeBytes - cluster.Tag);
        var inTarget = (int)Math.Min(_clusterBytes, _target.SizeBytes - cluster.Tag);
        var result = cluster.IsCompressed
            ? await _target.WriteCompressedAsync(cluster.Tag, inTarget, cluster.PackedBuffer, cancellationToken).ConfigureAwait(false)
            : await _target.WriteAsync(cluster.Tag, cluster.Source[..inTarget], cancellationToken).ConfigureAwait(false);
        OperationResults.ThrowUnlessOk(result, _target, BlockOperation.Write, cluster.Tag);
        _progress.Add(inSource);
    }
}
