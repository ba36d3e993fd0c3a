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

        return image.AloneAsync(() => WriteAsync(image.Core, change, cancellationToken), cancellationToken);
    }

    private static async ValueTask WriteAsync(Qcow2Core core, Func<Qcow2Header, Qcow2Header> change, CancellationToken cancellationToken)
    {
        var current = new byte[core.Header.ClusterBytes];
        await core.File.ReadAsync(0, current, cancellationToken).ConfigureAwait(false);
        var rewrite = Qcow2HeaderRewrite.Plan(core.Header, change(core.Header), current, core.Name);
        await core.Commit.RunAsync(mustFlush: true, withRefcounts: true, cancellationToken).ConfigureAwait(false);
        foreach (var (offset, bytes) in rewrite)
        {
            await core.File.WriteAsync(offset, bytes, CancellationToken.None).ConfigureAwait(false);
            await core.File.FlushAsync(CancellationToken.None).ConfigureAwait(false);
        }

        core.UpdateHeader(change);
    }
}
