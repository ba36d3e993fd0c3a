using Eider.Storage.Formats;
using Eider.Storage.Formats.Qcow2;

namespace Eider.Storage.Operations;

/// <summary>Changes which image lies behind an image, by name only: no data are looked at.</summary>
public static class ImageBacking
{
    /// <summary>Writes another backing name into the image, or takes it out. The image is then to be closed.</summary>
    /// <param name="image">The image, open for writing.</param>
    /// <param name="name">The name as the image shall have it; null for no backing image.</param>
    /// <param name="format">The format of the backing image; needed with a name.</param>
    /// <param name="cancellationToken">Ends the attempt before it begins.</param>
    /// <exception cref="BlockStorageException">The format of the image has no backing images, the name is too long, or the host failed.</exception>
    public static async ValueTask SetAsync(
        ImageStorage image, string? name, string? format, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(image);
        if (image is not Qcow2Image qcow2)
        {
            throw new BlockStorageException(
                BlockErrorKind.UnsupportedFeature, BlockOperation.Write, image.Name, null,
                $"{image.Name}: a {image.Format.Name} image has no backing file; expected qcow2");
        }

        if (name != null && qcow2.Header.IsDataFileRaw)
        {
            throw new BlockStorageException(
                BlockErrorKind.UnsupportedFeature, BlockOperation.Write, image.Name, null,
                $"{image.Name}: an image whose data file is raw cannot have a backing file");
        }

        await Qcow2HeaderChange.RunAsync(qcow2, header => header.WithBacking(name, format), cancellationToken).ConfigureAwait(false);
    }
}
