using System.Globalization;
using Eider.Storage.Formats;
using Eider.Storage.Formats.Qcow2;

namespace Eider.Storage.Operations;

/// <summary>Changes the size of an image's disk, by the rules that keep a user from losing data by mistake.</summary>
public static class ImageResizer
{
    /// <summary>Resizes, and flushes.</summary>
    /// <param name="image">The image, open for writing.</param>
    /// <param name="sizeBytes">The new size of the disk; qcow2 rounds it up to a sector of 512 bytes.</param>
    /// <param name="options">What is allowed.</param>
    /// <param name="cancellationToken">Ends it early.</param>
    /// <exception cref="ArgumentOutOfRangeException">The size is negative.</exception>
    /// <exception cref="BlockStorageException">The image is larger and may not shrink, cannot be set aside as asked, or the host failed.</exception>
    public static async ValueTask ResizeAsync(
        ImageStorage image, long sizeBytes, ImageResizeOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentOutOfRangeException.ThrowIfNegative(sizeBytes);
        options ??= ImageResizeOptions.Default;
        var old = image.SizeBytes;
        Check(image, old, sizeBytes, options);
        OperationResults.ThrowUnlessOk(
            await image.ResizeAsync(sizeBytes, cancellationToken).ConfigureAwait(false), image, BlockOperation.Resize, sizeBytes);
        if (options.Preallocation != ImagePreallocation.Off && image.SizeBytes > old)
        {
            await SetAsideAsync(image, old, image.SizeBytes - old, options.Preallocation, cancellationToken).ConfigureAwait(false);
        }

        OperationResults.ThrowUnlessOk(
            await image.FlushAsync(cancellationToken).ConfigureAwait(false), image, BlockOperation.Flush, 0);
    }

    private static void Check(ImageStorage image, long old, long sizeBytes, ImageResizeOptions options)
    {
        if (sizeBytes < old && !options.CanShrink)
        {
            throw Refused(
                image,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"found {old} bytes, and {sizeBytes} would cut data off; allow it with --shrink once the guest's file systems end before that"));
        }

        if (sizeBytes < old && options.Preallocation != ImagePreallocation.Off)
        {
            throw Refused(image, "preallocation is for what is added; found a smaller size");
        }

        if (options.Preallocation == ImagePreallocation.Metadata && image is not Qcow2Image)
        {
            throw Refused(image, $"{image.Format.Name} has no metadata to preallocate; expected off, falloc or full");
        }
    }

    private static async ValueTask SetAsideAsync(
        ImageStorage image, long offsetBytes, long lengthBytes, ImagePreallocation preallocation, CancellationToken cancellationToken)
    {
        if (image is Qcow2Image { Core: var core } qcow2)
        {
            await qcow2.AloneAsync(
                () => Qcow2Creation.SetAsideAsync(
                    core, core.Layout.HasDataFile ? core.Data.Storage : null, offsetBytes, lengthBytes, preallocation, cancellationToken),
                cancellationToken)
                .ConfigureAwait(false);
            return;
        }

        await ImagePreallocations.ApplyAsync(image, offsetBytes, lengthBytes, preallocation, cancellationToken).ConfigureAwait(false);
    }

    private static BlockStorageException Refused(ImageStorage image, string why) =>
        new(BlockErrorKind.UnsupportedFeature, BlockOperation.Resize, image.Name, null, $"{image.Name}: {why}");
}
