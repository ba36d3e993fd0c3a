namespace Eider.Storage.Formats.Qcow2.Checking;

/// <summary>The refcounts as they are in the file, with the last blocks that were read.</summary>
internal sealed class RefcountView(Qcow2Core core)
{
    private const int KeptBlocks = 8;

    private readonly Queue<long> _order = new();
    private readonly Dictionary<long, byte[]> _blocks = [];
    private ulong[]? _table;

    /// <summary>The refcount of a cluster; 0 where there is no block.</summary>
    public async ValueTask<ulong> GetAsync(long cluster, CancellationToken cancellationToken)
    {
        var header = core.Header;
        _table ??= await L1Table.ReadAsync(
            core.File, header.RefcountTableOffset, header.RefcountTableClusters << (header.ClusterBits - 3), cancellationToken)
            .ConfigureAwait(false);
        var index = cluster >> core.Layout.RefcountBlockBits;
        var offset = index < _table.Length ? (long)(_table[index] & ~0x1FFUL & long.MaxValue) : 0;
        if (offset == 0 || offset >= core.File.Storage.SizeBytes)
        {
            return 0;
        }

        if (!_blocks.TryGetValue(index, out var block))
        {
            block = await ReadAsync(index, offset, cancellationToken).ConfigureAwait(false);
        }

        return RefcountBits.Get(block, (int)(cluster & ((1L << core.Layout.RefcountBlockBits) - 1)), core.Layout.RefcountOrder);
    }

    private async ValueTask<byte[]> ReadAsync(long index, long offset, CancellationToken cancellationToken)
    {
        var block = _order.Count == KeptBlocks && _blocks.Remove(_order.Dequeue(), out var oldest)
            ? oldest
            : new byte[core.Layout.ClusterBytes];
        await core.File.ReadAsync(offset, block, cancellationToken).ConfigureAwait(false);
        _blocks.Add(index, block);
        _order.Enqueue(index);
        return block;
    }
}
