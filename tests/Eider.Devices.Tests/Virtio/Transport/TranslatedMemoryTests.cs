using Eider.Devices.Virtio.Transport;
using Eider.Hardware.Memory;
using Eider.Testing.Virtio;

namespace Eider.Devices.Tests.Virtio.Transport;

/// <summary>Guest memory behind a translation of pages that lie in any order, some of them nowhere, some for reading only.</summary>
public sealed class TranslatedMemoryTests : IDisposable
{
    private const ulong Ram = 0x8000_0000, Page = 0x1000, RamBytes = 64 * Page;
    private const ulong Virtual = 0x10_0000;

    private readonly GuestRam _ram = new((Ram, RamBytes));
    private readonly PageTable _pages = new();
    private readonly TranslatedGuestMemory _memory;

    public TranslatedMemoryTests()
    {
        _memory = new TranslatedGuestMemory(_ram, _pages);
        // Two that are neighbours and lie apart, one for reading only, one that is no RAM; then nothing.
        _pages.Map(Virtual, Ram + (5 * Page));
        _pages.Map(Virtual + Page, Ram + (2 * Page));
        _pages.Map(Virtual + (2 * Page), Ram + (9 * Page), isReadOnly: true);
        _pages.Map(Virtual + (3 * Page), 0x1000);
    }

    public void Dispose() => _ram.Dispose();

    [Fact]
    public void A_write_over_a_page_edge_reaches_both_pages_and_is_read_back()
    {
        Assert.True(_memory.TryWrite(Virtual + Page - 2, "abcd"u8));
        Assert.Equal("ab"u8, Read(_ram, Ram + (6 * Page) - 2, 2));
        Assert.Equal("cd"u8, Read(_ram, Ram + (2 * Page), 2));
        Assert.Equal("\0"u8, Read(_ram, Ram + (6 * Page), 1)); // not the neighbour in RAM
        Assert.Equal("abcd"u8, Read(_memory, Virtual + Page - 2, 4));
    }

    [Theory]
    [InlineData(0UL, 1UL, true)]
    [InlineData(0UL, 2 * Page, true)]
    [InlineData(0UL, 3 * Page, true)]
    [InlineData(0UL, (3 * Page) + 1, false)] // a page that is no RAM
    [InlineData(3 * Page, 1UL, false)]
    [InlineData(4 * Page, 1UL, false)] // no page
    [InlineData(4 * Page, 0UL, true)]
    [InlineData(ulong.MaxValue, 1UL, false)]
    public void A_range_is_RAM_if_every_page_of_it_is(ulong offset, ulong length, bool expected) =>
        Assert.Equal(expected, _memory.Contains(unchecked(Virtual + offset), length));

    [Fact]
    public void Nothing_moves_if_any_page_of_a_range_is_missing_or_not_for_writing()
    {
        var bytes = new byte[(int)Page + 2];
        Assert.False(_memory.TryRead(Virtual + (2 * Page), bytes));
        Assert.Equal(new byte[bytes.Length], bytes);
        Assert.False(_memory.TryWrite(Virtual + (3 * Page) - 1, "xy"u8));
        Assert.False(_memory.TryWrite(Virtual + (2 * Page), "x"u8));
        Assert.True(_memory.TryRead(Virtual + (2 * Page), new byte[1]));
        Assert.Equal(new byte[(int)RamBytes], Read(_ram, Ram, (int)RamBytes));
    }

    [Fact]
    public void A_range_that_wraps_around_is_no_RAM()
    {
        _pages.Map(unchecked(0 - Page), Ram);
        _pages.Map(0, Ram + Page);
        Assert.True(_memory.Contains(unchecked(0 - Page), Page));
        Assert.False(_memory.Contains(ulong.MaxValue, 2));
        Assert.False(_memory.TryRead(ulong.MaxValue, new byte[2]));
        Assert.False(_memory.TryWrite(ulong.MaxValue, new byte[2]));
        Assert.True(_memory.TryWrite(ulong.MaxValue, new byte[1]));
    }

    [Fact]
    public void Ring_fields_are_translated_for_what_is_done_with_them()
    {
        Assert.True(_memory.TryWriteUInt16Release(Virtual, 0x1234));
        Assert.True(_memory.TryReadUInt16Acquire(Virtual, out var value));
        Assert.Equal(0x1234, value);
        Assert.Equal(new byte[] { 0x34, 0x12 }, Read(_ram, Ram + (5 * Page), 2));
        Assert.True(_memory.TryReadUInt16Acquire(Virtual + (2 * Page), out _));
        Assert.False(_memory.TryWriteUInt16Release(Virtual + (2 * Page), 1));
        Assert.False(_memory.TryReadUInt16Acquire(Virtual + (4 * Page), out value));
        Assert.False(_memory.TryReadUInt16Acquire(Virtual + Page - 1, out value)); // over an edge
        Assert.False(_memory.TryWriteUInt16Release(Virtual + Page - 1, 1));
        Assert.Equal(0, value);
    }

