using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace Eider.Storage.Formats.Qcow2.Snapshots;

/// <summary>
/// Takes, applies and deletes internal snapshots, while nobody else is in the image. Each ends in one write of the header;
/// a crash before it leaves the old state, with leaked clusters at most.
/// </summary>
internal sealed class SnapshotOperations(Qcow2Core core)
{
    private const int SizeField = 24;

    /// <summary>Takes a snapshot of the disk as it is.</summary>
    public async ValueTask<Qcow2Snapshot> CreateAsync(string name, DateTimeOffset date, CancellationToken cancellationToken)
    {
        var (snapshots, _) = await SnapshotTable.ReadAsync(core.Header, core.File, cancellationToken).ConfigureAwait(false);
        if (snapshots.Count >= Qcow2Limits.MaxSnapshots || Encoding.UTF8.GetByteCount(name) > ushort.MaxValue)
        {
            throw Refused($"found {snapshots.Count} snapshots and a name of {name.Length} characters, expected at most {Qcow2Limits.MaxSnapshots} and 65535");
        }

        var l1 = core.L1.ToArray();
        await AddReferencesAsync(l1, cancellationToken).ConfigureAwait(false);
        await SnapshotFlags.UpdateAsync(core, cancellationToken).ConfigureAwait(false);
        var snapshot = new Qcow2Snapshot
        {
            Id = NewId(snapshots),
            Name = name,
            L1Offset = await WriteTableAsync(BytesOf(core.L1.ToArray()), cancellationToken).ConfigureAwait(false),
            L1Entries = l1.Length,
            DateSeconds = (uint)Math.Clamp(date.ToUnixTimeSeconds(), 0, uint.MaxValue),
            DateNanoseconds = (uint)(date.Ticks % TimeSpan.TicksPerSecond * 100),
            DiskBytes = core.Header.SizeBytes,
        };
        snapshots.Add(snapshot);
        await ReplaceTableAsync(snapshots, cancellationToken).ConfigureAwait(false);
        return snapshot;
    }

    /// <summary>Makes the disk what it was when a snapshot was taken.</summary>
    public async ValueTask ApplyAsync(string idOrName, CancellationToken cancellationToken)
    {
        var (snapshots, _) = await SnapshotTable.ReadAsync(core.Header, core.File, cancellationToken).ConfigureAwait(false);
        var snapshot = SnapshotTable.Find(snapshots, idOrName, core.Name);
        var size = snapshot.DiskBytes ?? core.Header.SizeBytes;
        var taken = await L1Table.ReadAsync(core.File, snapshot.L1Offset, snapshot.L1Entries, cancellationToken).ConfigureAwait(false);
        var needed = Qcow2HeaderReader.L1EntriesFor(core.Header with { SizeBytes = size });
        var l1 = new ulong[Math.Max(needed, taken.Length)];
        taken.CopyTo(l1, 0);
        await AddReferencesAsync(l1, cancellationToken).ConfigureAwait(false);
        var offset = l1.Length == 0 ? 0 : await WriteTableAsync(BytesOf(l1), cancellationToken).ConfigureAwait(false);
        await core.Commit.RunAsync(mustFlush: true, withRefcounts: true, cancellationToken).ConfigureAwait(false);

        // Size, length and place of the L1 table lie side by side in one sector.
        var field = new byte[24];
        BinaryPrimitives.WriteInt64BigEndian(field, size);
        BinaryPrimitives.WriteInt32BigEndian(field.AsSpan(8), (int)core.Header.Encryption);
        BinaryPrimitives.WriteInt32BigEndian(field.AsSpan(12), l1.Length);
        BinaryPrimitives.WriteInt64BigEndian(field.AsSpan(16), offset);
        var (oldTable, oldOffset) = (core.L1.ToArray(), core.L1.Offset);
        await HeaderField.WriteAsync(core, SizeField, field).ConfigureAwait(false);
        core.UpdateHeader(header => header with { SizeBytes = size, L1Entries = l1.Length, L1Offset = offset });
        core.L1.Replace(offset, [.. l1.Select(entry => entry & ~L2Entry.CopiedFlag)]);
        await DropReferencesAsync(oldTable, oldOffset).ConfigureAwait(false);
    }

    /// <summary>Deletes a snapshot.</summary>
    public async ValueTask DeleteAsync(string idOrName, CancellationToken cancellationToken)
    {
        var (snapshots, _) = await SnapshotTable.ReadAsync(core.Header, core.File, cancellationToken).ConfigureAwait(false);
        var snapshot = SnapshotTable.Find(snapshots, idOrName, core.Name);
        var l1 = await L1Table.ReadAsync(core.File, snapshot.L1Offset, snapshot.L1Entries, cancellationToken).ConfigureAwait(false);
        snapshots.Remove(snapshot);
        await ReplaceTableAsync(snapshots, cancellationToken).ConfigureAwait(false);
        await DropReferencesAsync(l1, snapshot.L1Offset).ConfigureAwait(false);
    }

    private static string NewId(List<Qcow2Snapshot> snapshots)
    {
        var highest = snapshots.Max(snapshot =>
            ulong.TryParse(snapshot.Id, NumberStyles.None, CultureInfo.InvariantCulture, out var id) ? id : (ulong?)0) ?? 0;
        return (highest + 1).ToString(CultureInfo.InvariantCulture);
    }

    /// <summary>The bytes of an L1 table whose clusters all have other owners too.</summary>
    private static byte[] BytesOf(ulong[] l1)
    {
        var bytes = new byte[l1.Length * 8];
        for (var index = 0; index < l1.Length; index++)
        {
            BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan(index * 8), l1[index] & ~L2Entry.CopiedFlag);
        }

