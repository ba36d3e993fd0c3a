namespace Eider.Storage.Layers;

/// <summary>
/// The changes of a storage in their order, to see the states that a crash can leave: each prefix is one. Made by
/// <see cref="WriteLogStorage"/>; safe to read while it grows.
/// </summary>
public sealed class WriteLog
{
    private readonly Lock _gate = new();
    private readonly List<WriteLogEntry> _entries = [];
    private readonly HashSet<int> _pending = [];

    /// <summary>Number of entries.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _entries.Count;
            }
        }
    }

    /// <summary>An entry.</summary>
    public WriteLogEntry this[int index]
    {
        get
        {
            lock (_gate)
            {
                return _entries[index];
            }
        }
    }

    /// <summary>How many entries at the beginning the last flush within a prefix has made durable.</summary>
    /// <param name="prefix">Number of entries.</param>
    /// <exception cref="ArgumentOutOfRangeException">There are fewer entries.</exception>
    public int DurableCount(int prefix)
    {
        lock (_gate)
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThan(prefix, _entries.Count);
            var durable = 0;
            for (var index = 0; index < prefix; index++)
            {
                durable = Math.Max(durable, _entries[index].DurableCount);
            }

            return durable;
        }
    }

    /// <summary>Makes a range of changes on another storage.</summary>
    /// <param name="target">A copy of the storage as it was when the log began, or after the entries before.</param>
    /// <param name="first">The first entry.</param>
    /// <param name="count">How many.</param>
    /// <param name="cancellationToken">Ends the replay early.</param>
    /// <exception cref="BlockStorageException">The target refuses or fails.</exception>
    public async ValueTask ReplayAsync(BlockStorage target, int first, int count, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(target);
        for (var index = first; index < first + count; index++)
        {
            var entry = this[index];
            var result = await ApplyAsync(target, entry, cancellationToken).ConfigureAwait(false);
            if (result != BlockResult.Ok && entry.Operation != BlockOperation.Discard)
            {
                throw new BlockStorageException(
                    BlockErrorKind.Io, entry.Operation, target.Name, entry.OffsetBytes, $"{target.Name}: replay of entry {index}: {result}");
            }
        }
    }

    /// <summary>Shows every prefix of the log, shortest first, on one storage that grows with them.</summary>
    /// <param name="target">A copy of the storage as it was when the log began; it is changed.</param>
    /// <param name="check">Called for each prefix with its length; it must leave the target as it is.</param>
    /// <param name="cancellationToken">Ends the replay early.</param>
    /// <returns>How many prefixes were shown.</returns>
    public async ValueTask<int> ReplayPrefixesAsync(
        BlockStorage target, Func<int, ValueTask> check, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(check);
        var count = Count;
        await check(0).ConfigureAwait(false);
        for (var index = 0; index < count; index++)
        {
            await ReplayAsync(target, index, 1, cancellationToken).ConfigureAwait(false);
            await check(index + 1).ConfigureAwait(false);
        }

        return count + 1;
    }

    internal int Begin(BlockOperation operation, long offsetBytes, long lengthBytes, ReadOnlyMemory<byte> data)
    {
        lock (_gate)
        {
            _entries.Add(new WriteLogEntry(operation, offsetBytes, lengthBytes, data, 0));
            _pending.Add(_entries.Count - 1);
            return _entries.Count - 1;
        }
    }

    internal void End(int index)
    {
        lock (_gate)
        {
            _pending.Remove(index);
        }
    }

    /// <summary>How many entries at the beginning have ended.</summary>
    internal int EndedCount()
    {
        lock (_gate)
        {
            return _pending.Count == 0 ? _entries.Count : _pending.Min();
        }
    }

    internal void AddFlush(int durableCount)
    {
        lock (_gate)
        {
            _entries.Add(new WriteLogEntry(BlockOperation.Flush, 0, 0, default, durableCount));
        }
    }

    private static ValueTask<BlockResult> ApplyAsync(BlockStorage target, WriteLogEntry entry, CancellationToken cancellationToken) =>
        entry.Operation switch
        {
            BlockOperation.Write => target.WriteAsync(entry.OffsetBytes, entry.Data.ToArray(), cancellationToken),
            BlockOperation.WriteZeroes => target.WriteZeroesAsync(entry.OffsetBytes, entry.LengthBytes, mayUnmap: true, cancellationToken),
            BlockOperation.Discard => target.DiscardAsync(entry.OffsetBytes, entry.LengthBytes, cancellationToken),
            BlockOperation.Resize => target.ResizeAsync(entry.OffsetBytes, cancellationToken),
            _ => target.FlushAsync(cancellationToken),
        };
}