    [Fact]
    public void A_lease_is_a_piece_of_one_page()
    {
        Assert.True(_memory.TryLease(Virtual + Page - 2, 4, GuestMemoryAccess.Write, out var lease));
        Assert.Equal(2, lease.Memory.Length);
        lease.Memory.Span.Fill(7);
        lease.Release(2);
        Assert.Equal(new byte[] { 7, 7 }, Read(_ram, Ram + (6 * Page) - 2, 2));
        Assert.False(_memory.TryLease(Virtual, 0, GuestMemoryAccess.Read, out _));
        Assert.False(_memory.TryLease(Virtual + (2 * Page), 1, GuestMemoryAccess.Write, out _));
        Assert.True(_memory.TryLease(Virtual + (2 * Page), 1, GuestMemoryAccess.Read, out var read));
        read.Release(0);
        Assert.False(_memory.TryLease(Virtual + (3 * Page), 1, GuestMemoryAccess.Read, out _));
        Assert.False(_memory.TryLease(Virtual + (4 * Page), 1, GuestMemoryAccess.Read, out _));
    }

    [Theory]
    [MemberData(nameof(FeatureSets.Layouts), MemberType = typeof(FeatureSets))]
    public void A_buffer_of_many_pages_is_lent_with_a_few_translations_for_each(ulong features)
    {
        const int Pages = 1024;
        var pages = new PageTable();
        for (var i = 0UL; i < QueueBench.RamBytes / Page; i++)
        {
            pages.Map(QueueBench.RamBase + (i * Page), QueueBench.RamBase + (i * Page)); // the rings
        }

        for (var i = 0UL; i < Pages; i++)
        {
            pages.Map(i * Page, QueueBench.Buffers);
        }

        using var bench = new QueueBench(features, 8, ram => new TranslatedGuestMemory(ram, pages));
        bench.Ring.Add([new(0, Pages * (uint)Page, true)]);
        var chain = bench.Take();
        pages.Translations = 0;
        Assert.True(chain.TryLeaseWritable(0, Pages * Page, out var pieces));
        Assert.Equal(Pages, pieces.Count);
        Assert.InRange(pages.Translations, Pages, 2 * Pages);
    }

    [Fact]
    public void A_translation_that_says_nothing_lies_together_is_no_RAM()
    {
        _pages.Contiguous = 0;
        Assert.False(_memory.Contains(Virtual, 1));
        Assert.False(_memory.TryLease(Virtual, 1, GuestMemoryAccess.Read, out _));
        _pages.Contiguous = 1; // single bytes: walked, but not without end
        Assert.True(_memory.Contains(Virtual, 2 * Page));
        for (var i = 0UL; i < 32; i++)
        {
            _pages.Map(Virtual + (i * Page), Ram);
        }

        _pages.Translations = 0;
        Assert.True(_memory.Contains(Virtual, 16 * Page)); // 65,536 pieces
        Assert.False(_memory.Contains(Virtual, (16 * Page) + 1));
        Assert.InRange(_pages.Translations, 1 << 16, (2 << 16) + 1);
    }

    private static byte[] Read(GuestMemory memory, ulong address, int length)
    {
        var bytes = new byte[length];
        Assert.True(memory.TryRead(address, bytes));
        return bytes;
    }

    private sealed class PageTable : IDmaTranslation
    {
        private readonly Dictionary<ulong, (ulong Physical, bool IsReadOnly)> _pages = [];

        public int Translations { get; set; }

        public ulong Contiguous { get; set; } = Page;

        public void Map(ulong address, ulong physical, bool isReadOnly = false) => _pages[address / Page] = (physical, isReadOnly);

        public bool TryTranslate(ulong address, GuestMemoryAccess access, out ulong physicalAddress, out ulong contiguousBytes)
        {
            Translations++;
            (physicalAddress, contiguousBytes) = (0, 0);
            if (!_pages.TryGetValue(address / Page, out var page) || (page.IsReadOnly && access == GuestMemoryAccess.Write))
            {
                return false;
            }

            physicalAddress = page.Physical + (address % Page);
            contiguousBytes = Math.Min(Contiguous, Page - (address % Page));
            return true;
        }
    }
}
