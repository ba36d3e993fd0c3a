using System.Buffers;

namespace Eider.Storage.Layers;

/// <summary>
/// Keeps what was read from a slow read-only storage in a file, over restarts and crashes, up to a size; the least
/// recently used blocks go first. Content that belongs to another version, or was not written wholly, is never used:
/// each block bears a checksum. A cache that fails (a full disk) is left alone; reading goes on from below.
/// </summary>
public sealed class PersistentCacheStorage : BlockStorageLayer
{
    private const int BlockBytes = PersistentCacheLayout.BlockBytes;

    private readonly BlockStorage _file;
    private readonly PersistentCacheLayout _layout;
    private readonly Lock _gate = new();
    private readonly Dictionary<long, Slot> _slots = [];
    private readonly LinkedList<Slot> _oldestFirst = [];
    private readonly Stack<int> _free = [];
    private bool _hasFailed;
    private long _hits;
    private long _fetched;

    private PersistentCacheStorage(BlockStorage inner, BlockStorage file, PersistentCacheLayout layout)
        : base(inner)
    {
        _file = file;
        _layout = layout;
        Geometry = inner.Geometry with { IsReadOnly = true, CanDiscard = false, DiscardGranularityBytes = 0, WriteZeroesMayUnmap = false };
    }

    /// <inheritdoc/>
    public override BlockGeometry Geometry { get; }

    /// <summary>Blocks that were found in the file.</summary>
    public long HitCount => Interlocked.Read(ref _hits);

    /// <summary>Bytes that were read from below.</summary>
    public long FetchedBytes => Interlocked.Read(ref _fetched);

    /// <summary>Puts a cache over a storage. Both are closed with it.</summary>
    /// <param name="inner">What is cached; its size is fixed and it is never written.</param>
    /// <param name="file">The file of the cache, of any content; nobody else uses it.</param>
    /// <param name="identity">The version of what is cached: with another one, everything in the file is forgotten.</param>
    /// <param name="maxBytes">Most bytes of blocks; at least one block of 64 KiB.</param>
    /// <param name="cancellationToken">Ends the attempt early.</param>
    /// <exception cref="BlockStorageException">The file cannot be used.</exception>
    public static async ValueTask<PersistentCacheStorage> OpenAsync(
        BlockStorage inner, BlockStorage file, string identity, long maxBytes, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(inner);
        ArgumentNullException.ThrowIfNull(file);
        ArgumentNullException.ThrowIfNull(identity);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxBytes, BlockBytes);
        var blocks = Math.Max(1, (inner.SizeBytes + BlockBytes - 1) / BlockBytes);
        var slots = (int)Math.Min(int.MaxValue / PersistentCacheLayout.EntryBytes, Math.Min(blocks, maxBytes / BlockBytes));
        var layout = new PersistentCacheLayout(slots, identity);
        var found = await ReadLayoutAsync(file, cancellationToken).ConfigureAwait(false);
        var cache = new PersistentCacheStorage(inner, file, layout);
        if (found?.Identity == identity && found.Slots == slots && file.SizeBytes == layout.FileBytes)
        {
            await cache.LoadAsync(cancellationToken).ConfigureAwait(false);
        }
        else
        {
            await cache.ResetAsync(cancellationToken).ConfigureAwait(false);
        }

