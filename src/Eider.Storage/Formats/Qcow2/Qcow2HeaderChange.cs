using System.Buffers.Binary;

namespace Eider.Storage.Formats.Qcow2;

/// <summary>Rewrites the first cluster of an image while nobody else is in it.</summary>
internal static class Qcow2HeaderChange
{
    /// <summary>Changes the header, its extensions or the backing name; all that was written before is durable first.</summary>
    /// <param name="image">The image, open for writing.</param>
    /// <param name="change">Makes the new header out of the one that the image has now.</param>
    /// <param name="cancellationToken">Ends the attempt before the first byte is written.</param>
    /// <exception cref="BlockStorageException">The image is read-only, the new header does not fit, or the host failed.</exception>
    public static ValueTask RunAsync(Qcow2Image image, Func<Qcow2Header, Qcow2Header> change, CancellationToken cancellationToken)
    {
        if (image.Geometry.IsReadOnly)
        {
            throw new BlockStorageException(
                BlockErrorKind.AccessDenied, BlockOperation.Write, image.Name, null, $"{image.Name}: the image is open read-only");
        }

        return image.AloneAsync(
            async () =>
            {
                await image.Core.Commit.RunAsync(mustFlush: true, withRefcounts: true, cancellationToken).ConfigureAwait(false);
                await WriteAsync(image.Core, change).ConfigureAwait(false);
            },
            cancellationToken);
    }

    /// <summary>Writes a new header, while nobody else is in the image and all that it names is durable.</summary>
    /// <remarks>
    /// The first sector says where all the rest is, and changes at once (<see cref="Qcow2HeaderRewrite"/>). Meanwhile the
    /// header says that the bitmaps are not to be trusted.
    /// </remarks>
    /// <exception cref="BlockStorageException">The new header does not fit, or the host failed.</exception>
    public static async ValueTask WriteAsync(Qcow2Core core, Func<Qcow2Header, Qcow2Header> change)
    {
        var header = change(core.Header);
        var features = header.AutoclearFeatures;
        var without = features & ~Qcow2AutoclearFeatures.Bitmaps;
        var current = new byte[core.Header.ClusterBytes];
        await core.File.ReadAsync(0, current, CancellationToken.None).ConfigureAwait(false);
        var rewrite = Qcow2HeaderRewrite.Plan(core.Header, header with { AutoclearFeatures = without }, current, core.Name);
        if (core.Header.AutoclearFeatures.HasFlag(Qcow2AutoclearFeatures.Bitmaps))
        {
            await WriteAutoclearAsync(core, core.Header.AutoclearFeatures & ~Qcow2AutoclearFeatures.Bitmaps).ConfigureAwait(false);
        }

        foreach (var (offset, bytes) in rewrite)
        {
            await HeaderField.WriteAsync(core, offset, bytes).ConfigureAwait(false);
        }

        core.UpdateHeader(now => change(now) with { AutoclearFeatures = without });
        if (features != without)
        {
            await WriteAutoclearAsync(core, features).ConfigureAwait(false);
        }
    }

    private static async ValueTask WriteAutoclearAsync(Qcow2Core core, Qcow2AutoclearFeatures features)
    {
        var field = new byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(field, (ulong)features);
        await HeaderField.WriteAsync(core, Qcow2HeaderWriter.AutoclearFeaturesField, field).ConfigureAwait(false);
        core.UpdateHeader(header => header with { AutoclearFeatures = features });
    }
}
