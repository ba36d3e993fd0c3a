using System.Buffers.Binary;
using Eider.Testing.Ide;

namespace Eider.Devices.Tests.Ide;

public sealed class IdeDmaTests
{
    private const uint Table = (uint)IdeTestBench.RamBase;
    private const uint Memory = (uint)IdeTestBench.RamBase + 0x10_0000;

    [Theory]
    [InlineData(0xC8, 5, 1, true)]
    [InlineData(0xC9, 5, 2, false)]
    [InlineData(0x25, 100, 700, true)]
    [InlineData(0x25, 100, 700, false)]
    public async Task Sectors_are_read_by_the_bus_master_whichever_comes_first_command_or_start(byte command, int lba, int count, bool startLast)
    {
        await using var bench = IdeDisks.Bench(IdeDisks.Numbered());
        Prepare(bench, count * 512);
        if (!startLast)
        {
            bench.StartBusMaster(toMemory: true);
        }

        Send(bench, command, lba, count);
        if (startLast)
        {
            Assert.Equal(0x58, bench.InAlternate());
            Assert.Equal(0x60, bench.InBusMaster(2));
            Assert.False(bench.IsInterrupting);
            bench.StartBusMaster(toMemory: true);
        }

        Assert.Equal(IdeDriver.Busy, bench.InAlternate() & IdeDriver.Busy);
        Assert.Equal(0x61, bench.InBusMaster(2));
        bench.Settle();
        Assert.True(bench.IsInterrupting);
        Assert.Equal((0x64, 0x09), (bench.InBusMaster(2), bench.InBusMaster(0)));
        Assert.Equal(0x50, bench.In(IdeDriver.Status));
        Assert.False(bench.IsInterrupting);
        Assert.Equal(IdeDisks.Content(count, lba), Read(bench, count * 512));
        bench.StopBusMaster();
        bench.OutBusMaster(2, 0x66);
        Assert.Equal(0x60, bench.InBusMaster(2));
    }

    // The pointer counts when START is set; what is given up before the bus master has begun does not use it up.
    [Fact]
    public async Task A_table_that_a_reset_took_the_transfer_of_is_walked_from_its_start_by_the_next()
    {
        const uint Second = Memory + 0x1_0000;
        var storage = IdeDisks.Numbered();
        await using var bench = IdeDisks.Bench(storage);
        bench.WriteMemory(Memory, Enumerable.Repeat((byte)0x11, 2048).ToArray());
        bench.WriteMemory(Second, Enumerable.Repeat((byte)0x22, 2048).ToArray());
        bench.PrepareTable(Table, (Memory, 2048));
        bench.StartBusMaster(toMemory: false);
        bench.Send28(0xCA, 10, 1);
        bench.Settle();
        bench.StopBusMaster();
        bench.PrepareTable(Table + 64, (Second, 2048));
        bench.StartBusMaster(toMemory: false);
        bench.Send28(0xCA, 20, 1); // its bytes are wanted, and not fetched yet
        bench.OutControl(4);
        bench.OutControl(0);
        bench.Settle();
        bench.OutTable(Table); // for the next start
        bench.Send28(0xCA, 30, 1);
        bench.Settle();
        bench.Send28(0x20, 30, 1);
        Assert.Equal(Enumerable.Repeat((byte)0x22, 512), bench.ReadBlocks(512, 512));
        bench.Send28(0x20, 20, 1);
        Assert.Equal(IdeDisks.Content(1, 20), bench.ReadBlocks(512, 512));
    }

    [Theory]
    [InlineData(0xCA, 5, 1)]
    [InlineData(0xCB, 5, 2)]
    [InlineData(0x35, 100, 700)]
    [InlineData(0x3D, 100, 3)]
    public async Task Sectors_are_written_by_the_bus_master(byte command, int lba, int count)
    {
        var storage = IdeDisks.Numbered();
        await using var bench = IdeDisks.Bench(storage);
        var data = new byte[count * 512];
        new Random(1).NextBytes(data);
        bench.WriteMemory(Memory, data);
        Prepare(bench, data.Length);
        Send(bench, command, lba, count);
        bench.StartBusMaster(toMemory: false);
        bench.Settle();
        Assert.Equal((0x64, 0x50), (bench.InBusMaster(2), bench.In(IdeDriver.Status)));
        var expected = IdeDisks.Content(IdeDisks.Sectors);
        data.CopyTo(expected, lba * 512);
        Assert.Equal(expected, storage.Content);
        Assert.Equal(command == 0x3D, storage.Log!.Contains("Flush"));
    }

