namespace Eider.Hardware.Resources;

/// <summary>
/// Gives out blocks of numbers: the lowest place where a block fits, and what is given back joins its free
/// neighbours again. Numbers are 64 bits wide; the last one may be given out, too. Not safe for several threads.
/// </summary>
public sealed class IntervalAllocator
{
    // Both sorted; a machine has tens of blocks, so inserting into a list is the fastest there is. Objects and loops, since
    // a generic of the framework over a value type is compiled anew in every process, and this runs whenever a machine starts.
    private readonly List<Block> _free = [];
    private readonly List<Block> _allocated = [];

    /// <summary>All free blocks, by address, both ends included.</summary>
    public IReadOnlyList<(ulong First, ulong Last)> Free => [.. _free.Select(block => (block.First, block.Last))];

    /// <summary>All blocks that are given out, by address, both ends included.</summary>
    public IReadOnlyList<(ulong First, ulong Last)> Allocated => [.. _allocated.Select(block => (block.First, block.Last))];

    /// <summary>Adds numbers that may be given out.</summary>
    /// <param name="first">The first one.</param>
    /// <param name="last">The last one, included.</param>
    /// <exception cref="ArgumentException">The range is none, or a number of it is known already, free or given out.</exception>
    public void Add(ulong first, ulong last)
    {
        if (first > last)
        {
            throw new ArgumentException($"0x{first:x} to 0x{last:x} is no range", nameof(last));
        }

        if (FindOverlap(_free, first, last) is not null || FindOverlap(_allocated, first, last) is not null)
        {
            throw new ArgumentException($"0x{first:x} to 0x{last:x} overlaps numbers that are in the pool already", nameof(first));
        }

        Insert(first, last);
    }

    /// <summary>Takes the lowest block that fulfils all conditions.</summary>
    /// <param name="size">How many numbers, at least 1.</param>
    /// <param name="align">The first one is a multiple of it; a power of two, or 0 for none.</param>
    /// <param name="min">The lowest number that may be in the block.</param>
    /// <param name="max">The highest number that may be in the block.</param>
    /// <param name="first">The first number of the block.</param>
    /// <returns>False if there is no such block, or the conditions cannot be met by any.</returns>
    public bool TryAllocate(ulong size, ulong align, ulong min, ulong max, out ulong first)
    {
        first = 0;
        if (size == 0 || min > max || (align != 0 && !ulong.IsPow2(align)))
        {
            return false;
        }

        for (var i = 0; i < _free.Count; i++)
        {
            var (low, high) = (_free[i].First, _free[i].Last);
            if (TryFit(Math.Max(low, min), Math.Min(high, max), size, align, out first))
            {
                Take(i, first, first + (size - 1));
                return true;
            }
        }

        return false;
    }

    /// <summary>True if exactly this block is given out.</summary>
    /// <param name="first">Its first number.</param>
    /// <param name="size">How many numbers it has.</param>
    public bool IsAllocated(ulong first, ulong size) =>
        size != 0 && FindOverlap(_allocated, first, first) is { } block && block.First == first && block.Last - first == size - 1;

    /// <summary>The lowest block given out that has a number from <paramref name="min"/> to <paramref name="max"/>; null if there is none.</summary>
    public (ulong First, ulong Last)? FindAllocated(ulong min, ulong max) =>
        FindOverlap(_allocated, min, max) is { } block ? (block.First, block.Last) : null;

    /// <summary>Takes a block back.</summary>
    /// <param name="first">Its first number.</param>
    /// <param name="size">How many numbers it has, as it was allocated.</param>
    /// <exception cref="InvalidOperationException">Not exactly this block is given out: freed twice, in part, or never allocated.</exception>
    public void Release(ulong first, ulong size)
    {
        if (!IsAllocated(first, size))
        {
            throw new InvalidOperationException($"0x{first:x} of size 0x{size:x} is not allocated: freed twice, in part, or never taken");
        }

        _allocated.RemoveAt(IndexBehind(_allocated, first) - 1);
        Insert(first, first + (size - 1));
    }

    private static bool TryFit(ulong low, ulong high, ulong size, ulong align, out ulong first)
    {
        var mask = align == 0 ? 0 : align - 1;
        first = low;
        if (low > high || low > ulong.MaxValue - mask)
        {
            return false;
        }

        first = (low + mask) & ~mask;
        return first <= high && size - 1 <= high - first;
    }

    private static Block? FindOverlap(List<Block> blocks, ulong first, ulong last)
    {
        foreach (var block in blocks)
        {
            if (block.First <= last && first <= block.Last)
            {
                return block;
            }
        }

        return null;
    }

    // The index of the first block that begins behind a number.
    private static int IndexBehind(List<Block> blocks, ulong number)
    {
        var index = 0;
        while (index < blocks.Count && blocks[index].First <= number)
        {
            index++;
        }

        return index;
    }

    private void Take(int index, ulong first, ulong last)
    {
        var (low, high) = (_free[index].First, _free[index].Last);
        _free.RemoveAt(index);
        if (last < high)
        {
            _free.Insert(index, new Block(last + 1, high));
        }

        if (first > low)
        {
            _free.Insert(index, new Block(low, first - 1));
        }

        _allocated.Insert(IndexBehind(_allocated, first), new Block(first, last));
    }

    private void Insert(ulong first, ulong last)
    {
        var index = IndexBehind(_free, last);
        if (index < _free.Count && last + 1 == _free[index].First)
        {
            last = _free[index].Last;
            _free.RemoveAt(index);
        }

        if (index > 0 && _free[index - 1].Last + 1 == first)
        {
            first = _free[index - 1].First;
            _free.RemoveAt(--index);
        }

        _free.Insert(index, new Block(first, last));
    }

    private sealed class Block(ulong first, ulong last)
    {
        public ulong First { get; } = first;

        public ulong Last { get; } = last;
    }
}