        return bytes;
    }

    /// <summary>One reference more for everything that a table leads to; refused before anything changes if one cannot be counted.</summary>
    private async ValueTask AddReferencesAsync(ulong[] l1, CancellationToken cancellationToken)
    {
        var bits = core.Layout.ClusterBits;
        await foreach (var (offset, length) in SnapshotTree.RunsOfAsync(core, l1, cancellationToken).ConfigureAwait(false))
        {
            for (var cluster = offset >> bits; cluster <= (offset + length - 1) >> bits; cluster++)
            {
                if (await core.Allocator.GetRefcountAsync(cluster << bits, cancellationToken).ConfigureAwait(false) >= core.Layout.RefcountMax)
                {
                    throw Refused($"a cluster has as many references as its refcount can count ({core.Layout.RefcountMax}); delete snapshots");
                }
            }
        }

        var added = 0L;
        try
        {
            await foreach (var (offset, length) in SnapshotTree.RunsOfAsync(core, l1, cancellationToken).ConfigureAwait(false))
            {
                await core.Allocator.ChangeAsync(offset, length, +1, CancellationToken.None).ConfigureAwait(false);
                added++;
            }
        }
        catch (Exception exception) when (exception is BlockStorageException or OperationCanceledException)
        {
            // A cluster with several compressed ones gets a reference for each: only now that can be too many.
            await TakeBackAsync(l1, added).ConfigureAwait(false);
            throw;
        }
    }

    private async ValueTask TakeBackAsync(ulong[] l1, long runs)
    {
        await foreach (var (offset, length) in SnapshotTree.RunsOfAsync(core, l1, CancellationToken.None).ConfigureAwait(false))
        {
            if (runs-- == 0)
            {
                return;
            }

            await core.Allocator.ChangeAsync(offset, length, -1, CancellationToken.None).ConfigureAwait(false);
        }
    }

    private async ValueTask DropReferencesAsync(ulong[] l1, long l1Offset)
    {
        await foreach (var (offset, length) in SnapshotTree.RunsOfAsync(core, l1, CancellationToken.None).ConfigureAwait(false))
        {
            core.Allocator.FreeLater(offset, length, mayPunch: (offset & core.Layout.ClusterMask) == 0);
        }

        if (l1.Length > 0)
        {
            core.Allocator.FreeLater(l1Offset, core.Layout.ClustersFor(l1.Length * 8L) << core.Layout.ClusterBits, mayPunch: true);
        }

        await core.Commit.RunAsync(mustFlush: true, withRefcounts: true, CancellationToken.None).ConfigureAwait(false);
        await core.Allocator.SettleAloneAsync(CancellationToken.None).ConfigureAwait(false);
        await core.Commit.RunAsync(mustFlush: true, withRefcounts: true, CancellationToken.None).ConfigureAwait(false);

        // Other tables are active now: where the metadata are is read anew before the flags are set.
        await core.Preparation.ForgetAsync(CancellationToken.None).ConfigureAwait(false);
        await core.Preparation.RunAsync(CancellationToken.None).ConfigureAwait(false);
        await SnapshotFlags.UpdateAsync(core, CancellationToken.None).ConfigureAwait(false);
    }

    /// <summary>Writes the table of snapshots to a new place, makes everything durable, and changes the header then.</summary>
    private async ValueTask ReplaceTableAsync(List<Qcow2Snapshot> snapshots, CancellationToken cancellationToken)
    {
        var (oldOffset, oldLength) = (core.Header.SnapshotsOffset, 0L);
        if (core.Header.SnapshotCount > 0)
        {
            (_, oldLength) = await SnapshotTable.ReadAsync(core.Header, core.File, cancellationToken).ConfigureAwait(false);
        }

        var bytes = SnapshotTableWriter.Write(snapshots, core.Header.SizeBytes);
        var offset = bytes.Length > 0 ? await WriteTableAsync(bytes, cancellationToken).ConfigureAwait(false) : 0;
        await core.Commit.RunAsync(mustFlush: true, withRefcounts: true, cancellationToken).ConfigureAwait(false);
        var field = new byte[12];
        BinaryPrimitives.WriteInt32BigEndian(field, snapshots.Count);
        BinaryPrimitives.WriteInt64BigEndian(field.AsSpan(4), offset);
        await HeaderField.WriteAsync(core, Qcow2HeaderWriter.SnapshotsField, field).ConfigureAwait(false);
        core.UpdateHeader(header => header with { SnapshotCount = snapshots.Count, SnapshotsOffset = offset });
        if (oldLength > 0)
        {
            core.Allocator.FreeLater(oldOffset, core.Layout.ClustersFor(oldLength) << core.Layout.ClusterBits, mayPunch: true);
        }
    }

    private async ValueTask<long> WriteTableAsync(byte[] bytes, CancellationToken cancellationToken)
    {
        var clusters = (int)core.Layout.ClustersFor(bytes.Length);
        if (clusters == 0)
        {
            return 0;
        }

        var run = await core.Allocator.AllocateTableAsync(clusters, cancellationToken).ConfigureAwait(false);
        Array.Resize(ref bytes, clusters << core.Layout.ClusterBits);
        await core.File.WriteAsync(run.Offset, bytes, cancellationToken).ConfigureAwait(false);
        return run.Offset;
    }

    private BlockStorageException Refused(FormattableString what) => new(
        BlockErrorKind.UnsupportedFeature, BlockOperation.Write, core.Name, null,
        $"{core.Name}: {what.ToString(CultureInfo.InvariantCulture)}");
}
