using System.Runtime.CompilerServices;
using Eider.Storage.Formats;

namespace Eider.Storage.Operations;

/// <summary>Tells where the content of a disk lies in its chain of images.</summary>
public static class ImageMap
{
    /// <summary>The runs of a disk in order, without gaps; neighbours of one kind are one run.</summary>
    /// <param name="image">The outermost image.</param>
    /// <param name="startBytes">Where to begin.</param>
    /// <param name="lengthBytes">How far to look.</param>
    /// <param name="cancellationToken">Ends it early.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range reaches past the end.</exception>
    /// <exception cref="BlockStorageException">The host failed, or the image contradicts itself.</exception>
    public static async IAsyncEnumerable<ImageMapEntry> EnumerateAsync(
        ImageStorage image, long startBytes, long lengthBytes, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentOutOfRangeException.ThrowIfNegative(startBytes);
        ArgumentOutOfRangeException.ThrowIfNegative(lengthBytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(lengthBytes, image.SizeBytes - startBytes);
        ImageMapEntry? before = null;
        for (var end = startBytes + lengthBytes; startBytes < end;)
        {
            var entry = await LookAsync(image, startBytes, end - startBytes, cancellationToken).ConfigureAwait(false);
            startBytes += entry.LengthBytes;
            if (before is { } last && last.Continues(entry))
            {
                before = last with { LengthBytes = last.LengthBytes + entry.LengthBytes };
                continue;
            }

            if (before is { } done)
            {
                yield return done;
            }

            before = entry;
        }

        if (before is { } rest)
        {
            yield return rest;
        }
    }

    /// <summary>Goes down the chain until an image has the place.</summary>
    private static async ValueTask<ImageMapEntry> LookAsync(
        ImageStorage image, long offsetBytes, long lengthBytes, CancellationToken cancellationToken)
    {
        var layer = image;
        for (var depth = 0; ; depth++)
        {
            var extent = await layer.GetImageExtentAsync(offsetBytes, lengthBytes, cancellationToken).ConfigureAwait(false);
            lengthBytes = extent.LengthBytes;
            if (extent.Kind != ImageExtentKind.Unallocated)
            {
                return Present(layer, extent, depth);
            }

            // Behind the end of a shorter backing image there are zeroes, by the word of the image above it.
            if (layer.Backing is not ImageStorage below)
            {
                return new ImageMapEntry(offsetBytes, lengthBytes, depth, false, true, false, false, null, null);
            }

            if (offsetBytes >= below.SizeBytes)
            {
                return new ImageMapEntry(offsetBytes, lengthBytes, depth, true, true, false, false, null, null);
            }

            lengthBytes = Math.Min(lengthBytes, below.SizeBytes - offsetBytes);
            layer = below;
        }
    }

    private static ImageMapEntry Present(ImageStorage layer, ImageExtent extent, int depth)
    {
        var isZero = extent.Kind is ImageExtentKind.Zero or ImageExtentKind.AllocatedZero;
        var isCompressed = extent.Kind == ImageExtentKind.Compressed;
        return new ImageMapEntry(
            extent.OffsetBytes, extent.LengthBytes, depth, true, isZero, !isZero, isCompressed, extent.HostOffsetBytes,
            extent.HostOffsetBytes == null ? null : layer.File.Name);
    }
}