        return cache;
    }

    /// <summary>The version of what a file caches; null if it is no cache.</summary>
    /// <param name="file">The file.</param>
    /// <param name="cancellationToken">Ends the attempt early.</param>
    public static async ValueTask<string?> ReadIdentityAsync(BlockStorage file, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(file);
        return (await ReadLayoutAsync(file, cancellationToken).ConfigureAwait(false))?.Identity;
    }

    /// <inheritdoc/>
    protected override async ValueTask<BlockResult> ReadCoreAsync(
        long offsetBytes, BufferList buffers, CancellationToken cancellationToken)
    {
        var end = offsetBytes + buffers.LengthBytes;
        for (var position = offsetBytes; position < end;)
        {
            var index = position / BlockBytes;
            var within = (int)(position % BlockBytes);
            var count = (int)Math.Min(end - position, LengthOf(index) - within);
            var part = buffers.Slice(position - offsetBytes, count);
            if (Pin(index) is { } slot)
            {
                await ReadSlotAsync(slot, within, part, cancellationToken).ConfigureAwait(false);
            }
            else
            {
                await FetchAsync(index, within, part, cancellationToken).ConfigureAwait(false);
            }

            position += count;
        }

        return BlockResult.Ok;
    }

    /// <summary>Nothing is written through it.</summary>
    protected override ValueTask<BlockResult> FlushCoreAsync(CancellationToken cancellationToken) =>
        ValueTask.FromResult(BlockResult.Ok);

    /// <inheritdoc/>
    protected override async ValueTask DisposeCoreAsync()
    {
        await base.DisposeCoreAsync().ConfigureAwait(false);
        await _file.DisposeAsync().ConfigureAwait(false);
    }

    private static async ValueTask<PersistentCacheLayout?> ReadLayoutAsync(BlockStorage file, CancellationToken cancellationToken)
    {
        if (file.SizeBytes < PersistentCacheLayout.HeaderBytes)
        {
            return null;
        }

        var header = new byte[PersistentCacheLayout.HeaderBytes];
        await file.ReadAsync(0, header, cancellationToken).ConfigureAwait(false);
        return PersistentCacheLayout.Read(header);
    }

    private int LengthOf(long index) => (int)Math.Min(BlockBytes, SizeBytes - (index * BlockBytes));

    private async ValueTask ResetAsync(CancellationToken cancellationToken)
    {
        await Formats.ImageErrors.ExpectDoneAsync(_file.ResizeAsync(0, cancellationToken), _file, "the cache cannot be resized")
            .ConfigureAwait(false);
        await Formats.ImageErrors.ExpectDoneAsync(_file.ResizeAsync(_layout.FileBytes, cancellationToken), _file, "the cache cannot be resized")
            .ConfigureAwait(false);
        await _file.WriteAsync(0, _layout.Header(), cancellationToken).ConfigureAwait(false);
        for (var slot = _layout.Slots - 1; slot >= 0; slot--)
        {
            _free.Push(slot);
        }
    }

    private async ValueTask LoadAsync(CancellationToken cancellationToken)
    {
        var table = new byte[_layout.Slots * PersistentCacheLayout.EntryBytes];
        await _file.ReadAsync(PersistentCacheLayout.HeaderBytes, table, cancellationToken).ConfigureAwait(false);
        var blocks = (SizeBytes + BlockBytes - 1) / BlockBytes;
        for (var number = _layout.Slots - 1; number >= 0; number--)
        {
            var entry = table.AsSpan(number * PersistentCacheLayout.EntryBytes, PersistentCacheLayout.EntryBytes);
            var block = _layout.ReadEntry(entry, out var checksum);
            if (block < 0 || block >= blocks || _slots.ContainsKey(block))
            {
                _free.Push(number);
                continue;
            }

            var slot = new Slot(number, block, checksum);
            _slots.Add(block, slot);
            slot.Node = _oldestFirst.AddLast(slot);
        }
    }

    private Slot? Pin(long index)
    {
        lock (_gate)
        {
            if (!_slots.TryGetValue(index, out var slot))
            {
                return null;
            }

            slot.Pins++;
            _oldestFirst.Remove(slot.Node!);
            _oldestFirst.AddLast(slot.Node!);
            return slot;
        }
    }

    private void Unpin(Slot slot)
    {
        lock (_gate)
        {
            slot.Pins--;
        }
    }

    /// <summary>Reads from the file. The first look at a block since the file was opened checks all of it.</summary>
    private async ValueTask ReadSlotAsync(Slot slot, int within, BufferList part, CancellationToken cancellationToken)
    {
        try
        {
            if (slot.IsVerified)
            {
                await _file.ReadAsync(_layout.SlotOffset(slot.Number) + within, part, cancellationToken).ConfigureAwait(false);
                Interlocked.Increment(ref _hits);
                return;
            }

            if (await TryVerifyAsync(slot, within, part, cancellationToken).ConfigureAwait(false))
            {
                Interlocked.Increment(ref _hits);
                return;
            }
        }
        catch (BlockStorageException)
        {
            // The cache cannot be read: what it holds is below, too.
        }
        finally
        {
            Unpin(slot);
        }

        Forget(slot);
        await FetchAsync(slot.Block, within, part, cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask<bool> TryVerifyAsync(Slot slot, int within, BufferList part, CancellationToken cancellationToken)
    {
        var bytes = ArrayPool<byte>.Shared.Rent(BlockBytes);
        try
        {
            var block = bytes.AsMemory(0, LengthOf(slot.Block));
            await _file.ReadAsync(_layout.SlotOffset(slot.Number), block, cancellationToken).ConfigureAwait(false);
            if (_layout.DataChecksum(block.Span) != slot.Checksum)
            {
                return false;
            }

            slot.IsVerified = true;
            part.CopyFrom(0, block.Span.Slice(within, (int)part.LengthBytes));
            return true;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }

    private async ValueTask FetchAsync(long index, int within, BufferList part, CancellationToken cancellationToken)
    {
        var bytes = ArrayPool<byte>.Shared.Rent(BlockBytes);
        try
        {
            var block = bytes.AsMemory(0, LengthOf(index));
            await Inner.ReadAsync(index * BlockBytes, block, cancellationToken).ConfigureAwait(false);
            Interlocked.Add(ref _fetched, block.Length);
            part.CopyFrom(0, block.Span.Slice(within, (int)part.LengthBytes));
            await KeepAsync(index, block).ConfigureAwait(false);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }

    /// <summary>Stores a block. It is not cancelled half way: the reader has its bytes already.</summary>
    private async ValueTask KeepAsync(long index, ReadOnlyMemory<byte> block)
    {
        if (Take(index) is not { } number)
        {
            return;
        }

        try
        {
            var checksum = _layout.DataChecksum(block.Span);
            var entry = new byte[PersistentCacheLayout.EntryBytes];
            _layout.WriteEntry(entry, index, checksum);
            var data = System.Runtime.InteropServices.MemoryMarshal.AsMemory(block);
            await _file.WriteAsync(_layout.SlotOffset(number), data, CancellationToken.None).ConfigureAwait(false);
            await _file.WriteAsync(PersistentCacheLayout.EntryOffset(number), entry, CancellationToken.None).ConfigureAwait(false);
            Put(new Slot(number, index, checksum) { IsVerified = true });
        }
        catch (BlockStorageException)
        {
            // The place may hold half a block: it is not used again, and what it holds is not believed.
            lock (_gate)
            {
                _hasFailed = true;
            }
        }
    }

    /// <summary>A place for a block: a free one, or that of the oldest block that nobody reads.</summary>
    private int? Take(long index)
    {
        lock (_gate)
        {
            if (_hasFailed || _slots.ContainsKey(index))
            {
                return null;
            }

            if (_free.TryPop(out var number))
            {
                return number;
            }

            for (var node = _oldestFirst.First; node != null; node = node.Next)
            {
                if (node.Value.Pins == 0)
                {
                    _slots.Remove(node.Value.Block);
                    _oldestFirst.Remove(node);
                    return node.Value.Number;
                }
            }

            return null;
        }
    }

    private void Put(Slot slot)
    {
        lock (_gate)
        {
            // Another reader may have stored the same block meanwhile; one of the two places is free again.
            if (_slots.TryAdd(slot.Block, slot))
            {
                slot.Node = _oldestFirst.AddLast(slot);
            }
            else
            {
                _free.Push(slot.Number);
            }
        }
    }

    private void Forget(Slot slot)
    {
        lock (_gate)
        {
            if (slot.Pins == 0 && _slots.TryGetValue(slot.Block, out var present) && present == slot)
            {
                _slots.Remove(slot.Block);
                _oldestFirst.Remove(slot.Node!);
                _free.Push(slot.Number);
            }
        }
    }

    private sealed class Slot(int number, long block, uint checksum)
    {
        public int Number { get; } = number;

        public long Block { get; } = block;

        public uint Checksum { get; } = checksum;

        public int Pins { get; set; }

        public bool IsVerified { get; set; }

        public LinkedListNode<Slot>? Node { get; set; }
    }
}
