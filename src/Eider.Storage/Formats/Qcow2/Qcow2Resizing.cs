using System.Buffers.Binary;
using System.Globalization;

namespace Eider.Storage.Formats.Qcow2;

/// <summary>Changes the size of a disk, while nobody else is in the image.</summary>
internal static class Qcow2Resizing
{
    private const int SizeField = 24;
    private const int SectorBytes = 512;

    /// <summary>Makes the disk larger or smaller.</summary>
    /// <param name="core">The image.</param>
    /// <param name="sizeBytes">The new size; rounded up to a sector.</param>
    /// <param name="cancellationToken">Ends the request early.</param>
    public static async ValueTask RunAsync(Qcow2Core core, long sizeBytes, CancellationToken cancellationToken)
    {
        var size = (Math.Min(sizeBytes, long.MaxValue - SectorBytes) + SectorBytes - 1) & ~(SectorBytes - 1L);
        await CheckSnapshotsAsync(core, cancellationToken).ConfigureAwait(false);
        if (size > core.Header.SizeBytes)
        {
            await GrowAsync(core, size, cancellationToken).ConfigureAwait(false);
        }
        else if (size < core.Header.SizeBytes)
        {
            // The size first: what is cut off must not show what lies behind it, should the rest not come to pass.
            await core.Commit.RunAsync(mustFlush: true, withRefcounts: false, cancellationToken).ConfigureAwait(false);
            cancellationToken.ThrowIfCancellationRequested();
            await WriteSizeAsync(core, size).ConfigureAwait(false);

            // The disk is smaller now: to end here would leave behind its end what nobody sees and nobody can use.
            await core.Zeroer.DropFromAsync(size, CancellationToken.None).ConfigureAwait(false);
            await core.Commit.RunAsync(mustFlush: true, withRefcounts: false, CancellationToken.None).ConfigureAwait(false);
        }

        if (core.Layout.HasDataFile && core.Data != core.File)
        {
            await ImageErrors.ExpectDoneAsync(core.Data.Storage.ResizeAsync(size, CancellationToken.None), core.Data.Storage, "cannot be resized")
                .ConfigureAwait(false);
        }
    }

    /// <summary>Moves the L1 table to a larger place.</summary>
    public static async ValueTask GrowL1Async(Qcow2Core core, long entries, CancellationToken cancellationToken)
    {
        if (entries <= core.L1.Count)
        {
            return;
        }

        if (entries > Qcow2Limits.MaxL1Bytes / 8)
        {
            throw new BlockStorageException(
                BlockErrorKind.UnsupportedFeature, BlockOperation.Resize, core.Name, null,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{core.Name}: the disk would need an L1 table of {entries} entries, expected at most {Qcow2Limits.MaxL1Bytes / 8}; use larger clusters"));
        }

        var clusters = (int)core.Layout.ClustersFor(entries * 8);
        var table = new ulong[entries];
        core.L1.ToArray().CopyTo(table, 0);
        var run = await core.Allocator.AllocateTableAsync(clusters, cancellationToken).ConfigureAwait(false);
        var bytes = new byte[clusters << core.Layout.ClusterBits];
        for (var index = 0; index < table.Length; index++)
        {
            BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan(index * 8), table[index]);
        }

        await core.File.WriteAsync(run.Offset, bytes, cancellationToken).ConfigureAwait(false);
        await core.Commit.RunAsync(mustFlush: true, withRefcounts: true, cancellationToken).ConfigureAwait(false);
        var (oldOffset, oldCount) = (core.L1.Offset, core.L1.Count);
        var field = new byte[12];
        BinaryPrimitives.WriteInt32BigEndian(field, table.Length);
        BinaryPrimitives.WriteInt64BigEndian(field.AsSpan(4), run.Offset);
        try
        {
            await HeaderField.WriteAsync(core, Qcow2HeaderWriter.L1Field, field).ConfigureAwait(false);
        }
        catch (BlockStorageException)
        {
            await core.Allocator.ReleaseAsync(run.Offset, bytes.Length).ConfigureAwait(false);
            throw;
        }

        core.UpdateHeader(header => header with { L1Entries = table.Length, L1Offset = run.Offset });
        core.L1.Replace(run.Offset, table);
        core.Metadata.SetRange(MetadataKind.ActiveL1, run.Offset, bytes.Length);
        if (oldCount > 0)
        {
            core.Allocator.FreeLater(oldOffset, core.Layout.ClustersFor(oldCount * 8L) << core.Layout.ClusterBits, mayPunch: true);
        }
    }

    private static async ValueTask GrowAsync(Qcow2Core core, long size, CancellationToken cancellationToken)
    {
        var old = core.Header.SizeBytes;

        // A shrink that was interrupted may have left clusters behind the end: they must not show again.
        await core.Zeroer.DropFromAsync(old, cancellationToken).ConfigureAwait(false);
        await core.Commit.RunAsync(mustFlush: true, withRefcounts: false, cancellationToken).ConfigureAwait(false);
        await GrowL1Async(core, Qcow2HeaderReader.L1EntriesFor(core.Header with { SizeBytes = size }), cancellationToken).ConfigureAwait(false);
        core.UpdateHeader(header => header with { SizeBytes = size });
        try
        {
            // The rest of the last cluster may hold what was cut off once; behind it the backing image may show.
            var clusterEnd = Math.Min(size, (old + core.Layout.ClusterMask) & ~core.Layout.ClusterMask);
            var zeroEnd = Math.Max(clusterEnd, Math.Min(size, core.Backing?.SizeBytes ?? 0));
            if (zeroEnd > old)
            {
                await core.Zeroer.WriteZeroesAsync(old, zeroEnd - old, mayUnmap: true, cancellationToken).ConfigureAwait(false);
            }

            await core.Commit.RunAsync(mustFlush: true, withRefcounts: false, cancellationToken).ConfigureAwait(false);
            await WriteSizeAsync(core, size).ConfigureAwait(false);
        }
        catch
        {
            core.UpdateHeader(header => header with { SizeBytes = old });
            throw;
        }
    }

    private static async ValueTask WriteSizeAsync(Qcow2Core core, long size)
    {
        var field = new byte[8];
        BinaryPrimitives.WriteInt64BigEndian(field, size);
        await HeaderField.WriteAsync(core, SizeField, field).ConfigureAwait(false);
        core.UpdateHeader(header => header with { SizeBytes = size });
    }

    /// <summary>A snapshot that does not say how large its disk was has the size of the image: that must not change then.</summary>
    private static async ValueTask CheckSnapshotsAsync(Qcow2Core core, CancellationToken cancellationToken)
    {
        if (core.Header.SnapshotCount == 0)
        {
            return;
        }

        var (snapshots, _) = await SnapshotTable.ReadAsync(core.Header, core.File, cancellationToken).ConfigureAwait(false);
        if (snapshots.Find(snapshot => snapshot.DiskBytes == null) is { } unknown)
        {
            throw new BlockStorageException(
                BlockErrorKind.UnsupportedFeature, BlockOperation.Resize, core.Name, null,
                $"{core.Name}: snapshot '{unknown.Name}' does not say how large its disk is; delete it first");
        }
    }
}
