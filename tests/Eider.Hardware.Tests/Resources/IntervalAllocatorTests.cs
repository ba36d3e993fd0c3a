using Eider.Hardware.Resources;

namespace Eider.Hardware.Tests.Resources;

public sealed class IntervalAllocatorTests
{
    private readonly IntervalAllocator _pool = new();

    [Fact]
    public void The_lowest_place_that_fits_is_taken()
    {
        Assert.Null(Take(1));
        _pool.Add(0x200, 0x2FF);
        _pool.Add(0x100, 0x100);
        Assert.Equal(0x200UL, Take(2));
        Assert.Equal(0x100UL, Take(1));
        Assert.Equal(0x202UL, Take(1));
        Assert.Equal([(0x100UL, 0x100UL), (0x200UL, 0x201UL), (0x202UL, 0x202UL)], _pool.Allocated);
    }

    // Upstream's allocate_free case.
    [Fact]
    public void What_is_given_back_joins_its_neighbours()
    {
        _pool.Add(0x100, 0x100);
        _pool.Add(0x200, 0x2FF);
        Assert.Equal(0x100UL, Take(1));
        Assert.Null(Take(1, 0, 0x100, 0x100));
        Assert.Equal(0x208UL, Take(0x10, 8, 0x201, 0x300));
        _pool.Release(0x208, 0x10);
        Assert.Equal(0x208UL, Take(0x10, 8, 0x201, 0x300));
        Assert.Null(Take(0x100, 8, 0x201, 0x300));
        Assert.Null(Take(0x100, 8, 0x200, 0x2FF));
        _pool.Release(0x208, 0x10);
        Assert.Equal(0x200UL, Take(0x100, 8, 0x200, 0x2FF));
    }

    // Upstream's superset case: a block cut out of the middle leaves both ends free.
    [Fact]
    public void A_block_from_the_middle_leaves_both_ends()
    {
        _pool.Add(0x200, 0x2FF);
        Assert.Equal(0x218UL, Take(8, 8, 0x211, 0x21F));
        Assert.Equal([(0x200UL, 0x217UL), (0x220UL, 0x2FFUL)], _pool.Free);
        Assert.True(_pool.IsAllocated(0x218, 8));
        Assert.False(_pool.IsAllocated(0x218, 7));
        Assert.False(_pool.IsAllocated(0x219, 7));
    }

    [Theory] // 2 to 6, upstream's align_to case
    [InlineData(0, 2)]
    [InlineData(1, 2)]
    [InlineData(2, 2)]
    [InlineData(4, 4)]
    [InlineData(8, -1)]
    [InlineData(3, -1)] // no power of two
    public void A_block_is_aligned_or_there_is_none(ulong align, int expected)
    {
        _pool.Add(2, 6);
        Assert.Equal(expected < 0 ? null : (ulong?)expected, Take(1, align));
    }

    [Fact]
    public void Alignment_does_not_wrap_around_at_the_end()
    {
        _pool.Add(ulong.MaxValue - 2, ulong.MaxValue);
        Assert.Null(Take(1, 4));
        Assert.Equal(ulong.MaxValue - 1, Take(2, 2));
        _pool.Release(ulong.MaxValue - 1, 2);
        Assert.Equal([(ulong.MaxValue - 2, ulong.MaxValue)], _pool.Free);
    }

    [Fact]
    public void The_whole_space_is_a_range_like_any_other()
    {
        _pool.Add(0, ulong.MaxValue);
        Assert.Equal(0UL, Take(ulong.MaxValue));
        Assert.Equal(ulong.MaxValue, Take(1));
        Assert.Empty(_pool.Free);
        _pool.Release(ulong.MaxValue, 1);
        _pool.Release(0, ulong.MaxValue);
        Assert.Equal([(0UL, ulong.MaxValue)], _pool.Free);
    }

    [Theory]
    [InlineData(0, 1, 0, 100)] // nothing
    [InlineData(1, 1, 50, 49)] // a range upside down
    [InlineData(12, 1, 10, 20)] // larger than the range
    [InlineData(1, 6, 0, 100)] // an alignment that is none
    public void Conditions_that_nothing_meets_are_answered_not_thrown(ulong size, ulong align, ulong min, ulong max)
    {
        _pool.Add(0, 100);
        Assert.Null(Take(size, align, min, max));
        Assert.Empty(_pool.Allocated);
    }

    [Theory]
    [InlineData(0x100, 0x200)] // the same
    [InlineData(0x200, 0x2FF)] // over the end
    [InlineData(0x000, 0x100)] // over the start
    [InlineData(0x120, 0x130)] // inside
    public void Numbers_enter_the_pool_once(ulong first, ulong last)
    {
        _pool.Add(0x100, 0x200);
        Assert.Throws<ArgumentException>(() => _pool.Add(first, last));
        Assert.Equal(0x100UL, Take(0x101));
        Assert.Throws<ArgumentException>(() => _pool.Add(first, last));
        Assert.Throws<ArgumentException>(() => _pool.Add(2, 1));
    }

    [Fact]
    public void Freeing_twice_in_part_or_what_was_never_taken_is_a_clear_error()
    {
        _pool.Add(0, 99);
        Assert.Equal(0UL, Take(10));
        foreach (var (first, size) in new (ulong, ulong)[] { (0, 9), (0, 11), (1, 9), (50, 1), (200, 1), (0, 0) })
        {
            Assert.Throws<InvalidOperationException>(() => _pool.Release(first, size));
        }

        _pool.Release(0, 10);
        Assert.Throws<InvalidOperationException>(() => _pool.Release(0, 10));
        Assert.Equal([(0UL, 99UL)], _pool.Free);
    }

    // Against the plainest model: one flag a number.
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void It_agrees_with_a_row_of_flags(int seed)
    {
        var random = new Random(seed);
        var free = new bool[200];
        _pool.Add(10, 89);
        _pool.Add(100, 189);
        Array.Fill(free, true, 10, 80);
        Array.Fill(free, true, 100, 90);
        var held = new List<(int First, int Size)>();
        for (var step = 0; step < 5000; step++)
        {
            if (held.Count > 0 && random.Next(2) == 0)
            {
                var (first, count) = held[random.Next(held.Count)];
                held.Remove((first, count));
                _pool.Release((ulong)first, (ulong)count);
                Array.Fill(free, true, first, count);
                continue;
            }

            int size = random.Next(1, 20), align = 1 << random.Next(5), min = random.Next(200), max = random.Next(200);
            var expected = Enumerable.Range(0, 200).Where(first => first % align == 0 && first >= min && first + size - 1 <= max
                && first + size <= 200 && free.AsSpan(first, size).IndexOf(false) < 0).Cast<int?>().FirstOrDefault();
            Assert.Equal((ulong?)expected, Take((ulong)size, (ulong)align, (ulong)min, (ulong)max));
            if (expected is { } taken)
            {
                held.Add((taken, size));
                Array.Fill(free, false, taken, size);
            }
        }
    }

    private ulong? Take(ulong size, ulong align = 1, ulong min = 0, ulong max = ulong.MaxValue) =>
        _pool.TryAllocate(size, align, min, max, out var first) ? first : null;
}
