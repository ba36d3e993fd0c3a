using System.Globalization;

namespace Eider.Storage.Formats.Qcow2;

/// <summary>All that is read, checked and opened before a file becomes an image.</summary>
internal static class Qcow2Opening
{
    /// <summary>Opens an image. What is opened besides the file is closed again if it fails; what the caller gave stays open then.</summary>
    public static async ValueTask<Qcow2Core> OpenAsync(
        BlockStorage file, ImageOpenOptions options, CancellationToken cancellationToken)
    {
        var header = await Qcow2HeaderReader.ReadAsync(file, cancellationToken).ConfigureAwait(false);
        CheckMode(header, file, options);
        if (options.Snapshot != null)
        {
            header = await AsSnapshotAsync(header, file, options, cancellationToken).ConfigureAwait(false);
        }

        var l1Bytes = header.L1Entries * 8L;
        if (header.L1Offset > file.SizeBytes - Math.Min(l1Bytes, file.SizeBytes) && l1Bytes > 0)
        {
            throw ImageErrors.Invalid(
                file.Name, header.L1Offset,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"the L1 table of {l1Bytes} bytes at {header.L1Offset} reaches past the end of the file at {file.SizeBytes}"));
        }

        var opened = new List<BlockStorage>();
        try
        {
            var imageFile = new ImageFile(file);
            var l1 = await L1Table.ReadAsync(imageFile, header.L1Offset, header.L1Entries, cancellationToken).ConfigureAwait(false);
            var data = imageFile;
            if (header.HasDataFile && await OpenDataAsync(header, file, options, cancellationToken).ConfigureAwait(false) is { } dataFile)
            {
                if (dataFile != options.DataFile)
                {
                    opened.Add(dataFile);
                }

                data = new ImageFile(dataFile);
            }

            var backing = options.Backing ?? (header.BackingName == null ? null
                : await ImageChain.OpenBackingAsync(file, header.BackingName, header.BackingFormat, options, cancellationToken)
                    .ConfigureAwait(false));
            if (backing != null && backing != options.Backing)
            {
                opened.Add(backing);
            }

            var core = new Qcow2Core(header, imageFile, data, l1, options) { Backing = backing };
            if (header.Encryption != Qcow2EncryptionMethod.None && options.KeyOf?.Invoke(file.Name) is { } key)
            {
                core.Cipher = await Qcow2Encryption.UnlockAsync(core, key, cancellationToken).ConfigureAwait(false);
            }

            return core;
        }
        catch
        {
            foreach (var storage in opened)
            {
                await storage.DisposeAsync().ConfigureAwait(false);
            }

            throw;
        }
    }

    /// <summary>The header with the L1 table and the size of a snapshot, to read it in place.</summary>
    private static async ValueTask<Qcow2Header> AsSnapshotAsync(
        Qcow2Header header, BlockStorage file, ImageOpenOptions options, CancellationToken cancellationToken)
    {
        if (!options.IsReadOnly)
        {
            throw new BlockStorageException(
                BlockErrorKind.AccessDenied, BlockOperation.Open, file.Name, null, $"{file.Name}: a snapshot can be read only; open it read-only");
        }

        var (snapshots, _) = await SnapshotTable.ReadAsync(header, new ImageFile(file), cancellationToken).ConfigureAwait(false);
        var snapshot = SnapshotTable.Find(snapshots, options.Snapshot!, file.Name);
        var found = header with
        {
            SizeBytes = snapshot.DiskBytes ?? header.SizeBytes,
            L1Offset = snapshot.L1Offset,
            L1Entries = snapshot.L1Entries,
        };
        return Qcow2HeaderReader.L1EntriesFor(found) <= found.L1Entries ? found : throw ImageErrors.Invalid(
            file.Name, snapshot.L1Offset, $"the L1 table of snapshot '{snapshot.Name}' is too small for its disk");
    }

    private static void CheckMode(Qcow2Header header, BlockStorage file, ImageOpenOptions options)
    {
        if (!options.IsReadOnly && file.Geometry.IsReadOnly)
        {
            throw new BlockStorageException(
                BlockErrorKind.AccessDenied, BlockOperation.Open, file.Name, null,
                $"{file.Name}: the file cannot be written; open the image read-only");
        }

        if (header.IsCorrupt && !options.IsReadOnly && !options.IsForRepair)
        {
            throw new BlockStorageException(
                BlockErrorKind.CorruptImage, BlockOperation.Open, file.Name, null,
                $"{file.Name}: the image is marked as corrupt; open it read-only, or repair it with 'eider img check -r all'");
        }
    }

    private static async ValueTask<BlockStorage?> OpenDataAsync(
        Qcow2Header header, BlockStorage file, ImageOpenOptions options, CancellationToken cancellationToken)
    {
        if (options.DataFile is { } given)
        {
            return options.IsReadOnly || !given.Geometry.IsReadOnly ? given : throw new BlockStorageException(
                BlockErrorKind.AccessDenied, BlockOperation.Open, file.Name, null,
                $"{file.Name}: its data file {given.Name} cannot be written; open the image read-only");
        }

        var name = header.DataFileName ?? throw ImageErrors.Invalid(
            file.Name, null, "the data lie in another file that the image does not name; give it with the image");
        return await ImageChain.OpenDataFileAsync(file, name, options, cancellationToken).ConfigureAwait(false);
    }
}
