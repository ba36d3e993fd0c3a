using System.Runtime.CompilerServices;
using Eider.Storage.Formats;

namespace Eider.Storage.Operations;

/// <summary>
/// Prepares an image for another backing image: whatever the old one gives and the new one would not is written into
/// the image itself. Afterwards <see cref="ImageBacking.SetAsync"/> changes the name, and the disk reads as before.
/// </summary>
/// <remarks>Nothing changes for a reader at any moment, so an end in the middle leaves a good image with its old backing.</remarks>
public static class ImageRebaser
{
    private const int BufferBytes = 1 << 20;
    private const int GranuleBytes = 4096;

    /// <summary>Writes the differences, and flushes.</summary>
    /// <param name="image">The image, open for writing with its old backing image.</param>
    /// <param name="newBacking">The new backing image, or null for none.</param>
    /// <param name="options">How.</param>
    /// <param name="cancellationToken">Ends it early.</param>
    /// <returns>How many bytes were written.</returns>
    /// <exception cref="BlockStorageException">The host failed.</exception>
    public static async ValueTask<long> WriteDifferencesAsync(
        ImageStorage image, BlockStorage? newBacking, ImageRebaseOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(image);
        options ??= ImageRebaseOptions.Default;
        var counter = new ProgressCounter(options.Progress, image.SizeBytes);
        var cursor = new RunCursor(MissingRunsAsync(image, cancellationToken), run => !run.IsPresent, BufferBytes, counter);
        var written = 0L;
        using (EveryZero.SaidBy(image))
        {
            await using (cursor.ConfigureAwait(false))
            {
                await Workers.RunAsync(options.Workers, scheduler: null, WorkAsync, cancellationToken).ConfigureAwait(false);
            }
        }

        OperationResults.ThrowUnlessOk(await image.FlushAsync(cancellationToken).ConfigureAwait(false), image, BlockOperation.Flush, 0);
        return written;

        async Task WorkAsync(int number, CancellationToken token)
        {
            var comparer = new BackingDifference(image, image, newBacking, BufferBytes, GranuleBytes)
            {
                DataEndBytes = options.KeepsData ? image.Backing?.SizeBytes ?? 0 : 0,
            };
            while (await cursor.NextAsync(token).ConfigureAwait(false) is { } chunk)
            {
                Interlocked.Add(ref written, await comparer.WriteAsync(chunk, token).ConfigureAwait(false));
                counter.Add(chunk.LengthBytes);
            }
        }
    }

    /// <summary>The runs of a disk: present if the image has them itself, and zero as far as the old chain knows.</summary>
    private static async IAsyncEnumerable<ImageMapEntry> MissingRunsAsync(
        ImageStorage image, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        for (var offset = 0L; offset < image.SizeBytes;)
        {
            var own = await image.GetImageExtentAsync(offset, image.SizeBytes - offset, cancellationToken).ConfigureAwait(false);
            var isPresent = own.Kind != ImageExtentKind.Unallocated;
            var seen = isPresent
                ? new BlockExtent(offset, own.LengthBytes, BlockExtentStatus.Data)
                : await image.GetExtentAsync(offset, own.LengthBytes, cancellationToken).ConfigureAwait(false);
            var length = Math.Min(own.LengthBytes, seen.LengthBytes);
            var isZero = (seen.Status & BlockExtentStatus.Zero) != 0;
            yield return new ImageMapEntry(offset, length, 0, isPresent, isZero, !isZero, false, null, null);
            offset += length;
        }
    }
}
