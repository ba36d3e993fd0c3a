using System.Runtime.Versioning;
using Eider.Hardware.Memory;

namespace Eider.Hardware.Tests.Memory;

/// <summary>Guest memory in the best way that this host offers.</summary>
public class GuestRamTests
{
    private const ulong Page = GuestRamRegion.PageBytes;

    // A region as low as possible, a hole, a region behind it that another one touches.
    private GuestRam MakeRam() => Make((0x1000, 2 * Page), (0x1_0000, Page), (0x1_1000, Page));

    private GuestRam Make(params (ulong Base, ulong SizeBytes)[] regions) => new(Map, regions);

    private protected virtual HostMapping Map(ulong sizeBytes) => HostMapping.Create(sizeBytes);

    [Fact]
    public void Fresh_memory_reads_zeroes()
    {
        using var ram = MakeRam();
        var bytes = Enumerable.Repeat((byte)0xAA, (int)(2 * Page)).ToArray();
        Assert.True(ram.TryRead(0x1000, bytes));
        Assert.All(bytes, value => Assert.Equal(0, value));
    }

    // Every address near an edge, with every short length, against a plain model of which bytes are RAM.
    [Fact]
    public void A_range_is_RAM_exactly_if_each_of_its_bytes_is()
    {
        using var ram = MakeRam();
        ulong[] edges = [0, 0x1000, 0x3000, 0x1_0000, 0x1_1000, 0x1_2000, ulong.MaxValue - 2];
        foreach (var edge in edges)
        {
            for (var distance = -5; distance <= 5; distance++)
            {
                var address = unchecked(edge + (ulong)distance);
                for (var length = 0; length <= 9; length++)
                {
                    var expected = Enumerable.Range(0, length).All(i => IsRam((UInt128)address + (UInt128)i));
                    Assert.Equal(expected, ram.Contains(address, (ulong)length));
                    Assert.Equal(expected, ram.TryRead(address, new byte[length]));
                    Assert.Equal(expected, ram.TryWrite(address, new byte[length]));
                    var leased = ram.TryLease(address, (uint)length, GuestMemoryAccess.Read, out var lease);
                    Assert.Equal(expected && length > 0, leased);
                    if (leased)
                    {
                        lease.Release(0);
                    }
                }
            }
        }

        static bool IsRam(UInt128 address) =>
            (address >= 0x1000 && address < 0x3000) || (address >= 0x1_0000 && address < 0x1_2000);
    }

    [Theory]
    [InlineData(0x1000, ulong.MaxValue)]
    [InlineData(0x2FFF, 0x8000_0000_0000_0000)]
    [InlineData(ulong.MaxValue, 2)]
    [InlineData(ulong.MaxValue, ulong.MaxValue)]
    public void A_length_that_wraps_around_is_no_RAM(ulong address, ulong length)
    {
        using var ram = MakeRam();
        Assert.False(ram.Contains(address, length));
    }

    [Fact]
    public void A_write_that_leaves_RAM_moves_nothing()
    {
        using var ram = MakeRam();
        Assert.False(ram.TryWrite(0x2FFE, [1, 2, 3, 4]));
        var bytes = new byte[2];
        Assert.True(ram.TryRead(0x2FFE, bytes));
        Assert.Equal([0, 0], bytes);
    }

    [Fact]
    public void A_copy_goes_on_from_one_region_into_the_one_that_touches_it()
    {
        using var ram = MakeRam();
        Assert.True(ram.TryWrite(0x1_0FFE, [1, 2, 3, 4]));
        Assert.True(ram.TryReadUInt32(0x1_0FFE, out var value));
        Assert.Equal(0x0403_0201u, value);
    }

