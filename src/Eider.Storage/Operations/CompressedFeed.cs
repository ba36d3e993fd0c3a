using Eider.Storage.Compression;
using Eider.Storage.Formats.Qcow2;

namespace Eider.Storage.Operations;

/// <summary>Reads a disk cluster by cluster for compression, and stores what comes out.</summary>
internal sealed class CompressedFeed(BlockStorage source, Qcow2Image target, ImageCopyOptions options)
{
    private readonly int _clusterBytes = target.Header.ClusterBytes;
    private readonly ProgressCounter _progress = new(options.Progress, source.SizeBytes);

    /// <summary>Feeds every cluster that may hold data.</summary>
    public async ValueTask RunAsync(CompressionPipeline pipeline, CancellationToken cancellationToken)
    {
        for (var offset = 0L; offset < source.SizeBytes;)
        {
            var extent = await source.GetExtentAsync(offset, source.SizeBytes - offset, cancellationToken).ConfigureAwait(false);
            var end = offset + extent.LengthBytes;
            if ((extent.Status & BlockExtentStatus.Zero) != 0 && (end == source.SizeBytes || end / _clusterBytes * _clusterBytes > offset))
            {
                var skipped = end == source.SizeBytes ? end : end / _clusterBytes * _clusterBytes;
                _progress.Add(skipped - offset);
                offset = skipped;
                continue;
            }

            for (end = Math.Min(source.SizeBytes, Math.Max(end, offset + 1)); offset < end;)
            {
                offset += await FeedAsync(pipeline, offset, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Stores one cluster, compressed or as it is.</summary>
    public async ValueTask StoreAsync(CompressedCluster cluster, CancellationToken cancellationToken)
    {
        var length = (int)Math.Min(_clusterBytes, target.SizeBytes - cluster.Tag);
        var result = cluster.IsCompressed
            ? await target.WriteCompressedAsync(cluster.Tag, length, cluster.PackedBuffer, cancellationToken).ConfigureAwait(false)
            : await target.WriteAsync(cluster.Tag, cluster.Source[..length], cancellationToken).ConfigureAwait(false);
        OperationResults.ThrowUnlessOk(result, target, BlockOperation.Write, cluster.Tag);
        _progress.Add(Math.Min(_clusterBytes, source.SizeBytes - cluster.Tag));
    }

    private async ValueTask<int> FeedAsync(CompressionPipeline pipeline, long offset, CancellationToken cancellationToken)
    {
        var cluster = await pipeline.RentAsync(cancellationToken).ConfigureAwait(false);
        var length = (int)Math.Min(_clusterBytes, source.SizeBytes - offset);
        await ReadAsync(offset, cluster.Source[..length], cancellationToken).ConfigureAwait(false);
        cluster.Source.Span[length..].Clear();
        if (ZeroRuns.IsZero(cluster.Source.Span))
        {
            pipeline.Return(cluster);
            _progress.Add(length);
        }
        else
        {
            cluster.Tag = offset;
            pipeline.Submit(cluster);
        }

        return length;
    }

    private async ValueTask ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        try
        {
            OperationResults.ThrowUnlessOk(
                await source.ReadAsync(offset, buffer, cancellationToken).ConfigureAwait(false), source, BlockOperation.Read, offset);
        }
        catch (BlockStorageException) when (options.SkipsUnreadable)
        {
            await UnreadableRanges.ReadAsync(source, offset, buffer, options, cancellationToken).ConfigureAwait(false);
        }
    }
}
