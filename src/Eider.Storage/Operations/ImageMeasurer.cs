using System.Text;
using Eider.Storage.Formats;
using Eider.Storage.Formats.Qcow2;
using Eider.Storage.Formats.Qcow2.Bitmaps;

namespace Eider.Storage.Operations;

/// <summary>Says beforehand how large a new image will be; nothing is written.</summary>
public static class ImageMeasurer
{
    private const int TableEntryBytes = 8;

    /// <summary>The size of a raw image of a disk: the size of the disk, which is what a file system without holes needs.</summary>
    /// <param name="sizeBytes">Size of the disk.</param>
    /// <exception cref="ArgumentOutOfRangeException">The size is negative.</exception>
    public static ImageMeasurement MeasureRaw(long sizeBytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(sizeBytes);
        return new ImageMeasurement(sizeBytes, sizeBytes);
    }

    /// <summary>The size of an empty qcow2 image, and of a full one.</summary>
    /// <param name="sizeBytes">Size of the disk.</param>
    /// <param name="options">What the image shall be like.</param>
    /// <exception cref="ArgumentOutOfRangeException">The size is negative.</exception>
    public static ImageMeasurement MeasureQcow2(long sizeBytes, Qcow2CreateOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(sizeBytes);
        ArgumentNullException.ThrowIfNull(options);
        return Measure(sizeBytes, RoundUp(sizeBytes, options.ClusterBytes), 0, options);
    }

    /// <summary>The size of a qcow2 image with the content of a disk; zeroes that are not known as such count as data.</summary>
    /// <param name="source">The disk.</param>
    /// <param name="options">What the image shall be like.</param>
    /// <param name="cancellationToken">Ends it early.</param>
    /// <exception cref="BlockStorageException">The host failed.</exception>
    public static async ValueTask<ImageMeasurement> MeasureQcow2Async(
        BlockStorage source, Qcow2CreateOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(options);
        var size = source.SizeBytes;
        var rounded = RoundUp(size, options.ClusterBytes);

        // How much the new image would share with its backing image is not known: the worst is that it is nothing.
        var used = options.BackingName != null
            ? rounded
            : await UsedBytesAsync(source, options.ClusterBytes, cancellationToken).ConfigureAwait(false);
        return Measure(size, rounded, used, options) with
        {
            BitmapBytes = options.Version >= 3 && source is Qcow2Image { Header.Version: >= 3 } image
                ? await BitmapBytesAsync(image, options.ClusterBytes, cancellationToken).ConfigureAwait(false)
                : null,
        };
    }

    /// <summary>Bits and tables of all bitmaps that can be copied, as if every bit were set, and their directory.</summary>
    private static async ValueTask<long> BitmapBytesAsync(Qcow2Image source, int clusterBytes, CancellationToken cancellationToken)
    {
        var (total, directory) = (0L, 0L);
        foreach (var bitmap in (await source.Bitmaps.ListAsync(cancellationToken).ConfigureAwait(false)).Where(bitmap => bitmap.IsUsable))
        {
            var bits = RoundUp(DivideUp(DivideUp(source.SizeBytes, bitmap.GranularityBytes), 8), clusterBytes);
            total += bits + RoundUp(bits / clusterBytes * TableEntryBytes, clusterBytes);
            directory += RoundUp(BitmapEntry.FixedBytes + Encoding.UTF8.GetByteCount(bitmap.Name), 8);
        }

        return total + RoundUp(directory, clusterBytes);
    }

    private static async ValueTask<long> UsedBytesAsync(BlockStorage source, int clusterBytes, CancellationToken cancellationToken)
    {
        var used = 0L;
        for (var offset = 0L; offset < source.SizeBytes;)
        {
            var extent = await source.GetExtentAsync(offset, source.SizeBytes - offset, cancellationToken).ConfigureAwait(false);
            if ((extent.Status & BlockExtentStatus.Zero) != 0)
            {
                offset += extent.LengthBytes;
                continue;
            }

            // A cluster with any data counts as a whole, and once.
            var end = RoundUp(offset + extent.LengthBytes, clusterBytes);
            used += end - (offset / clusterBytes * clusterBytes);
            offset = end;
        }

        return used;
    }

    private static ImageMeasurement Measure(long sizeBytes, long rounded, long used, Qcow2CreateOptions options)
    {
        var full = checked(rounded + MetadataBytes(sizeBytes, options));
        var data = options.Preallocation is ImagePreallocation.Falloc or ImagePreallocation.Full ? rounded : used;
        return new ImageMeasurement(full - rounded + data, full);
    }

    /// <summary>What a full image has beside its data: header, L2 tables, L1 table, refcount table and blocks.</summary>
    private static long MetadataBytes(long sizeBytes, Qcow2CreateOptions options)
    {
        var cluster = (long)options.ClusterBytes;
        var data = DivideUp(sizeBytes, cluster);
        var entryBytes = options.HasExtendedL2 ? 2 * TableEntryBytes : TableEntryBytes;
        var l2Tables = DivideUp(data * entryBytes, cluster);
        var l1Clusters = DivideUp(l2Tables * TableEntryBytes, cluster);
        var others = 1 + l2Tables + l1Clusters;
        return (others + RefcountClusters(others + data, cluster, options.RefcountBits)) * cluster;
    }

    /// <summary>How many clusters the refcounts take, those of their own clusters included.</summary>
    private static long RefcountClusters(long others, long cluster, int refcountBits)
    {
        var perBlock = cluster * 8 / refcountBits;
        var perTable = cluster / TableEntryBytes;
        for (var own = 0L; ;)
        {
            var blocks = DivideUp(others + own, perBlock);
            var needed = blocks + DivideUp(blocks, perTable);
            if (needed == own)
            {
                return own;
            }

            own = needed;
        }
    }

    private static long RoundUp(long value, long unit) => DivideUp(value, unit) * unit;

    private static long DivideUp(long value, long unit) => (value / unit) + (value % unit == 0 ? 0 : 1);
}
