using Eider.Hardware.Memory;

namespace Eider.Hardware.Tests.Memory;

public sealed class DirtyTrackingTests
{
    private const ulong Page = GuestRamRegion.PageBytes;

    [Fact]
    public void Each_way_to_write_makes_its_pages_dirty_once()
    {
        using var ram = new GuestRam((0x1_0000, 128 * Page));
        ram.StartDirtyTracking();
        Assert.Empty(Take(ram));

        Assert.True(ram.TryWrite(0x1_0FFF, [1, 2])); // pages 0 and 1
        Assert.True(ram.TryWriteUInt16Release(0x1_3000, 1)); // 3
        Assert.True(ram.TryLease(0x1_0000 + (100 * Page), 4096 * 3, GuestMemoryAccess.Write, out var lease));
        Assert.Equal([0, 1, 3], Take(ram));
        lease.Release(4097); // 100 and 101, but not 102
        Assert.Equal([100, 101], Take(ram));
        Assert.Empty(Take(ram));
    }

    [Fact]
    public void Reading_makes_nothing_dirty()
    {
        using var ram = new GuestRam((0, 4 * Page));
        ram.StartDirtyTracking();
        ram.TryRead(0, new byte[4 * Page]);
        ram.TryReadUInt16Acquire(0, out _);
        Assert.True(ram.TryLease(0, 16, GuestMemoryAccess.Read, out var lease));
        lease.Release(0);
        Assert.Empty(Take(ram));
    }

    [Fact]
    public void A_store_of_an_engine_on_its_slow_path_makes_the_page_dirty()
    {
        using var ram = new GuestRam((0, 4 * Page));
        ram.StartDirtyTracking();
        Assert.Equal(PageWatch.IsClean, ram.Regions[0].TakeFlags(2));
        Assert.Equal([2], Take(ram));
        Assert.Equal(PageWatch.IsClean, ram.Regions[0].GetFlags(2));
    }

    [Fact]
    public void Engines_hear_when_pages_become_watched()
    {
        using var ram = new GuestRam((0, 4 * Page));
        var raised = 0;
        ram.WriteProtectionRaised = () => raised++;
        ram.StartDirtyTracking();
        Assert.Equal(1, raised);
        Take(ram);
        Assert.Equal(1, raised); // nothing was dirty, so nothing became watched
        ram.TryWrite(0, [1]);
        Take(ram);
        Assert.Equal(2, raised);
    }

    [Fact]
    public void After_the_end_no_page_is_watched_for_it_and_code_pages_stay_watched()
    {
        using var ram = new GuestRam((0, 2 * Page));
        ram.Regions[0].SetFlags(1, PageWatch.HasCode);
        ram.StartDirtyTracking();
        ram.StopDirtyTracking();
        Assert.Equal(PageWatch.None, ram.Regions[0].GetFlags(0));
        Assert.Equal(PageWatch.HasCode, ram.Regions[0].GetFlags(1));
        Assert.Throws<InvalidOperationException>(() => Take(ram));
    }

    [Fact]
    public void A_device_that_writes_over_code_is_reported_with_the_page_once()
    {
        using var ram = new GuestRam((0x8000_0000, 4 * Page));
        var written = new List<ulong>();
        ram.CodePageWritten = written.Add;
        ram.Regions[0].SetFlags(1, PageWatch.HasCode);
        ram.Regions[0].SetFlags(2, PageWatch.HasCode);
        Assert.True(ram.TryWrite(0x8000_0FF0, new byte[0x2000]));
        Assert.Equal([0x8000_1000UL, 0x8000_2000UL], written);
        Assert.True(ram.TryWrite(0x8000_1000, [1]));
        Assert.Equal(2, written.Count);
    }

    [Fact]
    public void A_bitmap_too_short_is_refused()
    {
        using var ram = new GuestRam((0, 65 * Page));
        ram.StartDirtyTracking();
        Assert.Throws<ArgumentException>(() => ram.TakeDirtyPages(ram.Regions[0], new ulong[1]));
    }

    // A writer keeps counting in two pages while pages are taken and copied: what a copy misses must be dirty.
    [Fact]
    public void No_write_is_lost_between_taking_and_copying()
    {
        using var ram = new GuestRam((0, 2 * Page));
        ram.StartDirtyTracking();
        var stop = false;
        var writer = new Thread(() =>
        {
            for (ulong i = 1; !Volatile.Read(ref stop); i++)
            {
                ram.TryWriteUInt64(8 + (i % 2 * Page), i);
            }
        });
        writer.Start();
        var copy = new byte[2 * Page];
        for (var round = 0; round < 3000; round++)
        {
            CopyDirty();
        }

        Volatile.Write(ref stop, true);
        writer.Join();
        CopyDirty();
        var truth = new byte[2 * Page];
        ram.TryRead(0, truth);
        Assert.Equal(truth, copy);

        void CopyDirty()
        {
            foreach (var page in Take(ram))
            {
                ram.TryRead((ulong)page * Page, copy.AsSpan(page * (int)Page, (int)Page));
            }
        }
    }

    private static List<int> Take(GuestRam ram)
    {
        var region = ram.Regions[0];
        var bitmap = new ulong[(region.PageCount + 63) / 64];
        var count = ram.TakeDirtyPages(region, bitmap);
        var pages = Enumerable.Range(0, (int)region.PageCount).Where(page => (bitmap[page / 64] >> (page % 64) & 1) != 0).ToList();
        Assert.Equal((ulong)pages.Count, count);
        return pages;
    }
}
