using System.Buffers.Binary;

namespace Eider.Storage.Formats.Qcow2.Snapshots;

/// <summary>All clusters that an L1 table leads to, as runs: L2 tables and data. Read from the file; everything is committed before.</summary>
internal static class SnapshotTree
{
    /// <summary>The runs of an L1 table; one that lies in several tables comes once for each reference.</summary>
    public static async IAsyncEnumerable<(long Offset, long Length)> RunsOfAsync(
        Qcow2Core core, ulong[] l1, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var layout = core.Layout;
        var bytes = new byte[layout.ClusterBytes];
        foreach (var entry in l1)
        {
            var table = (long)(entry & L2Entry.OffsetMask);
            if (table == 0)
            {
                continue;
            }

            if ((table & layout.ClusterMask) != 0)
            {
                throw ImageErrors.Structural(core.Name, table, "an L2 table does not begin with a cluster");
            }

            yield return (table, layout.ClusterBytes);
            await core.File.ReadAsync(table, bytes, cancellationToken).ConfigureAwait(false);
            var (start, length) = (0L, 0L);
            for (var place = 0; place < bytes.Length; place += 1 << layout.L2EntryBits)
            {
                var (offset, size) = PlaceOf(core, BinaryPrimitives.ReadUInt64BigEndian(bytes.AsSpan(place)));
                if (size > 0 && length > 0 && offset == start + length && (offset & layout.ClusterMask) == 0 && size == layout.ClusterBytes
                    && (start & layout.ClusterMask) == 0)
                {
                    length += size;
                }
                else if (size > 0)
                {
                    if (length > 0)
                    {
                        yield return (start, length);
                    }

                    (start, length) = (offset, size);
                }
            }

            if (length > 0)
            {
                yield return (start, length);
            }
        }
    }

    private static (long Offset, long Length) PlaceOf(Qcow2Core core, ulong descriptor)
    {
        var entry = new L2Entry(descriptor, 0);
        if (entry.IsCompressed)
        {
            var (offset, length) = core.Layout.CompressedPlace(descriptor);
            return (offset, length);
        }

        return core.Mapper.HasPlace(entry) ? (entry.HostOffset, core.Layout.ClusterBytes) : (0, 0);
    }
}
