using System.Buffers.Binary;

namespace Eider.Storage.Formats.Qcow2.Checking;

/// <summary>Looks whether COPIED in the active tables says what the refcounts say, and sets it right.</summary>
internal sealed class CopiedFlags(Qcow2Core core, FindingList findings)
{
    private readonly RefcountView _refcounts = new(core);

    /// <summary>Looks at all active tables.</summary>
    /// <param name="repairs">True to write the flags as they should be.</param>
    /// <param name="cancellationToken">Ends the work early.</param>
    public async ValueTask RunAsync(bool repairs, CancellationToken cancellationToken)
    {
        var seen = new HashSet<long>();
        for (var index = 0; index < core.L1.Count; index++)
        {
            var entry = core.L1[index];
            var table = (long)(entry & L2Entry.OffsetMask);
            if (table == 0 || (table & core.Layout.ClusterMask) != 0 || table >= core.File.Storage.SizeBytes)
            {
                continue;
            }

            var place = core.L1.Offset + (index * 8L);
            if (await NeedsChangeAsync(entry, table, place, "L2 table", cancellationToken).ConfigureAwait(false))
            {
                await ChangeAsync(repairs, place, entry ^ L2Entry.CopiedFlag, cancellationToken).ConfigureAwait(false);
            }

            if (seen.Add(table))
            {
                await CheckTableAsync(table, repairs, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private async ValueTask CheckTableAsync(long table, bool repairs, CancellationToken cancellationToken)
    {
        var bytes = new byte[core.Layout.ClusterBytes];
        await core.File.ReadAsync(table, bytes, cancellationToken).ConfigureAwait(false);
        for (var place = 0; place < bytes.Length; place += 1 << core.Layout.L2EntryBits)
        {
            var descriptor = BinaryPrimitives.ReadUInt64BigEndian(bytes.AsSpan(place));
            var entry = new L2Entry(descriptor, 0);
            var isWrong = entry.IsCompressed
                ? entry.IsCopied
                : core.Mapper.HasPlace(entry) && !core.Layout.HasDataFile
                    && await NeedsChangeAsync(descriptor, entry.HostOffset, table + place, "data cluster", cancellationToken)
                        .ConfigureAwait(false);
            if (isWrong)
            {
                await ChangeAsync(repairs, table + place, descriptor ^ L2Entry.CopiedFlag, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private async ValueTask<bool> NeedsChangeAsync(
        ulong entry, long cluster, long place, string what, CancellationToken cancellationToken)
    {
        var refcount = await _refcounts.GetAsync(cluster >> core.Layout.ClusterBits, cancellationToken).ConfigureAwait(false);
        if ((refcount == 1) == ((entry & L2Entry.CopiedFlag) != 0))
        {
            return false;
        }

        findings.Corruption(place, $"ERROR OFLAG_COPIED {what}: entry {entry:x16} at {place}, refcount={refcount}");
        return true;
    }

    private async ValueTask ChangeAsync(bool repairs, long place, ulong entry, CancellationToken cancellationToken)
    {
        if (repairs)
        {
            var field = new byte[8];
            BinaryPrimitives.WriteUInt64BigEndian(field, entry);
            await core.File.WriteAsync(place, field, cancellationToken).ConfigureAwait(false);
        }
    }
}
