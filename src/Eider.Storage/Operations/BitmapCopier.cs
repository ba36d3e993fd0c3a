using System.Globalization;
using Eider.Storage.Formats;
using Eider.Storage.Formats.Qcow2;
using Eider.Storage.Formats.Qcow2.Bitmaps;

namespace Eider.Storage.Operations;

/// <summary>Copies the persistent bitmaps of an image into another one with a disk of the same size, enabled or not as they are.</summary>
public static class BitmapCopier
{
    /// <summary>Looks whether the bitmaps can be copied, before anything else is.</summary>
    /// <param name="source">The image with the bitmaps.</param>
    /// <param name="skipsBroken">True to leave out those that cannot be used.</param>
    /// <param name="cancellationToken">Ends it early.</param>
    /// <returns>The bitmaps to copy.</returns>
    /// <exception cref="BlockStorageException">
    /// The source has no bitmaps at all, or one that cannot be used (<see cref="BlockErrorKind.UnsupportedFeature"/>), or the host failed.
    /// </exception>
    public static async ValueTask<IReadOnlyList<Qcow2Bitmap>> ListAsync(
        ImageStorage source, bool skipsBroken, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        if (source is not Qcow2Image image)
        {
            throw Refused(source, $"a {source.Format.Name} image has no bitmaps; expected qcow2");
        }

        var bitmaps = await image.Bitmaps.ListAsync(cancellationToken).ConfigureAwait(false);
        var broken = bitmaps.FirstOrDefault(bitmap => !bitmap.IsUsable);
        return broken == null || skipsBroken ? [.. bitmaps.Where(bitmap => bitmap.IsUsable)] : throw Refused(
            source,
            $"bitmap '{ImageErrors.Printable(broken.Name)}' cannot be copied: {broken.Problem}; leave it out with --skip-broken-bitmaps, or remove it with 'eider img bitmap --remove'");
    }

    /// <summary>Copies.</summary>
    /// <param name="source">The image with the bitmaps.</param>
    /// <param name="target">The image to add them to, open for writing.</param>
    /// <param name="bitmaps">Which ones (<see cref="ListAsync"/>).</param>
    /// <param name="cancellationToken">Ends it early; some may be copied then.</param>
    /// <exception cref="BlockStorageException">
    /// The target cannot have them, or has one of the same name (<see cref="BlockErrorKind.UnsupportedFeature"/>), or the host failed.
    /// </exception>
    public static async ValueTask CopyAsync(
        ImageStorage source, ImageStorage target, IReadOnlyList<Qcow2Bitmap> bitmaps, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(target);
        ArgumentNullException.ThrowIfNull(bitmaps);
        if (bitmaps.Count == 0)
        {
            return;
        }

        if (source is not Qcow2Image from || target is not Qcow2Image to)
        {
            throw Refused(target, string.Create(CultureInfo.InvariantCulture, $"a {target.Format.Name} image cannot have the bitmaps of a {source.Format.Name} image"));
        }

        foreach (var bitmap in bitmaps)
        {
            await to.Bitmaps.AddAsync(bitmap.Name, bitmap.GranularityBytes, isEnabled: false, cancellationToken).ConfigureAwait(false);
            await to.Bitmaps.MergeAsync(bitmap.Name, bitmap.Name, from, cancellationToken).ConfigureAwait(false);
            if (bitmap.IsEnabled)
            {
                await to.Bitmaps.EnableAsync(bitmap.Name, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private static BlockStorageException Refused(ImageStorage image, string why) =>
        new(BlockErrorKind.UnsupportedFeature, BlockOperation.Write, image.Name, null, $"{image.Name}: {why}");
}