    [Fact]
    public async Task Regions_may_be_of_any_even_size_and_a_sector_may_lie_in_many()
    {
        await using var bench = IdeDisks.Bench(IdeDisks.Numbered());
        var regions = new List<(uint, int)>();
        var left = 8 * 512;
        for (var at = Memory; left > 0; at += 1000)
        {
            var size = Math.Min(left, (int)(at % 97) * 2);
            if (size > 0)
            {
                regions.Add((at, size));
                left -= size;
            }
        }

        bench.PrepareTable(Table, [.. regions]);
        Send(bench, 0xC8, 40, 8);
        bench.StartBusMaster(toMemory: true);
        bench.Settle();
        Assert.Equal(0x04, bench.InBusMaster(2));
        var read = new List<byte>();
        foreach (var (address, size) in regions)
        {
            var piece = new byte[size];
            bench.ReadMemory(address, piece);
            read.AddRange(piece);
        }

        Assert.Equal(IdeDisks.Content(8, 40), read);
    }

    [Theory]
    [InlineData(1023, 0x00, 0x50)] // the engine ends first: neither ACTIVE nor INTERRUPT (SFF-8038i)
    [InlineData(1024, 0x04, 0x50)]
    [InlineData(1026, 0x05, 0x50)] // the device ends first: ACTIVE stays until START is cleared
    public async Task The_status_tells_whether_the_table_fits_the_transfer(int bytes, byte busMaster, byte status)
    {
        await using var bench = IdeDisks.Bench(IdeDisks.Numbered());
        bench.PrepareTable(Table, (Memory, bytes));
        Send(bench, 0xC8, 0, 2);
        bench.StartBusMaster(toMemory: true);
        bench.Settle();
        Assert.Equal((busMaster, status), (bench.InBusMaster(2), bench.InAlternate()));
        Assert.Equal((busMaster & 4) != 0, bench.IsInterrupting);
        bench.StopBusMaster();
        Assert.Equal(busMaster & 4, bench.InBusMaster(2));
    }

    [Fact]
    public async Task A_write_with_a_short_table_writes_the_whole_sectors_that_came()
    {
        var storage = IdeDisks.Numbered();
        await using var bench = IdeDisks.Bench(storage);
        bench.PrepareTable(Table, (Memory, 1500));
        Send(bench, 0xCA, 8, 4);
        bench.StartBusMaster(toMemory: false);
        bench.Settle();
        Assert.Equal((0x00, 0x50), (bench.InBusMaster(2), bench.InAlternate()));
        Assert.Equal(["Write 8+2"], storage.Log!);
    }

    [Theory]
    [InlineData(0x1000_0000U, 512)] // a region that is no memory
    [InlineData(0x80FF_FF00U, 512)] // one that leaves it
    public async Task A_region_outside_of_memory_is_the_error_bit_and_the_device_aborts(uint region, int bytes)
    {
        await using var bench = IdeDisks.Bench(IdeDisks.Numbered());
        bench.PrepareTable(Table, (region, bytes));
        Send(bench, 0xC8, 0, 1);
        bench.StartBusMaster(toMemory: true);
        bench.Settle();
        Assert.Equal((0x06, 0x41), (bench.InBusMaster(2), bench.InAlternate()));
        Assert.Equal(0x04, bench.In(IdeDriver.Error));
        Assert.True(bench.IsInterrupting);
    }

    [Theory]
    [InlineData(0x0000_1000U)]
    [InlineData(0x8100_0000U)]
    [InlineData(0x8000_FFFCU)] // its first descriptor crosses 64 KiB
    public async Task A_table_that_cannot_be_read_is_the_error_bit(uint table)
    {
        await using var bench = IdeDisks.Bench(IdeDisks.Numbered());
        bench.OutTable(table);
        Send(bench, 0xC8, 0, 1);
        bench.StartBusMaster(toMemory: true);
        bench.Settle();
        Assert.Equal((0x06, 0x41), (bench.InBusMaster(2), bench.InAlternate()));
    }

