namespace Eider.Storage.Formats.Qcow2;

/// <summary>Takes out of an image of version 3 what version 2 cannot say: clusters that are zero by their entry.</summary>
internal static class Qcow2Downgrade
{
    /// <summary>Refuses an image that uses what only version 3 has.</summary>
    /// <exception cref="BlockStorageException">It does.</exception>
    public static void Check(Qcow2Image image)
    {
        var header = image.Header;
        var what = header switch
        {
            { HasExtendedL2: true } => "extended L2 entries",
            { HasDataFile: true } => "an external data file",
            { CompressionType: not 0 } => "zstd compression",
            { RefcountOrder: not 4 } => $"refcounts of {1 << header.RefcountOrder} bits",
            { SnapshotCount: > 0 } => "internal snapshots, whose clusters may be zero by their entries",
            { AutoclearFeatures: not 0 } => "persistent bitmaps",
            _ => null,
        };
        if (what != null)
        {
            throw new BlockStorageException(
                BlockErrorKind.UnsupportedFeature, BlockOperation.Open, image.Name, null,
                $"{image.Name}: the image has {what}, which compat=0.10 does not know; convert it");
        }
    }

    /// <summary>Makes zero clusters unallocated where nothing lies behind them, and writes zeroes where something may.</summary>
    public static ValueTask RunAsync(Qcow2Image image, CancellationToken cancellationToken) =>
        image.AloneAsync(() => ExpandAsync(image.Core, cancellationToken), cancellationToken);

    private static async ValueTask ExpandAsync(Qcow2Core core, CancellationToken cancellationToken)
    {
        var hasBacking = core.Header.BackingName != null;
        for (var guest = 0L; guest < core.Header.SizeBytes;)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var table = core.L1[core.Layout.L1Index(guest)] & L2Entry.OffsetMask;
            var entries = new L2Entry[core.L2.ClustersInSlice(guest)];
            if (table != 0)
            {
                await core.L2.ReadAsync(guest, entries, cancellationToken).ConfigureAwait(false);
            }

            for (var index = 0; index < entries.Length; index++)
            {
                var place = guest + ((long)index << core.Layout.ClusterBits);
                if (IsZero(entries[index]) && place < core.Header.SizeBytes)
                {
                    await ExpandOneAsync(core, place, entries[index], hasBacking, cancellationToken).ConfigureAwait(false);
                }
            }

            guest += (long)entries.Length << core.Layout.ClusterBits;
        }

        await core.Commit.RunAsync(mustFlush: true, withRefcounts: true, cancellationToken).ConfigureAwait(false);
    }

    private static bool IsZero(L2Entry entry) => !entry.IsCompressed && (entry.Descriptor & L2Entry.ZeroFlag) != 0;

    private static async ValueTask ExpandOneAsync(
        Qcow2Core core, long place, L2Entry entry, bool hasBacking, CancellationToken cancellationToken)
    {
        if (hasBacking)
        {
            var length = (int)Math.Min(core.Layout.ClusterBytes, core.Header.SizeBytes - place);
            await core.Writer.WriteAsync(place, new byte[length], cancellationToken).ConfigureAwait(false);
            return;
        }

        var table = await core.L2.GetWritableTableAsync(place, cancellationToken).ConfigureAwait(false);
        await core.L2.WriteAsync(table, place, new L2Entry[1], cancellationToken).ConfigureAwait(false);
        core.L2.Free(entry, mayPunch: true);
    }
}
