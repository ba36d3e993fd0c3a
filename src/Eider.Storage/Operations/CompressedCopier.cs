using Eider.Storage.Compression;
using Eider.Storage.Formats.Qcow2;

namespace Eider.Storage.Operations;

/// <summary>
/// Copies the content of a disk into a new qcow2 image, compressed. Clusters of zeroes are left out; what cannot be
/// made smaller is stored as it is.
/// </summary>
public static class CompressedCopier
{
    /// <summary>Copies. Nothing is durable before the caller flushes the target.</summary>
    /// <param name="source">Read wholly.</param>
    /// <param name="target">An image that reads as zeroes, at least as large as the source.</param>
    /// <param name="options">Workers, order, progress, what to do with unreadable places.</param>
    /// <param name="level">How hard to compress, as <see cref="ClusterCodec.Create"/> takes it; null for the usual.</param>
    /// <param name="cancellationToken">Ends the copy; the target then holds a part.</param>
    /// <exception cref="ArgumentException">The target is smaller than the source.</exception>
    /// <exception cref="BlockStorageException">The host failed, or the target cannot hold compressed clusters.</exception>
    public static async ValueTask CopyAsync(
        BlockStorage source, Qcow2Image target, ImageCopyOptions? options = null, int? level = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(target);
        ArgumentOutOfRangeException.ThrowIfLessThan(target.SizeBytes, source.SizeBytes, nameof(target));
        options ??= ImageCopyOptions.Default;
        if (target.IsEncrypted || target.Header.HasDataFile)
        {
            throw new BlockStorageException(
                BlockErrorKind.UnsupportedFeature, BlockOperation.Write, target.Name, null,
                $"{target.Name}: an image that is encrypted or has a data file cannot hold compressed clusters");
        }

        using var codec = ClusterCodec.Create((ClusterCompression)target.Header.CompressionType, level);
        var feeder = new CompressedFeed(source, target, options);
        var pipeline = new CompressionPipeline(
            codec,
            new CompressionPipelineOptions
            {
                ClusterBytes = target.Header.ClusterBytes,
                Threads = options.Workers,
                MaxClusters = MaxClusters(target.Header.ClusterBytes, options.Workers),
                IsOrdered = options.IsOrdered,
            },
            feeder.StoreAsync, options.Scheduler);
        await using (pipeline.ConfigureAwait(false))
        {
            await feeder.RunAsync(pipeline, cancellationToken).ConfigureAwait(false);
            await pipeline.CompleteAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Enough to keep every worker busy, in at most 64 MiB.</summary>
    private static int MaxClusters(int clusterBytes, int workers) =>
        Math.Max(workers + 1, Math.Min(16 * workers, (32 << 20) / clusterBytes));
}
