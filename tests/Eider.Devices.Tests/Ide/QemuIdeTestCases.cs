using System.Buffers.Binary;
using System.Text;
using Eider.Devices.Ide;
using Eider.Devices.Tests.Virtio.Block;
using Eider.Testing.Ide;

namespace Eider.Devices.Tests.Ide;

/// <summary>What QEMU's own ide-test holds its device to, on ours: cases by their names there.</summary>
public sealed class QemuIdeTestCases
{
    private const uint Table = (uint)IdeTestBench.RamBase;
    private const uint Memory = (uint)IdeTestBench.RamBase + 0x10_0000;
    private const int LimitBytes = 5120;

    [Fact]
    public async Task Ide_identify()
    {
        await using var bench = new IdeTestBench(IdeDisks.Disk(IdeDisks.Numbered()) with { Serial = "testdisk", Firmware = "version" });
        bench.Out(IdeDriver.Device, 0);
        bench.Out(IdeDriver.Command, 0xEC);
        var words = new byte[512];
        for (var i = 0; i < 256; i++)
        {
            Assert.Equal(0x48, bench.In(IdeDriver.Status) & 0xE9);
            BinaryPrimitives.WriteUInt16BigEndian(words.AsSpan(i * 2), bench.InWord());
        }

        Assert.Equal(0x40, bench.In(IdeDriver.Status) & 0xE9);
        Assert.Equal("testdisk            ", Encoding.ASCII.GetString(words, 20, 20));
        Assert.Equal("version ", Encoding.ASCII.GetString(words, 46, 8));
        Assert.Equal(0x20, words[(85 * 2) + 1] & 0x20); // write cache
    }

    [Fact]
    public async Task Ide_diagnostic()
    {
        await using var bench = new IdeTestBench(IdeDisks.Disk(IdeDisks.Numbered()), IdeDisks.Disk(IdeDisks.Numbered()));
        bench.Out(IdeDriver.Device, 0x10);
        Assert.Equal(0x10, bench.In(IdeDriver.Device) & 0x10);
        bench.Out(IdeDriver.Command, 0x90);
        Assert.Equal(0, bench.In(IdeDriver.Device) & 0x10);
    }

    [Fact]
    public async Task Ide_bmdma_simple_rw()
    {
        await using var bench = IdeDisks.Bench(IdeDisks.Numbered());
        bench.IsEager = true;
        foreach (var (sector, pattern) in new[] { (0, (byte)0x55), (1, (byte)0xAA) })
        {
            bench.WriteMemory(Memory, Enumerable.Repeat(pattern, 512).ToArray());
            Assert.Equal(4, Request(bench, 0xCA, sector, 1, (Memory, 512)));
        }

        foreach (var (sector, pattern) in new[] { (0, (byte)0x55), (1, (byte)0xAA) })
        {
            Assert.Equal(4, Request(bench, 0xC8, sector, 1, (Memory, 512)));
            var data = new byte[512];
            bench.ReadMemory(Memory, data);
            Assert.Equal(Enumerable.Repeat(pattern, 512), data);
        }
    }

    // Sectors 1, 2, 4 to 256 by regions of 0, 256, 512 to 65280 bytes; each also stopped at once.
    [Fact]
    public async Task Ide_bmdma_various_prdts()
    {
        await using var bench = IdeDisks.Bench(IdeDisks.Numbered());
        bench.IsEager = true;
        for (var sectors = 1; sectors <= 256; sectors *= 2)
        {
            for (var size = 0; size < 65536; size += 256)
            {
                var (request, region) = (sectors * 512, size == 0 ? 65536 : size);
                var (expected, stopped) = region < request ? (0, 0) : region == request ? (4, 4) : (5, 4);
                Assert.Equal((sectors, size, expected), (sectors, size, Request(bench, 0xC8, 0, sectors, (Memory, size))));
                Assert.Equal((sectors, size, stopped), (sectors, size, Request(bench, 0xC8, 0, sectors, (Memory, size), stop: true)));
            }
        }
    }

    [Fact]
    public async Task Ide_bmdma_trim()
    {
        await using var bench = IdeDisks.Bench(IdeDisks.Numbered());
        bench.IsEager = true;
        foreach (var (first, second, isBad) in new[] { ((0L, 2), (6L, 8), false), ((10L, 1), (IdeDisks.Sectors - 1L, 2), true) })
        {
            var list = new byte[512];
            BinaryPrimitives.WriteUInt64LittleEndian(list, (ulong)first.Item1 | ((ulong)first.Item2 << 48));
            BinaryPrimitives.WriteUInt64LittleEndian(list.AsSpan(8), (ulong)second.Item1 | ((ulong)second.Item2 << 48));
            bench.WriteMemory(Memory, list);
            bench.Out(IdeDriver.Features, 1);
            Assert.Equal(4, Request(bench, 0x06, 0, 1, (Memory, 512)) & 6);
            Assert.Equal((isBad ? 1 : 0, isBad ? 4 : 0), (bench.In(IdeDriver.Status) & 0x21, bench.In(IdeDriver.Error)));
        }
    }

