using System.Buffers.Binary;

namespace Eider.Storage.Formats.Qcow2.Checking;

/// <summary>
/// Writes all refcounts anew, behind the last cluster in use, and changes the header then: a crash leaves the old table
/// or the new one.
/// </summary>
internal static class RefcountRebuild
{
    /// <summary>Rebuilds the refcounts from references; the image must be opened again afterwards.</summary>
    /// <param name="core">The image; nobody else is in it.</param>
    /// <param name="counts">References without those of the refcount table and its blocks.</param>
    /// <param name="usedEnd">The number behind the last cluster in use, also by the old table and its blocks.</param>
    /// <param name="cancellationToken">Ends the work before the header is changed.</param>
    public static async ValueTask RunAsync(Qcow2Core core, ReferenceCounts counts, long usedEnd, CancellationToken cancellationToken)
    {
        var bits = core.Layout.ClusterBits;
        var perBlock = 1L << core.Layout.RefcountBlockBits;
        var first = Math.Max(counts.End, usedEnd);
        var (blocks, clusters) = (1L, 1L);
        while (blocks * perBlock < first + blocks + clusters || clusters << (bits - 3) < blocks)
        {
            blocks = ((first + blocks + clusters - 1) / perBlock) + 1;
            clusters = ((blocks - 1) >> (bits - 3)) + 1;
        }

        if (clusters << bits > Qcow2Limits.MaxRefcountTableBytes)
        {
            throw ImageErrors.Corrupt(
                core.Name, BlockOperation.Write, first << bits, "clusters lie so far apart that no refcount table can count them");
        }

        var block = new byte[core.Layout.ClusterBytes];
        var table = new byte[clusters << bits];
        for (var index = 0L; index < blocks; index++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            for (var within = 0; within < perBlock; within++)
            {
                var cluster = (index * perBlock) + within;
                var count = cluster >= first && cluster < first + blocks + clusters ? 1 : counts[cluster];
                RefcountBits.Set(block, within, core.Layout.RefcountOrder, Math.Min((ulong)count, core.Layout.RefcountMax));
            }

            await core.File.WriteAsync((first + index) << bits, block, cancellationToken).ConfigureAwait(false);
            BinaryPrimitives.WriteInt64BigEndian(table.AsSpan((int)index * 8), (first + index) << bits);
        }

        var offset = (first + blocks) << bits;
        await core.File.WriteAsync(offset, table, cancellationToken).ConfigureAwait(false);
        await core.File.FlushAsync(cancellationToken).ConfigureAwait(false);
        var field = new byte[12];
        BinaryPrimitives.WriteInt64BigEndian(field, offset);
        BinaryPrimitives.WriteInt32BigEndian(field.AsSpan(8), (int)clusters);
        await core.File.WriteAsync(Qcow2HeaderWriter.RefcountTableField, field, CancellationToken.None).ConfigureAwait(false);
        await core.File.FlushAsync(CancellationToken.None).ConfigureAwait(false);
        core.UpdateHeader(header => header with { RefcountTableOffset = offset, RefcountTableClusters = (int)clusters });
    }
}
