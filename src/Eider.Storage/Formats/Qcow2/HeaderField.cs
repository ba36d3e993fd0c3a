namespace Eider.Storage.Formats.Qcow2;

/// <summary>
/// Writes a field of the header that says which of two structures is the image's, durably. A host that fails leaves open
/// which of them the file names; the old field is put back then, and where that fails too nothing is written any more:
/// changes would go to a structure that the file may not name.
/// </summary>
internal static class HeaderField
{
    /// <summary>Writes a field.</summary>
    /// <param name="core">The image; nobody else writes this field.</param>
    /// <param name="offset">Where it is.</param>
    /// <param name="field">Its new bytes.</param>
    /// <exception cref="BlockStorageException">The host failed; the file has the old field, or the image is written no more.</exception>
    public static async ValueTask WriteAsync(Qcow2Core core, long offset, byte[] field)
    {
        var old = new byte[field.Length];
        await core.File.ReadAsync(offset, old, CancellationToken.None).ConfigureAwait(false);
        try
        {
            await WriteOnceAsync(core, offset, field).ConfigureAwait(false);
        }
        catch (BlockStorageException)
        {
            await PutBackAsync(core, offset, old).ConfigureAwait(false);
            throw;
        }
    }

    private static async ValueTask PutBackAsync(Qcow2Core core, long offset, byte[] old)
    {
        try
        {
            await WriteOnceAsync(core, offset, old).ConfigureAwait(false);
        }
        catch (BlockStorageException)
        {
            // The failure that led here is the one to report.
            core.LoseHeader();
        }
    }

    private static async ValueTask WriteOnceAsync(Qcow2Core core, long offset, byte[] field)
    {
        await core.File.WriteAsync(offset, field, CancellationToken.None).ConfigureAwait(false);
        await core.File.FlushAsync(CancellationToken.None).ConfigureAwait(false);
    }
}