    // There a function that is no bus master reads zeroes; here it reads nothing, which is the error bit (IdeAttachmentTests).
    [Fact]
    public async Task Ide_bmdma_no_busmaster_leaves_memory_alone_and_ends()
    {
        await using var bench = new IdeTestBench(IdeDisks.Disk(IdeDisks.Numbered()), wrap: _ => new Eider.Hardware.Memory.GuestRam((0, 4096)));
        bench.IsEager = true;
        Assert.Equal(6, Request(bench, 0xC8, 0, 512 % 256, (0, 0)));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Ide_flush(bool fails)
    {
        var storage = IdeDisks.Numbered();
        storage.Holds = true;
        var failures = fails ? 1 : 0;
        storage.Failure = _ => failures-- > 0 ? new IOException("blkdebug") : null;
        await using var bench = IdeDisks.Bench(storage);
        bench.Send28(0xE7);
        bench.Settle();
        Assert.Equal(0xC0, bench.In(IdeDriver.Status) & 0xE9);
        storage.ReleaseAll();
        bench.Settle();
        Assert.Equal(0, bench.In(IdeDriver.Device) & 0x10);
        Assert.Equal(fails ? 0x61 : 0x40, bench.In(IdeDriver.Status) & 0xE9);
    }

    [Fact]
    public async Task Ide_flush_nodev_and_empty_drive()
    {
        await using var nobody = new IdeTestBench(null);
        nobody.Send28(0xE7);
        nobody.Settle();
        await using var empty = new IdeTestBench(new IdeCdrom());
        empty.Send28(0xE7);
        empty.Settle();
        Assert.Equal((0x41, 0x04), (empty.In(IdeDriver.Status), empty.In(IdeDriver.Error)));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(LimitBytes * 4 / 2048)]
    public async Task Ide_cdrom_pio_and_pio_large(int blocks)
    {
        var pattern = IdeDisks.Content(64);
        await using var bench = new IdeTestBench(new IdeCdrom { Medium = new ScriptedStorage(pattern) });
        bench.SendPacket([0x28, 0, 0, 0, 0, 0, 0, 0, (byte)blocks], LimitBytes);
        var read = new List<byte>();
        while (read.Count < blocks * 2048)
        {
            bench.Settle();
            Assert.True(bench.IsInterrupting);
            Assert.Equal(0x48, bench.In(IdeDriver.Status) & 0xE9);
            read.AddRange(bench.InBlock(Math.Min(LimitBytes, (blocks * 2048) - read.Count)));
        }

        bench.Settle();
        Assert.True(bench.IsInterrupting);
        Assert.Equal(0x40, bench.In(IdeDriver.Status) & 0xE9);
        Assert.Equal(pattern[..(blocks * 2048)], read);
    }

    [Fact]
    public async Task Ide_cdrom_dma()
    {
        var pattern = IdeDisks.Content(64);
        await using var bench = new IdeTestBench(new IdeCdrom { Medium = new ScriptedStorage(pattern) });
        bench.PrepareTable(Table, (Memory, 2048));
        bench.SendPacket([0x28, 0, 0, 0, 0, 0, 0, 0, 1], features: 1);
        bench.StartBusMaster(toMemory: true);
        bench.Settle();
        var read = new byte[2048];
        bench.ReadMemory(Memory, read);
        Assert.Equal(pattern[..2048], read);
    }

    // As send_dma_request there: the bus master's status, with the line and Status checked against it.
    private static int Request(IdeTestBench bench, byte command, int sector, int sectors, (uint Address, int Bytes) region, bool stop = false)
    {
        bench.Out(IdeDriver.Device, 0x40);
        bench.StopBusMaster();
        bench.OutBusMaster(2, 0x06);
        if (region.Address != 0)
        {
            bench.PrepareTable(Table, region);
        }

        bench.Out(IdeDriver.Count, sectors);
        bench.Out(IdeDriver.Low, sector);
        bench.Out(IdeDriver.Mid, 0);
        bench.Out(IdeDriver.High, 0);
        bench.Out(IdeDriver.Command, command);
        bench.StartBusMaster(toMemory: command == 0xC8);
        if (stop)
        {
            bench.StopBusMaster();
        }

        var status = bench.InBusMaster(2);
        Assert.NotEqual(1, status & 5);
        Assert.Equal((status & 4) != 0, bench.IsInterrupting);
        Assert.Equal(0x40, bench.In(IdeDriver.Status) & 0xC8);
        Assert.False(bench.IsInterrupting);
        bench.StopBusMaster();
        return status;
    }
}
