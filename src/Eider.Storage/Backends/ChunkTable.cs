namespace Eider.Storage.Backends;

/// <summary>
/// A sparse table of objects by chunk number, in two levels so that an empty table of a huge disk is small.
/// All members may be called at once from many threads; none takes a lock.
/// </summary>
/// <typeparam name="T">What a chunk is kept in.</typeparam>
internal sealed class ChunkTable<T>
    where T : class
{
    private const int LeafBits = 12;
    private const int LeafMask = (1 << LeafBits) - 1;

    private readonly T?[]?[] _leaves;

    /// <summary>An empty table.</summary>
    /// <param name="chunkCount">Number of chunks.</param>
    public ChunkTable(long chunkCount) => _leaves = new T?[]?[((chunkCount - 1) >> LeafBits) + 1];

    /// <summary>The chunk, or null if there is none.</summary>
    public T? Get(long index) => Volatile.Read(ref _leaves[index >> LeafBits]) is { } leaf
        ? Volatile.Read(ref leaf[index & LeafMask])
        : null;

    /// <summary>Puts a chunk in place of the one that is expected there.</summary>
    /// <returns>What stands there: <paramref name="expected"/> if the exchange took place.</returns>
    public T? CompareExchange(long index, T? value, T? expected) =>
        Interlocked.CompareExchange(ref LeafOf(index)[index & LeafMask], value, expected);

    /// <summary>Puts a chunk, or none, in place of whatever is there.</summary>
    /// <returns>What was there.</returns>
    public T? Exchange(long index, T? value)
    {
        // Nothing to remove needs no leaf.
        if (value == null && Volatile.Read(ref _leaves[index >> LeafBits]) == null)
        {
            return null;
        }

        return Interlocked.Exchange(ref LeafOf(index)[index & LeafMask], value);
    }

    /// <summary>The first chunk number from one on whose leaf exists; <paramref name="end"/> if none before it.</summary>
    public long SkipEmptyLeaves(long index, long end)
    {
        while (index < end && Volatile.Read(ref _leaves[index >> LeafBits]) == null)
        {
            index = ((index >> LeafBits) + 1) << LeafBits;
        }

        return Math.Min(index, end);
    }

    private T?[] LeafOf(long index)
    {
        ref var slot = ref _leaves[index >> LeafBits];
        return Volatile.Read(ref slot) ?? Interlocked.CompareExchange(ref slot, new T?[1 << LeafBits], null) ?? slot!;
    }
}
