using System.Globalization;
using Eider.Storage.Backends;
using Eider.Storage.Formats;
using Eider.Storage.Formats.Qcow2;
using Eider.Storage.Formats.Qcow2.Checking;

namespace Eider.Storage.Operations;

/// <summary>
/// Makes the file of a qcow2 image as short as its content allows, in place: clusters of zeroes are given back, the
/// clusters at the end of the file move into free ones before them, and the file is cut off behind the last one. No
/// second copy is needed, and after a crash at any moment the image is consistent and reads the same.
/// </summary>
/// <remarks>
/// Clusters that an internal snapshot shares and those of persistent bitmaps stay where they are; so do the data of an
/// encrypted image, whose place is part of their encryption, and the refcount table, which small clusters push back.
/// </remarks>
public static class ImageCompactor
{
    private const int BufferBytes = 2 << 20;

    /// <summary>Compacts.</summary>
    /// <param name="image">The image, open for writing with its chain; it is checked first.</param>
    /// <param name="progress">Told how far it is.</param>
    /// <param name="cancellationToken">Ends it early; what was done stays.</param>
    /// <exception cref="BlockStorageException">The image is damaged (<see cref="BlockErrorKind.CorruptImage"/>), or the host failed.</exception>
    public static async ValueTask<ImageCompaction> CompactAsync(
        Qcow2Image image, OperationProgress? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(image);
        await ThrowIfDamagedAsync(image, cancellationToken).ConfigureAwait(false);
        var before = image.File.SizeBytes;

        // Half of the progress is the search for zeroes, half the move.
        var counter = new ProgressCounter(progress, 2 * image.SizeBytes);
        var canSayZero = image.Header.Version >= 3 || image.Backing == null;
        var zeroed = canSayZero
            ? await DropZeroesAsync(image, counter, cancellationToken).ConfigureAwait(false)
            : 0;
        OperationResults.ThrowUnlessOk(
            await image.FlushAsync(cancellationToken).ConfigureAwait(false), image, BlockOperation.Flush, 0);
        var moved = await new Qcow2Compaction(image).RunAsync(counter.Add, cancellationToken).ConfigureAwait(false);
        return new ImageCompaction(before, image.File.SizeBytes, zeroed, moved);
    }

    /// <summary>What is cut off is what the refcounts say is free: they must be right.</summary>
    private static async ValueTask ThrowIfDamagedAsync(Qcow2Image image, CancellationToken cancellationToken)
    {
        var found = await image.CheckAsync(cancellationToken: cancellationToken).ConfigureAwait(false);
        if (found.Corruptions > 0)
        {
            var first = found.Findings.FirstOrDefault(finding => finding.Kind == Qcow2FindingKind.Corruption);
            throw ImageErrors.Corrupt(
                image.Name, BlockOperation.Write, first?.OffsetBytes,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"the image is damaged and cannot be compacted: {found.Corruptions} findings, first {first?.Text}; see 'eider img check', and repair it with --repair all"));
        }
    }

    /// <summary>Gives back the clusters whose data are zeroes.</summary>
    private static async ValueTask<long> DropZeroesAsync(Qcow2Image image, ProgressCounter counter, CancellationToken cancellationToken)
    {
        var buffer = new AlignedBuffer(BufferBytes, 4096).Memory;
        var dropped = 0L;
        for (var offset = 0L; offset < image.SizeBytes;)
        {
            var run = await image.GetImageExtentAsync(offset, image.SizeBytes - offset, cancellationToken).ConfigureAwait(false);
            var length = run.LengthBytes;
            if (run.Kind == ImageExtentKind.AllocatedZero)
            {
                dropped += await DropAsync(image, offset, length, cancellationToken).ConfigureAwait(false);
            }
            else if (run.Kind is ImageExtentKind.Data or ImageExtentKind.Compressed)
            {
                length = Math.Min(length, BufferBytes - (offset % BufferBytes));
                dropped += await DropZeroesOfAsync(image, offset, buffer[..(int)length], cancellationToken).ConfigureAwait(false);
            }

            counter.Add(length);
            offset += length;
        }

        return dropped;
    }

    private static async ValueTask<long> DropZeroesOfAsync(
        Qcow2Image image, long offset, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        OperationResults.ThrowUnlessOk(
            await image.ReadAsync(offset, buffer, cancellationToken).ConfigureAwait(false), image, BlockOperation.Read, offset);
        var cluster = image.Header.ClusterBytes;
        var dropped = 0L;
        for (var at = 0; at < buffer.Length;)
        {
            var length = ZeroRuns.First(buffer.Span[at..], ZeroRuns.PhaseOf(offset + at, cluster), cluster, out var isZero);
            if (isZero)
            {
                dropped += await DropAsync(image, offset + at, length, cancellationToken).ConfigureAwait(false);
            }

            at += length;
        }

        return dropped;
    }

    /// <summary>Zeroes the whole clusters of a range by the tables.</summary>
    private static async ValueTask<long> DropAsync(Qcow2Image image, long offset, long length, CancellationToken cancellationToken)
    {
        var mask = image.Header.ClusterBytes - 1L;
        var end = offset + length == image.SizeBytes ? offset + length : (offset + length) & ~mask;
        var start = (offset + mask) & ~mask;
        if (start >= end)
        {
            return 0;
        }

        OperationResults.ThrowUnlessOk(
            await image.DropZeroesAsync(start, end - start, cancellationToken).ConfigureAwait(false),
            image, BlockOperation.WriteZeroes, start);
        return end - start;
    }
}