    [Fact]
    public async Task A_table_without_an_end_stops_at_the_boundary_of_64_KiB()
    {
        await using var bench = IdeDisks.Bench(new SparseStorage(1 << 20));
        var table = new byte[0x2_0000];
        for (var i = 0; i < table.Length; i += 8)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(table.AsSpan(i), Memory);
            BinaryPrimitives.WriteUInt32LittleEndian(table.AsSpan(i + 4), 2);
        }

        bench.WriteMemory(Table, table);
        bench.OutTable(Table);
        bench.Send48(0x25, 0, 0);
        bench.StartBusMaster(toMemory: true);
        bench.Settle();
        Assert.Equal((0x06, 0x41), (bench.InBusMaster(2), bench.InAlternate()));
    }

    [Fact]
    public async Task A_bad_sector_ends_the_transfer_at_its_address_after_the_good_ones()
    {
        var faulty = new Storage.Layers.FaultStorage(
            IdeDisks.Numbered(), [new Storage.Layers.FaultRule { Operation = Storage.BlockOperation.Read, OffsetBytes = 105 * 512 }]);
        await using var bench = IdeDisks.Bench(faulty);
        Prepare(bench, 32 * 512);
        Send(bench, 0x25, 100, 32);
        bench.StartBusMaster(toMemory: true);
        bench.Settle();
        Assert.True(bench.IsInterrupting);
        Assert.Equal(0x65, bench.InBusMaster(2));
        Assert.Equal((0x41, 0x40), (bench.In(IdeDriver.Status), bench.In(IdeDriver.Error)));
        Assert.Equal(105, bench.Address48);
        Assert.Equal(IdeDisks.Content(5, 100), Read(bench, 5 * 512));
    }

    [Fact]
    public async Task Status_bits_are_kept_cleared_by_ones_or_written_as_the_standard_says()
    {
        await using var bench = IdeDisks.Bench(IdeDisks.Numbered());
        for (var value = 0; value < 256; value++)
        {
            bench.OutBusMaster(2, (byte)value);
            Assert.Equal(value & 0x60, bench.InBusMaster(2));
            bench.OutBusMaster(0, (byte)value);
            Assert.Equal(value & 0x09, bench.InBusMaster(0));
            bench.OutBusMaster(0, 0);
        }

        bench.OutTable(0x1234_5677);
        Assert.Equal((0x74, 0x56, 0x34, 0x12), (bench.InBusMaster(4), bench.InBusMaster(5), bench.InBusMaster(6), bench.InBusMaster(7)));
        Assert.Equal((0, 0), (bench.InBusMaster(1), bench.InBusMaster(3)));
    }

    [Fact]
    public async Task Trim_drops_the_ranges_and_nothing_if_one_is_bad()
    {
        var storage = IdeDisks.Numbered();
        await using var bench = IdeDisks.Bench(storage);
        Assert.Equal((0x04, 0x50), Trim(bench, (0, 2), (6, 8), (100, 0)));
        Assert.Equal(["Discard 0+2", "Discard 6+8"], storage.Log!);
        storage.Log!.Clear();
        Assert.Equal((0x04, 0x41), Trim(bench, (10, 1), (IdeDisks.Sectors - 1, 2)));
        Assert.Equal(0x04, bench.In(IdeDriver.Error));
        Assert.Equal((0x04, 0x41), Trim(bench, (0xFFFF_FFFF_FFFF, 1)));
        Assert.Empty(storage.Log!);
    }

    [Fact]
    public async Task Logs_are_read_by_the_bus_master_too()
    {
        await using var bench = IdeDisks.Bench(IdeDisks.Numbered());
        Prepare(bench, 512);
        bench.Send48(0x47, 0x30 | (1 << 8), 1);
        bench.StartBusMaster(toMemory: true);
        bench.Settle();
        Assert.Equal((0x64, 0x50), (bench.InBusMaster(2), bench.In(IdeDriver.Status)));
        bench.Send28(0xEC);
        Assert.Equal(bench.ReadBlocks(512, 512), Read(bench, 512));
    }

    // 100,000 tables of every kind: each ends, with status bits that say how.
    [Trait("Category", "Slow")]
    [Fact]
    public async Task Whatever_the_table_is_the_engine_stops_and_its_status_is_right()
    {
        var sizes = new[] { 0, 1, 2, 3, 510, 511, 512, 513, 1024, 4096, 65534, 65535 };
        var random = new Random(7);
        await using var bench = new IdeTestBench(IdeDisks.Disk(new SparseStorage(1 << 20)));
        bench.IsEager = true;
        for (var round = 0; round < 100_000; round++)
        {
            var sectors = 1 << random.Next(9);
            var (expected, table, regions) = (0, Table + (uint)(random.Next(64) * 4), new List<(uint, int)>());
            var left = sectors * 512;
            var count = random.Next(1, 5);
            for (var i = 0; i < count; i++)
            {
                var size = sizes[random.Next(sizes.Length)];
                var isBad = random.Next(50) == 0;
                regions.Add((isBad ? 0x4000_0000U : Memory + (uint)random.Next(0x1000), size));
                if (left > 0 && expected == 0)
                {
                    var bytes = (size & 0xFFFE) == 0 ? 65536 : size & 0xFFFE;
                    expected = isBad ? 0x06 : 0;
                    left -= bytes;
                }
            }

            // 0: short; 4: equal; 5: long, also when whole regions are left over.
            var used = 0;
            for (var i = 0; i < count && used < sectors * 512; i++)
            {
                used += (regions[i].Item2 & 0xFFFE) == 0 ? 65536 : regions[i].Item2 & 0xFFFE;
                if (used >= sectors * 512)
                {
                    expected = expected == 0 ? (used == sectors * 512 && i == count - 1 ? 0x04 : 0x05) : expected;
                }
            }

            bench.PrepareTable(table, [.. regions]);
            bench.Send28(0xC8, 0, sectors);
            bench.StartBusMaster(toMemory: true);
            Assert.Equal((round, expected), (round, bench.InBusMaster(2)));
            Assert.Equal(expected == 0x06 ? 0x41 : 0x50, bench.In(IdeDriver.Status));
            bench.StopBusMaster();
            bench.OutBusMaster(2, 0x06);
            Assert.Equal(0, bench.InBusMaster(2));
        }
    }

    [Fact]
    public async Task A_transfer_by_the_bus_master_costs_no_allocation()
    {
        var storage = IdeDisks.Numbered();
        storage.Log = null;
        await using var bench = IdeDisks.Bench(storage);
        Prepare(bench, 8 * 512);
        long Round()
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            bench.Send48(0x25, 0, 8);
            bench.StartBusMaster(toMemory: true);
            bench.Settle();
            bench.StopBusMaster();
            return GC.GetAllocatedBytesForCurrentThread() - before;
        }

        Round();
        Assert.Equal(0, Round());
    }

    private static (byte BusMaster, byte Status) Trim(IdeTestBench bench, params (long Lba, int Count)[] ranges)
    {
        var list = new byte[512];
        for (var i = 0; i < ranges.Length; i++)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(list.AsSpan(i * 8), (ulong)ranges[i].Lba | ((ulong)ranges[i].Count << 48));
        }

        bench.WriteMemory(Memory, list);
        bench.PrepareTable(Table, (Memory, 512));
        bench.OutBusMaster(2, 0x06);
        bench.Send48(0x06, 0, 1, features: 1);
        bench.StartBusMaster(toMemory: false);
        bench.Settle();
        bench.StopBusMaster();
        return (bench.InBusMaster(2), bench.In(IdeDriver.Status));
    }

    private static void Send(IdeTestBench bench, byte command, long lba, int count)
    {
        if (command is 0x25 or 0x35 or 0x3D)
        {
            bench.Send48(command, lba, count);
        }
        else
        {
            bench.Send28(command, lba, count);
        }
    }

    // Regions of 64 KiB and less, and the drives marked as able.
    private static void Prepare(IdeTestBench bench, int bytes)
    {
        var regions = new List<(uint, int)>();
        for (var at = 0; at < bytes; at += 0x1_0000)
        {
            regions.Add((Memory + (uint)at, Math.Min(0x1_0000, bytes - at)));
        }

        bench.PrepareTable(Table, [.. regions]);
        bench.OutBusMaster(2, 0x66);
    }

    private static byte[] Read(IdeTestBench bench, int bytes)
    {
        var data = new byte[bytes];
        bench.ReadMemory(Memory, data);
        return data;
    }
}