    [Fact]
    public void Fields_are_little_endian()
    {
        using var ram = MakeRam();
        Assert.True(ram.TryWrite(0x1000, [1, 2, 3, 4, 5, 6, 7, 8]));
        Assert.True(ram.TryReadUInt16Acquire(0x1000, out var half));
        Assert.True(ram.TryReadUInt64(0x1000, out var whole));
        Assert.Equal(0x0201, half);
        Assert.Equal(0x0807_0605_0403_0201u, whole);

        Assert.True(ram.TryWriteUInt16Release(0x1010, 0x1234));
        Assert.True(ram.TryWriteUInt32(0x1012, 0x5678_9ABC));
        Assert.True(ram.TryWriteUInt64(0x1016, 0x1122_3344_5566_7788));
        var bytes = new byte[14];
        Assert.True(ram.TryRead(0x1010, bytes));
        Assert.Equal([0x34, 0x12, 0xBC, 0x9A, 0x78, 0x56, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11], bytes);
    }

    [Theory]
    [InlineData(0x1001)] // odd
    [InlineData(0x2FFF)] // odd, and the last byte
    [InlineData(0x3000)] // behind the end
    public void A_ring_field_is_aligned_RAM(ulong address)
    {
        using var ram = MakeRam();
        Assert.False(ram.TryReadUInt16Acquire(address, out _));
        Assert.False(ram.TryWriteUInt16Release(address, 1));
    }

    [Fact]
    public void A_lease_is_the_same_memory_not_a_copy()
    {
        using var ram = MakeRam();
        Assert.True(ram.TryLease(0x1ffc, 8, GuestMemoryAccess.Write, out var lease));
        Assert.Equal(8, lease.Memory.Length);
        lease.Memory.Span[7] = 0x77;
        lease.Release(8);
        var last = new byte[1];
        Assert.True(ram.TryRead(0x2003, last));
        Assert.Equal(0x77, last[0]);
    }

    [Fact]
    public void A_lease_is_the_longest_prefix_and_the_rest_can_be_leased_after_it()
    {
        using var ram = MakeRam();
        Assert.True(ram.TryLease(0x1_0FF0, 0x20, GuestMemoryAccess.Read, out var first));
        Assert.Equal(0x10, first.Memory.Length);
        Assert.True(ram.TryLease(0x1_1000, 0x10, GuestMemoryAccess.Read, out var second));
        Assert.Equal(0x10, second.Memory.Length);
        first.Release(0);
        second.Release(0);
    }

    [Fact]
    public void Memory_on_lease_outlives_disposal_and_nothing_else_does()
    {
        var ram = MakeRam();
        Assert.True(ram.TryLease(0x1000, 4, GuestMemoryAccess.Write, out var lease));
        ram.Dispose();
        ram.Dispose();
        Assert.False(ram.TryRead(0x1000, new byte[1]));
        Assert.False(ram.TryLease(0x1000, 4, GuestMemoryAccess.Read, out _));
        Assert.Equal(1, ram.Regions[0].OutstandingLeases);
        lease.Memory.Span.Fill(1);
        lease.Release(4);
        Assert.Equal(0, ram.Regions[0].OutstandingLeases);
        Assert.Throws<ObjectDisposedException>(() => lease.Memory.Span[0]);
    }

    [Fact]
    public void A_lease_too_many_is_an_error_and_not_a_second_unmapping()
    {
        var ram = Make((0, Page));
        Assert.True(ram.TryLease(0, 1, GuestMemoryAccess.Read, out var lease));
        lease.Release(0);
        ram.Dispose();
        Assert.Throws<InvalidOperationException>(() => lease.Release(0));
    }

    // Leases are taken on two threads while a third disposes: who gets one must be able to use it.
    [Fact]
    public void Whoever_gets_a_lease_while_the_memory_is_disposed_of_may_use_it()
    {
        for (var round = 0; round < 40; round++)
        {
            var ram = Make((0, Page));
            using var start = new Barrier(3);
            var takers = Enumerable.Range(0, 2).Select(_ => new Thread(() =>
            {
                start.SignalAndWait(TestContext.Current.CancellationToken);
                while (ram.TryLease(0, 8, GuestMemoryAccess.Write, out var lease))
                {
                    lease.Memory.Span.Fill(1);
                    lease.Release(8);
                }
            })).ToArray();
            foreach (var taker in takers)
            {
                taker.Start();
            }

            start.SignalAndWait(TestContext.Current.CancellationToken);
            ram.Dispose();
            foreach (var taker in takers)
            {
                taker.Join();
            }

            Assert.Equal(0, ram.Regions[0].OutstandingLeases);
        }
    }

