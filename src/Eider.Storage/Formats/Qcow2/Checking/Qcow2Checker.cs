namespace Eider.Storage.Formats.Qcow2.Checking;

/// <summary>
/// Compares refcounts and flags with all references of an image, and sets them right. Runs over the file, while nothing
/// of the image is changed in memory and nobody else is in it; after a repair the image is opened again.
/// </summary>
internal sealed class Qcow2Checker
{
    private readonly Qcow2Core _core;
    private readonly FindingList _findings = new();
    private readonly ReferenceWalk _walk;
    private bool _mustRebuild;

    public Qcow2Checker(Qcow2Core core)
    {
        _core = core;
        _walk = new ReferenceWalk(core, _findings);
    }

    /// <summary>Checks, and repairs what is asked for.</summary>
    public async ValueTask<Qcow2CheckResult> RunAsync(Qcow2Repair repair, CancellationToken cancellationToken)
    {
        await _walk.RunAsync(cancellationToken).ConfigureAwait(false);
        var blocks = await ReadBlocksAsync(cancellationToken).ConfigureAwait(false);
        await CompareAsync(blocks, cancellationToken).ConfigureAwait(false);

        // Flags may claim one owner only once the counts are right in the file.
        var repairsAll = repair == Qcow2Repair.All && _findings.Unrepairable == 0;
        var (leaks, corruptions) = (_findings.Leaks, _findings.Corruptions);
        var isRepaired = false;
        if (repairsAll && (corruptions > 0 || _mustRebuild))
        {
            if (_walk.Bitmaps.IsDamaged)
            {
                await _walk.Bitmaps.RepairAsync().ConfigureAwait(false);
            }

            await RebuildAsync(cancellationToken).ConfigureAwait(false);
            isRepaired = true;
        }

        var returnsLeaks = !isRepaired && repair != Qcow2Repair.None && leaks > 0 && !_mustRebuild;
        await new CopiedFlags(_core, _findings).RunAsync(repairsAll && !returnsLeaks, cancellationToken).ConfigureAwait(false);
        if (returnsLeaks)
        {
            await ReturnLeaksAsync(blocks, repairsAll, cancellationToken).ConfigureAwait(false);
        }

        if (repair != Qcow2Repair.None)
        {
            await _core.File.FlushAsync(cancellationToken).ConfigureAwait(false);
        }

        return new Qcow2CheckResult
        {
            Findings = [.. _findings.Findings.OrderBy(finding => finding.OffsetBytes)],
            Leaks = leaks,
            Corruptions = _findings.Corruptions,
            LeaksFixed = isRepaired || (repair != Qcow2Repair.None && !_mustRebuild) ? leaks : 0,
            CorruptionsFixed = repairsAll ? _findings.Corruptions : 0,
            ImageEndBytes = _walk.Counts.End << _core.Layout.ClusterBits,
            TotalClusters = _core.Layout.ClustersFor(_core.Header.SizeBytes),
            AllocatedClusters = _walk.AllocatedClusters,
            FragmentedClusters = _walk.FragmentedClusters,
            CompressedClusters = _walk.CompressedClusters,
        };
    }

    /// <summary>Reads the refcount table and counts it and its blocks; those that cannot be make a rebuild necessary.</summary>
    private async ValueTask<ulong[]> ReadBlocksAsync(CancellationToken cancellationToken)
    {
        var header = _core.Header;
        var bytes = (long)header.RefcountTableClusters << header.ClusterBits;
        var end = _core.File.Storage.SizeBytes;
        if (bytes == 0 || header.RefcountTableOffset >= end || !_walk.Refer(header.RefcountTableOffset, bytes, "refcount table"))
        {
            _mustRebuild = true;
            return [];
        }

        var table = await L1Table.ReadAsync(_core.File, header.RefcountTableOffset, (int)(bytes / 8), cancellationToken).ConfigureAwait(false);
        for (var index = 0; index < table.Length; index++)
        {
            // Bit 63 counts to the place too, and no file reaches that far.
            var place = table[index] & ~0x1FFUL;
            var offset = place > long.MaxValue ? long.MaxValue & ~_core.Layout.ClusterMask : (long)place;
            if ((table[index] & 0x1FF) != 0)
            {
                _findings.Corruption(
                    header.RefcountTableOffset + (index * 8L), $"ERROR refcount table entry {index} is {table[index]:x16}: reserved bits are set");
                _mustRebuild = true;
            }

            if (offset == 0)
            {
                continue;
            }

            var cluster = offset >> header.ClusterBits;
            if ((offset & _core.Layout.ClusterMask) != 0 || offset >= end || _walk.Counts[cluster] > 0)
            {
                _findings.Corruption(
                    header.RefcountTableOffset + (index * 8L),
                    $"ERROR refcount block {index} at {offset} is misplaced, outside of the file, or lies over something else");
                _mustRebuild = true;
                table[index] = 0;
            }
            else
            {
                _walk.Counts.Add(cluster, 1);
            }
        }

        return table;
    }

