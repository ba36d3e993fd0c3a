using System.Globalization;
using Eider.Storage.Formats;
using Eider.Storage.Formats.Qcow2;

namespace Eider.Storage.Operations;

/// <summary>
/// Finds images whose file was cut short: they refer to clusters behind its end, which would read as zeroes. A file may
/// end inside its last cluster.
/// </summary>
public static class ImageTruncation
{
    /// <summary>Refuses a chain with an image that was cut short. Only tables are read.</summary>
    /// <param name="image">The outermost image.</param>
    /// <param name="cancellationToken">Ends it early.</param>
    /// <exception cref="BlockStorageException">An image was cut short (<see cref="BlockErrorKind.CorruptImage"/>), or cannot be read.</exception>
    public static async ValueTask ThrowIfTruncatedAsync(ImageStorage image, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(image);
        foreach (var layer in ImageChainWalk.Of(image).OfType<Qcow2Image>().Where(layer => !layer.Header.HasDataFile))
        {
            var end = layer.File.SizeBytes;
            ThrowIfTableIsMissing(layer, end);
            for (var offset = 0L; offset < layer.SizeBytes;)
            {
                var run = await layer.GetImageExtentAsync(offset, layer.SizeBytes - offset, cancellationToken).ConfigureAwait(false);
                var last = run.HostOffsetBytes + run.LengthBytes - 1;
                if (run.Kind == ImageExtentKind.Data && last / layer.Header.ClusterBytes * layer.Header.ClusterBytes >= end)
                {
                    throw Truncated(
                        layer, run.HostOffsetBytes,
                        $"it ends at {end}, and data of the disk from {offset} on lie at {run.HostOffsetBytes} to {last}");
                }

                offset += run.LengthBytes;
            }
        }
    }

    private static void ThrowIfTableIsMissing(Qcow2Image layer, long end)
    {
        var l1 = layer.Core.L1;
        for (var index = 0; index < l1.Count; index++)
        {
            var table = (long)(l1[index] & L2Entry.OffsetMask);
            if (table >= end)
            {
                throw Truncated(layer, table, $"it ends at {end}, and an L2 table lies at {table}");
            }
        }
    }

    private static BlockStorageException Truncated(Qcow2Image layer, long? offset, FormattableString how) => new(
        BlockErrorKind.CorruptImage, BlockOperation.Open, layer.Name, offset,
        $"{layer.Name}: the file was cut short: {how.ToString(CultureInfo.InvariantCulture)}");
}
