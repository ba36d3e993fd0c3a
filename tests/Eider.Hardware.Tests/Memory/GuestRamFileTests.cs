using Eider.Hardware.Memory;

namespace Eider.Hardware.Tests.Memory;

/// <summary>Parts of files as guest memory.</summary>
public sealed class GuestRamFileTests : IDisposable
{
    private const ulong Base = 0x8000;

    private readonly string _path = Path.GetTempFileName();

    public GuestRamFileTests() => File.WriteAllBytes(_path, [.. Enumerable.Range(0, 5 * 4096).Select(i => (byte)(i / 4096))]);

    public void Dispose() => File.Delete(_path);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void What_is_in_the_file_is_in_memory_and_the_way_back_is_for_shared_ones(bool isShared)
    {
        using (var ram = new GuestRam([(0x8000_0000, 4096)], [Part(isShared, isReadOnly: false)]))
        {
            Assert.Equal([0x8000_0000UL, Base], ram.Regions.Select(region => region.Base));
            Assert.Equal([1, 2], Read(ram, Base + 4095, 2));
            Assert.True(ram.TryWrite(Base + 4095, [7, 8]));
            Assert.True(ram.TryLease(Base, 4, GuestMemoryAccess.Write, out var lease));
            lease.Memory.Span.Fill(9);
            lease.Release(4);
            Assert.Equal([9, 9, 9, 9, 1], Read(ram, Base, 5));
            Assert.Equal([7, 8], Read(ram, Base + 4095, 2));
            Assert.False(ram.Contains(Base + 8191, 2));
        }

        var file = File.ReadAllBytes(_path);
        byte[] expected = isShared ? [9, 7, 8, 2] : [1, 1, 2, 2];
        Assert.Equal(expected, new[] { file[4096], file[8191], file[8192], file[8193] });
        Assert.Equal([0, 3], new[] { file[4095], file[12288] });
    }

    [Fact]
    public void A_read_only_one_is_written_by_nobody()
    {
        using var ram = new GuestRam([(0x9000 + 0x1000, 4096)], [Part(isShared: false, isReadOnly: true)]);
        Assert.False(ram.TryWrite(Base, [1]));
        Assert.False(ram.TryWriteUInt16Release(Base, 1));
        Assert.False(ram.TryLease(Base, 1, GuestMemoryAccess.Write, out _));
        Assert.False(ram.TryWrite(Base + 8191, [5, 5])); // its last byte, and the first of a region that could be written
        Assert.Equal([2, 0], Read(ram, Base + 8191, 2));
        Assert.True(ram.TryLease(Base, 1, GuestMemoryAccess.Read, out var lease));
        Assert.Equal(1, lease.Memory.Span[0]);
        lease.Release(0);
        Assert.True(ram.Regions[1].IsReadOnly);
    }

    [Fact]
    public void What_overlaps_or_is_no_whole_page_is_refused_and_the_file_is_closed()
    {
        var parts = new[]
        {
            Part(isShared: false, isReadOnly: false) with { Base = 0x8000_0000 },
            Part(isShared: false, isReadOnly: false) with { SizeBytes = 100 },
            Part(isShared: false, isReadOnly: false) with { Base = 0x8100 },
        };
        Assert.All(parts, part =>
        {
            Assert.Throws<ArgumentException>(() => new GuestRam([(0x8000_0000, 4096)], [part]));
            Assert.False(part.File.CanRead);
        });
    }

    private static byte[] Read(GuestRam ram, ulong address, int length)
    {
        var bytes = new byte[length];
        return ram.TryRead(address, bytes) ? bytes : throw new InvalidOperationException("not RAM");
    }

    private GuestRamFile Part(bool isShared, bool isReadOnly) => new(
        Base, 8192, new FileStream(_path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite), 4096, isShared, isReadOnly);
}