    [Fact]
    public void Untouched_memory_costs_nothing()
    {
        var managedBefore = GC.GetAllocatedBytesForCurrentThread();
        var residentBefore = Environment.WorkingSet;
        using var ram = Make((0x8000_0000, 8UL << 30));
        Assert.True(ram.TryWrite(0x8000_0000 + (8UL << 30) - 8, new byte[8]));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - managedBefore, 0, 16 << 10);
        // Other tests run at the same time: far less than the 8 GiB is what matters.
        Assert.InRange(Environment.WorkingSet - residentBefore, long.MinValue, 1L << 30);
    }

    [Fact]
    public void A_region_of_more_than_4_GiB_is_reached_to_its_end()
    {
        using var ram = Make((0, 5UL << 30));
        var address = (5UL << 30) - 2;
        Assert.True(ram.TryWrite(address, [1, 2]));
        Assert.True(ram.TryLease(address, 2, GuestMemoryAccess.Read, out var lease));
        Assert.Equal([1, 2], lease.Memory.ToArray());
        lease.Release(0);
        Assert.True(ram.TryLease((1UL << 30) - 4, 8, GuestMemoryAccess.Read, out lease));
        Assert.InRange(lease.Memory.Length, 1, 8);
        lease.Release(0);
    }

    [Theory]
    [InlineData(0x1000, 0)]
    [InlineData(0x1001, 0x1000)]
    [InlineData(0x1000, 0x1001)]
    [InlineData(0xFFFF_FFFF_FFFF_F000, 0x2000)]
    public void A_region_that_is_none_is_refused(ulong start, ulong size) =>
        Assert.Throws<ArgumentException>(() => new GuestRam((start, size)));

    [Fact]
    public void Overlapping_regions_are_refused() =>
        Assert.Throws<ArgumentException>(() => new GuestRam((0, 0x2000), (0x1000, 0x1000)));

    [Fact]
    [SupportedOSPlatform("linux")]
    public void On_Linux_the_file_behind_a_region_shows_the_same_bytes_and_cannot_be_cut_off()
    {
        Assert.True(OperatingSystem.IsLinux(), "this test is about memfd");
        using var ram = new GuestRam((0x1000, 2 * Page));
        var file = ram.Regions[0].SharedHandle;
        Assert.NotNull(file);
        Assert.True(ram.TryWrite(0x2004, [9, 8, 7]));
        var bytes = new byte[3];
        Assert.Equal(3, RandomAccess.Read(file, bytes, 0x1004));
        Assert.Equal([9, 8, 7], bytes);
        RandomAccess.Write(file, [5], 0x1004);
        Assert.True(ram.TryRead(0x2004, bytes));
        Assert.Equal([5, 8, 7], bytes);
        Assert.ThrowsAny<Exception>(() => RandomAccess.SetLength(file, 0));
    }

    [Fact]
    public void Memory_access_allocates_nothing()
    {
        using var ram = MakeRam();
        var bytes = new byte[64];
        Touch();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
        {
            Touch();
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Touch()
        {
            ram.TryRead(0x1010, bytes);
            ram.TryWrite(0x1_0FF0, bytes);
            ram.TryReadUInt16Acquire(0x1010, out _);
            ram.TryWriteUInt16Release(0x1010, 7);
            ram.TryReadUInt64(0x1010, out _);
            if (ram.TryLease(0x1010, 64, GuestMemoryAccess.Write, out var lease))
            {
                lease.Release(64);
            }
        }
    }
}