    private async ValueTask CompareAsync(ulong[] blocks, CancellationToken cancellationToken)
    {
        var layout = _core.Layout;
        var perBlock = 1L << layout.RefcountBlockBits;
        var bytes = new byte[layout.ClusterBytes];
        var last = Math.Max(blocks.Length, (_walk.Counts.End + perBlock - 1) / perBlock);
        for (var block = 0L; block < last; block++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var offset = block < blocks.Length ? (long)(blocks[block] & ~0x1FFUL) : 0;
            if (offset == 0 && block * perBlock >= _walk.Counts.End)
            {
                continue;
            }

            if (offset == 0)
            {
                bytes.AsSpan().Clear();
            }
            else
            {
                await _core.File.ReadAsync(offset, bytes, cancellationToken).ConfigureAwait(false);
            }

            CompareBlock(block * perBlock, bytes, offset != 0);
        }
    }

    private void CompareBlock(long firstCluster, ReadOnlySpan<byte> block, bool isThere)
    {
        var order = _core.Layout.RefcountOrder;
        var count = (block.Length << 3) >> order;
        for (var index = 0; index < count; index++)
        {
            var cluster = firstCluster + index;
            var refcount = RefcountBits.Get(block, index, order);
            var references = (ulong)_walk.Counts[cluster];
            if (refcount == references)
            {
                continue;
            }

            var offset = cluster << _core.Layout.ClusterBits;
            if (refcount > references)
            {
                // Behind the end of the file nothing is taken: such a refcount wastes a number, no space.
                if (offset >= _core.File.Storage.SizeBytes)
                {
                    continue;
                }

                _findings.Leak(offset, $"Leaked cluster {cluster} refcount={refcount} reference={references}");
            }
            else
            {
                _findings.Corruption(
                    offset, $"ERROR cluster {cluster} refcount={refcount} reference={references}", references <= _core.Layout.RefcountMax);
                _mustRebuild |= !isThere;
            }
        }
    }

    /// <summary>Makes the counts right; then what has one owner again says so, unless other things are wrong too.</summary>
    private async ValueTask ReturnLeaksAsync(ulong[] blocks, bool repairsAll, CancellationToken cancellationToken)
    {
        await LowerCountsAsync(blocks, cancellationToken).ConfigureAwait(false);
        await _core.File.FlushAsync(cancellationToken).ConfigureAwait(false);
        if (repairsAll || _findings.Corruptions == 0)
        {
            await new CopiedFlags(_core, new FindingList()).RunAsync(repairs: true, cancellationToken).ConfigureAwait(false);
        }
    }

    private async ValueTask LowerCountsAsync(ulong[] blocks, CancellationToken cancellationToken)
    {
        var order = _core.Layout.RefcountOrder;
        var bytes = new byte[_core.Layout.ClusterBytes];
        for (var block = 0; block < blocks.Length; block++)
        {
            var offset = (long)(blocks[block] & ~0x1FFUL);
            if (offset == 0)
            {
                continue;
            }

            await _core.File.ReadAsync(offset, bytes, cancellationToken).ConfigureAwait(false);
            var isChanged = false;
            for (var index = 0; index < bytes.Length << 3 >> order; index++)
            {
                var references = (ulong)_walk.Counts[((long)block << _core.Layout.RefcountBlockBits) + index];
                if (RefcountBits.Get(bytes, index, order) > references)
                {
                    RefcountBits.Set(bytes, index, order, references);
                    isChanged = true;
                }
            }

            if (isChanged)
            {
                await _core.File.WriteAsync(offset, bytes, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private async ValueTask RebuildAsync(CancellationToken cancellationToken)
    {
        // The old table and its blocks are not counted: they become free.
        var walk = new ReferenceWalk(_core, new FindingList());
        await walk.RunAsync(cancellationToken).ConfigureAwait(false);
        await RefcountRebuild.RunAsync(_core, walk.Counts, _walk.Counts.End, cancellationToken).ConfigureAwait(false);
    }
}
