using System.Buffers.Binary;

namespace Eider.Storage.Formats.Qcow2.Checking;

/// <summary>
/// Counts all references of an image: header, tables, snapshots, bitmaps, keys, data. Every table is read once, however
/// often it is referred to, so the work is bounded by the length of the file.
/// </summary>
internal sealed class ReferenceWalk(Qcow2Core core, FindingList findings)
{
    private const ulong L1ReservedMask = 0x7F00_0000_0000_01FF;

    private readonly Dictionary<long, long> _tables = [];
    private readonly HashSet<long> _activeTables = [];
    private readonly long _fileEnd = core.File.Storage.SizeBytes;

    public ReferenceCounts Counts { get; } = new();

    /// <summary>What the bitmaps refer to.</summary>
    public BitmapReferences Bitmaps { get; } = new(core, findings);

    public long AllocatedClusters { get; private set; }

    public long FragmentedClusters { get; private set; }

    public long CompressedClusters { get; private set; }

    /// <summary>Counts everything but the refcount table and its blocks.</summary>
    public async ValueTask RunAsync(CancellationToken cancellationToken)
    {
        var header = core.Header;
        Refer(0, core.Layout.ClusterBytes, "header");
        Refer(header.L1Offset, header.L1Entries * 8L, "L1 table");
        AddTables(core.L1.AsSpan(), header.L1Offset, isActive: true);
        if (header.SnapshotCount > 0)
        {
            var (snapshots, length) = await SnapshotTable.ReadAsync(header, core.File, cancellationToken).ConfigureAwait(false);
            Refer(header.SnapshotsOffset, length, "snapshot table");
            var l1Bytes = 0L;
            foreach (var snapshot in snapshots)
            {
                cancellationToken.ThrowIfCancellationRequested();
                l1Bytes += snapshot.L1Entries * 8L;
                if (l1Bytes > RoundedEnd)
                {
                    // Tables that lie over each other would let a small file be read for ever.
                    throw ImageErrors.Corrupt(
                        core.Name, BlockOperation.Read, snapshot.L1Offset, "the L1 tables of the snapshots are longer than the file: they overlap");
                }

                Refer(snapshot.L1Offset, snapshot.L1Entries * 8L, "L1 table of a snapshot");
                var l1 = await L1Table.ReadAsync(core.File, snapshot.L1Offset, snapshot.L1Entries, cancellationToken).ConfigureAwait(false);
                AddTables(l1, snapshot.L1Offset, isActive: false);
            }
        }

        await Bitmaps.CountAsync(this, cancellationToken).ConfigureAwait(false);
        CountEncryption();
        foreach (var (table, references) in _tables.OrderBy(pair => pair.Key))
        {
            cancellationToken.ThrowIfCancellationRequested();
            await CountTableAsync(table, references, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Counts a range; one that cannot be is a finding.</summary>
    /// <returns>True if it was counted.</returns>
    public bool Refer(long offset, long length, string what, long times = 1)
    {
        if (length == 0)
        {
            return true;
        }

        var bits = core.Layout.ClusterBits;
        if (offset < 0 || length < 0 || (offset & 511) != 0 || offset >= Qcow2Limits.MaxHostOffset - length
            || offset >= RoundedEnd)
        {
            findings.Corruption(offset, $"ERROR {what}: {length} bytes at {offset} lie outside of the file", isRepairable: false);
            return false;
        }

        for (var cluster = offset >> bits; cluster <= (offset + length - 1) >> bits; cluster++)
        {
            Counts.Add(cluster, times);
        }

        return true;
    }

    private long RoundedEnd => (_fileEnd + core.Layout.ClusterMask) & ~core.Layout.ClusterMask;

    private void AddTables(ReadOnlySpan<ulong> l1, long l1Offset, bool isActive)
    {
        for (var index = 0; index < l1.Length; index++)
        {
            var table = (long)(l1[index] & L2Entry.OffsetMask);
            if ((l1[index] & L1ReservedMask) != 0)
            {
                findings.Corruption(
                    l1Offset + (index * 8L), $"ERROR L1 entry {index} is {l1[index]:x16}: reserved bits are set", isRepairable: false);
            }

            if (table == 0)
            {
                continue;
            }

            if ((table & core.Layout.ClusterMask) != 0)
            {
                findings.Corruption(
                    l1Offset + (index * 8L), $"ERROR L2 table at {table} of L1 entry {index} does not begin with a cluster", isRepairable: false);
            }
            else if (Refer(table, core.Layout.ClusterBytes, "L2 table"))
            {
                _tables[table] = _tables.GetValueOrDefault(table) + 1;
                if (isActive)
                {
                    _activeTables.Add(table);
                }
            }
        }
    }

    private async ValueTask CountTableAsync(long table, long references, CancellationToken cancellationToken)
    {
        var bytes = new byte[core.Layout.ClusterBytes];
        await core.File.ReadAsync(table, bytes, cancellationToken).ConfigureAwait(false);
        var isActive = _activeTables.Contains(table);
        var next = 0L;
        for (var index = 0; index < core.Layout.L2Entries; index++)
        {
            var place = index << core.Layout.L2EntryBits;
            var entry = new L2Entry(
                BinaryPrimitives.ReadUInt64BigEndian(bytes.AsSpan(place)),
                core.Layout.HasExtendedL2 ? BinaryPrimitives.ReadUInt64BigEndian(bytes.AsSpan(place + 8)) : 0);
            if (!entry.IsEmpty)
            {
                CountEntry(entry, table + place, references, isActive, ref next);
            }
        }
    }

    private void CountEntry(L2Entry entry, long place, long references, bool isActive, ref long next)
    {
        if (core.Mapper.WhatIsWrong(entry) is { } what)
        {
            findings.Corruption(place, $"ERROR L2 entry {entry.Descriptor:x16} at {place}: {what}", isRepairable: false);
            return;
        }

        if (!entry.IsCompressed && (entry.Descriptor & L2Entry.ReservedMask) != 0)
        {
            findings.Corruption(place, $"ERROR L2 entry {entry.Descriptor:x16} at {place}: reserved bits are set", isRepairable: false);
        }

        if (entry.IsCompressed)
        {
            var (offset, length) = core.Layout.CompressedPlace(entry.Descriptor);
            var start = offset & ~511L;
            Refer(start, offset + length - start, "compressed cluster", references);
            CompressedClusters += isActive ? 1 : 0;
            AllocatedClusters += isActive ? 1 : 0;
            FragmentedClusters += isActive ? 1 : 0;
            if (entry.IsCopied)
            {
                findings.Corruption(place, $"ERROR compressed L2 entry {entry.Descriptor:x16} at {place} is marked as copied");
            }
        }
        else if (core.Mapper.HasPlace(entry))
        {
            if (!core.Layout.HasDataFile)
            {
                Refer(entry.HostOffset, core.Layout.ClusterBytes, "data cluster", references);
            }

            if (isActive)
            {
                AllocatedClusters++;
                FragmentedClusters += next != 0 && entry.HostOffset != next ? 1 : 0;
                next = entry.HostOffset + core.Layout.ClusterBytes;
            }
        }
    }

    private void CountEncryption()
    {
        if (core.Header.Find(Qcow2ExtensionType.EncryptionHeader) is { Data.Length: >= 16 } extension)
        {
            var offset = BinaryPrimitives.ReadUInt64BigEndian(extension.Data.Span);
            var length = BinaryPrimitives.ReadUInt64BigEndian(extension.Data.Span[8..]);
            Refer((long)Math.Min(offset, long.MaxValue), (long)Math.Min(length, (ulong)_fileEnd), "encryption header");
        }
    }
}
