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
            for (var offset = 0L; offset < layer.SizeBytes;)
            {
                var run = await layer.GetImageExtentAsync(offset, layer.SizeBytes - offset, cancellationToken).ConfigureAwait(false);
                var last = run.HostOffsetBytes + run.LengthBytes - 1;
                if (run.Kind == ImageExtentKind.Data && last / layer.Header.ClusterBytes * layer.Header.ClusterBytes >= end)
                {
                    throw new BlockStorageException(
                        BlockErrorKind.CorruptImage, BlockOperation.Open, layer.Name, run.HostOffsetBytes,
                        string.Create(
                            CultureInfo.InvariantCulture,
                            $"{layer.Name}: the file was cut short: it ends at {end}, and data of the disk from {offset} on lie at {run.HostOffsetBytes} to {last}"));
                }

                offset += run.LengthBytes;
            }
        }
    }
}
