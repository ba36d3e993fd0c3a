using Eider.Devices.SimpleVirtio;
using Eider.Storage.Backends;
using Eider.Testing.SimpleVirtio;
using static Eider.Devices.Tests.SimpleVirtio.SvirtbDisks;

namespace Eider.Devices.Tests.SimpleVirtio;

/// <summary>KeOS's driver and its two grader cases, and disks and rings of every size.</summary>
public sealed class SvirtbDriverTests
{
    private const int KeosBytes = 1074;
    private const int KeosSectors = 3;

    [Fact]
    public async Task The_grader_cases_of_KeOS_pass_one_after_the_other_on_one_device()
    {
        var storage = Keos();
        var before = storage.Content.ToArray();
        await using var bench = new SvirtbBench(storage);
        CheckBlockIo(bench, before);
        Assert.Equal(before, storage.Content);
        CheckBatching(bench, before);
        Assert.Equal(before, storage.Content);
        CheckBlockIo(bench, before);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(511)]
    [InlineData(512)]
    [InlineData(513)]
    [InlineData(1024)]
    [InlineData(2047)]
    public async Task A_disk_of_any_size_is_probed_right(int size)
    {
        await using var bench = new SvirtbBench(new MemoryStorage(Pattern(size, 7)));
        var driver = SvirtbDriver.TryStart(bench)!;
        Assert.Equal(size, driver.TryProbeSize(4));
    }

    [Fact]
    public async Task A_partial_last_sector_fills_and_takes_only_its_bytes_and_nothing_grows()
    {
        var storage = Keos();
        var before = storage.Content.ToArray();
        await using var bench = new SvirtbBench(storage);
        var driver = SvirtbDriver.TryStart(bench)!;
        var sector = Pattern(512, 0xAB);
        Assert.True(driver.TryRead(2, sector));
        Assert.Equal(before[1024..], sector[..50]);
        Assert.Equal(Pattern(512, 0xAB)[50..], sector[50..]);

        Assert.True(driver.TryWrite(2, Pattern(512, 0x11)));
        Assert.Equal(KeosBytes, storage.Content.Length);
        Assert.Equal(Pattern(512, 0x11)[..50], storage.Content[1024..]);
        Assert.Equal(before[..1024], storage.Content[..1024]);
    }

    [Theory]
    [InlineData(3UL)]
    [InlineData(1000UL)]
    [InlineData((1UL << 54) - 1)]
    [InlineData(1UL << 54)] // an offset that no signed number holds
    [InlineData((1UL << 55) - 1)]
    public async Task Past_the_end_a_read_leaves_the_buffer_and_a_write_the_disk_and_both_succeed(ulong sector)
    {
        var storage = Keos();
        var before = storage.Content.ToArray();
        await using var bench = new SvirtbBench(storage);
        var driver = SvirtbDriver.TryStart(bench)!;
        var buffer = Pattern(512, 0xCD);
        Assert.True(driver.TryRead(sector, buffer));
        Assert.Equal(Pattern(512, 0xCD), buffer);
        Assert.True(driver.TryWrite(sector, buffer));
        Assert.Equal(before, storage.Content);
        Assert.Empty(storage.Log!);
    }

    // With a ring of two, each request has the head at the end of the ring every other time.
    [Theory]
    [InlineData(2u)]
    [InlineData(3u)]
    [InlineData(8u)]
    public async Task The_ring_wraps_at_its_size(uint queueSize)
    {
        var storage = Numbered(64);
        await using var bench = new SvirtbBench(storage);
        var driver = SvirtbDriver.TryStart(bench, queueSize)!;
        for (var sector = 0; sector < 64; sector++)
        {
            var data = new byte[512];
            Assert.True(driver.TryRead((ulong)sector, data));
            Assert.Equal(storage.Content[(sector * 512)..((sector + 1) * 512)], data);
            Assert.Equal((uint)(sector + 1) % queueSize, bench.Tail);
        }
    }

    [Fact]
    public async Task A_batch_fills_all_of_the_ring_but_one_entry_and_crosses_its_end()
    {
        var storage = Numbered(64);
        await using var bench = new SvirtbBench(storage);
        var driver = SvirtbDriver.TryStart(bench, 8)!;
        var sectors = new byte[7 * 512];
        for (var round = 0; round < 8; round++)
        {
            Assert.True(driver.TryReadMany((ulong)round * 7, sectors));
            Assert.Equal(storage.Content[(round * 7 * 512)..((round + 1) * 7 * 512)], sectors);
        }
    }

    [Fact]
    public async Task A_doorbell_at_the_tail_does_nothing()
    {
        var storage = Numbered(4);
        await using var bench = new SvirtbBench(storage);
        var driver = SvirtbDriver.TryStart(bench, 8)!;
        Assert.True(driver.TryRead(1, new byte[512]));
        storage.Log!.Clear();
        Assert.Null(bench.Begin(SvirtbRegister.QueueHead, bench.Tail));
        Assert.Empty(storage.Log);
        Assert.Equal((1u, 1u, SvirtbStatus.Ready), (bench.Head, bench.Tail, bench.Status));
    }

