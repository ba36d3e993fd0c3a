using Eider.Storage.Backends;
using Eider.Storage.Formats;
using Eider.Storage.Layers;

namespace Eider.Storage.Operations;

/// <summary>
/// Writes what an image has into one of the images behind it, so that the lower one alone reads as the upper one did.
/// The order is safe: the target is written and flushed before anything is taken out of the image.
/// </summary>
public static class ImageCommitter
{
    private const int BufferBytes = 1 << 20;

    /// <summary>Commits.</summary>
    /// <param name="image">The upper image, with its chain open. It is not changed; see <see cref="ImageStorage.MakeEmptyAsync"/>.</param>
    /// <param name="target">An image of that chain, open for writing; made larger if it is smaller than the upper one.</param>
    /// <param name="workers">How many pieces are copied at once; 1 to 64.</param>
    /// <param name="progress">Told how far it is.</param>
    /// <param name="rate">Limits for what is read; null for none.</param>
    /// <param name="cancellationToken">Ends it early: the target then has a part, and the chain still reads the same.</param>
    /// <exception cref="ArgumentException">The target does not lie behind the image.</exception>
    /// <exception cref="BlockStorageException">The host failed, or the target refuses.</exception>
    public static async ValueTask CommitAsync(
        ImageStorage image, ImageStorage target, int workers = 2, OperationProgress? progress = null,
        ThrottleGroup? rate = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(target);
        var depth = ImageChainWalk.DepthOf(image, target);
        if (depth is not > 0)
        {
            throw new ArgumentException($"{target.Name} does not lie behind {image.Name}.", nameof(target));
        }

        if (target.SizeBytes < image.SizeBytes)
        {
            OperationResults.ThrowUnlessOk(
                await target.ResizeAsync(image.SizeBytes, cancellationToken).ConfigureAwait(false),
                target, BlockOperation.Resize, image.SizeBytes);
        }

        var counter = new ProgressCounter(progress, image.SizeBytes);
        var runs = ImageMap.EnumerateAsync(image, 0, image.SizeBytes, cancellationToken);
        var cursor = new RunCursor(runs, run => run.IsPresent && run.Depth < depth, BufferBytes, counter);
        await using (cursor.ConfigureAwait(false))
        {
            await Workers.RunAsync(workers, scheduler: null, (_, token) => WorkAsync(cursor, image, target, counter, rate, token), cancellationToken)
                .ConfigureAwait(false);
        }

        OperationResults.ThrowUnlessOk(
            await target.FlushAsync(cancellationToken).ConfigureAwait(false), target, BlockOperation.Flush, 0);
    }

    private static async Task WorkAsync(
        RunCursor cursor, ImageStorage image, ImageStorage target, ProgressCounter counter, ThrottleGroup? rate,
        CancellationToken cancellationToken)
    {
        var buffer = new AlignedBuffer(BufferBytes, 4096).Memory;
        while (await cursor.NextAsync(cancellationToken).ConfigureAwait(false) is { } chunk)
        {
            if (chunk.Kind == ChunkKind.Zero)
            {
                OperationResults.ThrowUnlessOk(
                    await target.WriteZeroesAsync(chunk.OffsetBytes, chunk.LengthBytes, mayUnmap: true, cancellationToken)
                        .ConfigureAwait(false),
                    target, BlockOperation.WriteZeroes, chunk.OffsetBytes);
            }
            else
            {
                var bytes = buffer[..(int)chunk.LengthBytes];
                if (rate != null)
                {
                    await rate.AdmitAsync(isRead: true, bytes.Length, cancellationToken).ConfigureAwait(false);
                }

                OperationResults.ThrowUnlessOk(
                    await image.ReadAsync(chunk.OffsetBytes, bytes, cancellationToken).ConfigureAwait(false),
                    image, BlockOperation.Read, chunk.OffsetBytes);
                OperationResults.ThrowUnlessOk(
                    await target.WriteAsync(chunk.OffsetBytes, bytes, cancellationToken).ConfigureAwait(false),
                    target, BlockOperation.Write, chunk.OffsetBytes);
            }

            counter.Add(chunk.LengthBytes);
        }
    }
}
