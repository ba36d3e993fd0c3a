namespace Eider.Storage.Formats.Qcow2.Snapshots;

/// <summary>Sets COPIED in the active tables as the refcounts say, through the cache; the next commit writes it.</summary>
internal static class SnapshotFlags
{
    /// <summary>Goes through all active tables.</summary>
    public static async ValueTask UpdateAsync(Qcow2Core core, CancellationToken cancellationToken)
    {
        for (var index = 0; index < core.L1.Count; index++)
        {
            var table = (long)(core.L1[index] & L2Entry.OffsetMask);
            if (table == 0)
            {
                continue;
            }

            var isAlone = await IsAloneAsync(core, table, cancellationToken).ConfigureAwait(false);
            for (var place = 0L; place < core.Layout.ClusterBytes; place += core.Layout.SliceBytes)
            {
                await UpdateSliceAsync(core, table + place, cancellationToken).ConfigureAwait(false);
            }

            core.L1.Set(index, (ulong)table | (isAlone ? L2Entry.CopiedFlag : 0));
        }
    }

    private static async ValueTask UpdateSliceAsync(Qcow2Core core, long offset, CancellationToken cancellationToken)
    {
        var slice = await core.Cache.GetAsync(offset, MetadataKind.ActiveL2, cancellationToken).ConfigureAwait(false);
        for (var index = 0; index < core.Layout.SliceEntries; index++)
        {
            var entry = core.Mapper.ReadEntry(slice, index);
            if (!core.Mapper.HasPlace(entry) && !(entry.IsCompressed && entry.IsCopied))
            {
                continue;
            }

            var isAlone = !entry.IsCompressed && await IsAloneAsync(core, entry.HostOffset, cancellationToken).ConfigureAwait(false);
            if (isAlone != entry.IsCopied)
            {
                slice = await ToggleAsync(core, slice, index, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private static async ValueTask<MetadataSlice> ToggleAsync(
        Qcow2Core core, MetadataSlice slice, int index, CancellationToken cancellationToken)
    {
        while (true)
        {
            lock (slice.Gate)
            {
                if (!slice.IsEvicted)
                {
                    var word = core.Layout.HasExtendedL2 ? 2 * index : index;
                    slice.WriteWord(word, slice.ReadWord(word) ^ L2Entry.CopiedFlag);
                    core.Cache.MarkDirty(slice);
                    return slice;
                }
            }

            slice = await core.Cache.GetAsync(slice.Offset, MetadataKind.ActiveL2, cancellationToken).ConfigureAwait(false);
        }
    }

    private static async ValueTask<bool> IsAloneAsync(Qcow2Core core, long offset, CancellationToken cancellationToken) =>
        await core.Allocator.GetRefcountAsync(offset, cancellationToken).ConfigureAwait(false) == 1;
}
