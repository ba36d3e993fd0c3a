namespace Eider.Storage.Operations;

/// <summary>
/// Copies the content of a disk into a new image with another image behind it: only what differs from that one is
/// written, whatever the source has behind itself.
/// </summary>
public static class DifferenceCopier
{
    private const int BufferBytes = 1 << 20;

    /// <summary>Copies. Nothing is durable before the caller flushes the target.</summary>
    /// <param name="source">Read wholly.</param>
    /// <param name="target">An empty image, at least as large as the source.</param>
    /// <param name="backing">What lies behind the target.</param>
    /// <param name="options">Workers, granule and progress.</param>
    /// <param name="cancellationToken">Ends the copy; the target then holds a part.</param>
    /// <returns>How many bytes were written.</returns>
    /// <exception cref="ArgumentException">The target is smaller than the source.</exception>
    /// <exception cref="BlockStorageException">The host failed, or the target refuses.</exception>
    public static async ValueTask<long> CopyAsync(
        BlockStorage source, BlockStorage target, BlockStorage backing, ImageCopyOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(target);
        ArgumentNullException.ThrowIfNull(backing);
        ArgumentOutOfRangeException.ThrowIfLessThan(target.SizeBytes, source.SizeBytes, nameof(target));
        options ??= ImageCopyOptions.Default;
        var counter = new ProgressCounter(options.Progress, source.SizeBytes);
        using var cursor = new ChunkCursor(source, source.SizeBytes, BufferBytes);
        var written = 0L;
        await Workers.RunAsync(options.Workers, options.Scheduler, WorkAsync, cancellationToken).ConfigureAwait(false);
        if (target.SizeBytes > source.SizeBytes)
        {
            // A disk that was rounded up must not show what lies behind it there.
            OperationResults.ThrowUnlessOk(
                await target.WriteZeroesAsync(source.SizeBytes, target.SizeBytes - source.SizeBytes, mayUnmap: true, cancellationToken)
                    .ConfigureAwait(false),
                target, BlockOperation.WriteZeroes, source.SizeBytes);
        }

        return written;

        async Task WorkAsync(int number, CancellationToken token)
        {
            var difference = new BackingDifference(source, target, backing, BufferBytes, Math.Max(512, options.ZeroGranuleBytes));
            while (await cursor.NextAsync(token).ConfigureAwait(false) is { } chunk)
            {
                Interlocked.Add(ref written, await difference.WriteAsync(chunk, token).ConfigureAwait(false));
                counter.Add(chunk.LengthBytes);
            }
        }
    }
}