    [Fact]
    public async Task After_a_reset_the_ring_may_lie_elsewhere_and_begins_at_0()
    {
        var storage = Numbered(4);
        await using var bench = new SvirtbBench(storage);
        var driver = SvirtbDriver.TryStart(bench, 8)!;
        Assert.True(driver.TryReadMany(0, new byte[3 * 512]));
        driver.Finish();
        const ulong Elsewhere = SvirtbBench.Ring + 0x8000;
        bench.Start(4, Elsewhere);
        bench.Fill(0, 0, 0, 0, 9); // at the old place: not looked at
        bench.Ram.TryWriteUInt64(Elsewhere, Buffer(5));
        bench.Ram.TryWriteUInt64(Elsewhere + 8, 512);
        bench.Ram.TryWriteUInt64(Elsewhere + 16, 3);
        bench.Write(SvirtbRegister.QueueHead, 1);
        Assert.Equal(storage.Content[(3 * 512)..], bench.Memory(Buffer(5), 512));
        Assert.Equal((1u, SvirtbStatus.Ready), (bench.Tail, bench.Status));
    }

    // As upstream: as many entries as the ring has leave the head where it was, so nobody rings.
    [Fact]
    public async Task A_whole_ring_at_once_is_no_doorbell()
    {
        var storage = Numbered(64);
        await using var bench = new SvirtbBench(storage);
        var driver = SvirtbDriver.TryStart(bench, 8)!;
        Assert.True(driver.TryReadMany(0, new byte[8 * 512]));
        Assert.Empty(storage.Log!);
    }

    [Fact]
    public async Task A_driver_that_does_not_find_the_magic_resets_and_the_next_one_finds_it()
    {
        await using var bench = new SvirtbBench(Keos());
        bench.Write(SvirtbStatus.DriverOk);
        Assert.Null(SvirtbDriver.TryStart(bench));
        Assert.NotNull(SvirtbDriver.TryStart(bench));
    }

    [Fact]
    public async Task The_registers_are_read_as_memory_and_written_32_bits_at_a_time()
    {
        await using var bench = new SvirtbBench(Keos());
        bench.Write(SvirtbStatus.DriverOk);
        bench.Describe(0x0102_0304, 0x1122_3344_5566_7788);
        var all = new byte[8];
        bench.Device.Read(0, 8, all);
        Assert.Equal([0x44, 0x33, 0x22, 0x11, 0x88, 0x77, 0x66, 0x55], all);
        var part = new byte[3];
        bench.Device.Read(0, 5, part);
        Assert.Equal([3, 2, 1], part);
        bench.Device.Read(0, 0x16, all);
        Assert.Equal(new byte[8], all);
        bench.Device.Read(0, 0xFF8, all);
        Assert.Equal(new byte[8], all);

        foreach (var width in new[] { 1, 2, 8 })
        {
            bench.Device.Write(0, 0, new byte[] { 2, 0, 0, 0, 0, 0, 0, 0 }.AsSpan(0, width));
        }

        bench.Device.Write(0, 2, [2, 0, 0, 0]);
        Assert.Equal((SvirtbStatus.DriverOk, 0x0102_0304u), (bench.Status, bench.Read(SvirtbRegister.QueueSize)));
    }

    [Fact]
    public void A_stride_that_nobody_has_is_refused()
    {
        var error = Assert.Throws<ArgumentException>(() => new SvirtbBench(Keos(), disk => disk with { StrideBytes = 30 }));
        Assert.Equal("svirtb: stride is 30; expected 32 or 28", error.Message);
    }

    // check_blockio: all sectors one by one; one written, read back, the others unchanged; restored.
    private static void CheckBlockIo(SvirtbBench bench, byte[] disk)
    {
        var driver = SvirtbDriver.TryStart(bench)!;
        AssertSectors(driver, disk);
        var old = new byte[512];
        Assert.True(driver.TryRead(1, old));
        Assert.True(driver.TryWrite(1, Pattern(512, 77)));
        var changed = disk.ToArray();
        Pattern(512, 77).CopyTo(changed, 512);
        AssertSectors(driver, changed);
        Assert.True(driver.TryWrite(1, old));
        AssertSectors(driver, disk);
        driver.Finish();
    }

    // check_blockio_batching: the size by probing; all sectors in one batch each way; restored.
    private static void CheckBatching(SvirtbBench bench, byte[] disk)
    {
        var driver = SvirtbDriver.TryStart(bench)!;
        Assert.Equal(KeosBytes, driver.TryProbeSize(KeosSectors + 1));
        var old = new byte[KeosSectors * 512];
        Assert.True(driver.TryReadMany(0, old));
        Assert.Equal(disk, old[..KeosBytes]);
        Assert.True(driver.TryWriteMany(0, Pattern(KeosSectors * 512, 77)));
        var back = new byte[KeosSectors * 512];
        Assert.True(driver.TryReadMany(0, back));
        Assert.Equal(Pattern(KeosBytes, 77), back[..KeosBytes]);
        Assert.Equal(new byte[back.Length - KeosBytes], back[KeosBytes..]);
        Assert.True(driver.TryWriteMany(0, old));
        driver.Finish();
    }

    private static void AssertSectors(SvirtbDriver driver, byte[] disk)
    {
        for (var sector = 0; sector < KeosSectors; sector++)
        {
            var data = new byte[512];
            Assert.True(driver.TryRead((ulong)sector, data));
            var expected = new byte[512];
            disk.AsSpan(sector * 512, Math.Min(512, disk.Length - (sector * 512))).CopyTo(expected);
            Assert.Equal(expected, data);
        }
    }

    private static byte[] Pattern(int length, byte value)
    {
        var pattern = new byte[length];
        Array.Fill(pattern, value);
        return pattern;
    }
}
