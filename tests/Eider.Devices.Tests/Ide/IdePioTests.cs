using Eider.Testing.Ide;

namespace Eider.Devices.Tests.Ide;

public sealed class IdePioTests
{
    [Theory]
    [InlineData(0x20, 5, 1)]
    [InlineData(0x21, 0, 3)]
    [InlineData(0x24, 8000, 192)]
    [InlineData(0xC4, 5, 16)]
    [InlineData(0xC4, 7, 37)]
    [InlineData(0x29, 100, 1000)]
    public async Task Sectors_are_read_by_the_data_port(byte command, int lba, int count)
    {
        await using var bench = IdeDisks.Bench(IdeDisks.Numbered());
        var block = command is 0xC4 or 0x29 ? 16 * 512 : 512;
        if (command is 0x24 or 0x29)
        {
            bench.Send48(command, lba, count);
        }
        else
        {
            bench.Send28(command, lba, count);
        }

        Assert.Equal(IdeDriver.Busy, bench.InAlternate() & IdeDriver.Busy);
        var data = bench.ReadBlocks(block, count * 512);
        Assert.Equal(IdeDisks.Content(count, lba), data);
        Assert.Equal(0x50, bench.In(IdeDriver.Status));
    }

    [Theory]
    [InlineData(0x30, 5, 2)]
    [InlineData(0x31, 5, 1)]
    [InlineData(0x34, 300, 20)]
    [InlineData(0xC5, 16, 35)]
    [InlineData(0x39, 16, 32)]
    [InlineData(0xCE, 16, 17)]
    [InlineData(0x3C, 16, 3)]
    public async Task Sectors_are_written_by_the_data_port(byte command, int lba, int count)
    {
        var storage = IdeDisks.Numbered();
        await using var bench = IdeDisks.Bench(storage);
        var block = command is 0xC5 or 0x39 or 0xCE ? 16 * 512 : 512;
        var data = new byte[count * 512];
        new Random(lba).NextBytes(data);
        var expected = IdeDisks.Content(IdeDisks.Sectors);
        data.CopyTo(expected, lba * 512);
        if (command is 0x34 or 0x39 or 0xCE)
        {
            bench.Send48(command, lba, count);
        }
        else
        {
            bench.Send28(command, lba, count);
        }

        Assert.False(bench.IsInterrupting); // not before the first block
        Assert.Equal(data.Length, bench.WriteBlocks(block, data));
        Assert.True(bench.IsInterrupting);
        Assert.Equal(0x50, bench.In(IdeDriver.Status));
        Assert.Equal(expected, storage.Content);
    }

    [Fact]
    public async Task A_count_of_zero_is_256_sectors_and_with_48_bits_65536()
    {
        await using var bench = IdeDisks.Bench(IdeDisks.Numbered(65536));
        bench.Send28(0x20, 0, 0);
        Assert.Equal(256 * 512, bench.ReadBlocks(512, 1 << 30).Length);
        bench.Send48(0x24, 0, 0);
        Assert.Equal(65536 * 512, bench.ReadBlocks(512, 1 << 30).Length);
    }

    [Fact]
    public async Task The_interrupt_comes_before_each_block_that_is_read_and_not_after_the_last()
    {
        await using var bench = IdeDisks.Bench(IdeDisks.Numbered());
        bench.Send28(0x20, 5, 2);
        for (var sector = 0; sector < 2; sector++)
        {
            bench.Settle();
            Assert.True(bench.IsInterrupting);
            Assert.Equal(0x58, bench.In(IdeDriver.Status));
            Assert.False(bench.IsInterrupting);
            bench.InBlock(512);
        }

        bench.Settle();
        Assert.False(bench.IsInterrupting);
        Assert.Equal(0x50, bench.In(IdeDriver.Status));
        Assert.Equal(7, bench.In(IdeDriver.Low));
        Assert.Equal(0, bench.In(IdeDriver.Count));
    }

    [Fact]
    public async Task The_interrupt_comes_after_each_block_that_is_written()
    {
        await using var bench = IdeDisks.Bench(IdeDisks.Numbered());
        bench.Send28(0x30, 5, 2);
        Assert.Equal(0x58, bench.In(IdeDriver.Status));
        for (var sector = 0; sector < 2; sector++)
        {
            Assert.False(bench.IsInterrupting);
            bench.OutBlock(new byte[512]);
            Assert.Equal(IdeDriver.Busy, bench.InAlternate() & IdeDriver.Busy);
            Assert.False(bench.IsInterrupting);
            bench.Settle();
            Assert.True(bench.IsInterrupting);
            Assert.Equal(sector == 0 ? 0x58 : 0x50, bench.In(IdeDriver.Status));
        }
    }

    [Fact]
    public async Task Alternate_status_does_not_acknowledge_the_interrupt_and_a_command_does()
    {
        await using var bench = IdeDisks.Bench(IdeDisks.Numbered());
        bench.Send28(0xEC);
        bench.InAlternate();
        Assert.True(bench.IsInterrupting);
        bench.InBlock(512);
        bench.Out(IdeDriver.Command, 0x30);
        Assert.False(bench.IsInterrupting);
    }

    [Fact]
    public async Task The_data_port_moves_two_words_at_once_when_it_is_read_32_bits_wide()
    {
        await using var bench = IdeDisks.Bench(IdeDisks.Numbered());
        bench.Send28(0x20, 9, 1);
        bench.Settle();
        var expected = IdeDisks.Content(1, 9);
        for (var i = 0; i < 512; i += 4)
        {
            Assert.Equal(BitConverter.ToUInt32(expected, i), bench.InLong());
        }

        Assert.Equal(0x50, bench.In(IdeDriver.Status));
        Assert.Equal(0U, bench.InLong());
    }

    [Fact]
    public async Task The_data_port_without_DRQ_reads_zero_and_takes_nothing()
    {
        var storage = IdeDisks.Numbered();
        await using var bench = IdeDisks.Bench(storage);
        Assert.Equal(0, bench.InWord());
        bench.OutWord(0xFFFF);
        bench.Send28(0x20, 5, 1);
        Assert.Equal(0, bench.InWord()); // BSY
        bench.Settle();
        bench.OutWord(0xFFFF); // the wrong way
        Assert.Equal(IdeDisks.Content(1, 5), bench.InBlock(512));
        Assert.Equal(IdeDisks.Content(IdeDisks.Sectors), storage.Content);
    }

    [Fact]
    public async Task Sectors_are_addressed_by_cylinder_head_and_sector_in_the_translation_that_the_host_sets()
    {
        await using var bench = IdeDisks.Bench(IdeDisks.Numbered());
        bench.SendChs(0x20, 2, 3, 4, 1);
        Assert.Equal(IdeDisks.Content(1, (((2 * 16) + 3) * 63) + 3), bench.ReadBlocks(512, 512));
        bench.SendChs(0x91, 0, 4 - 1, 0, 17); // four heads, 17 sectors
        bench.SendChs(0x20, 100, 3, 17, 2);
        Assert.Equal(IdeDisks.Content(2, (((100 * 4) + 3) * 17) + 16), bench.ReadBlocks(512, 1024));
        Assert.Equal((2, 0, 101), (bench.In(IdeDriver.Low), bench.In(IdeDriver.Device) & 0xF, bench.In(IdeDriver.Mid)));
        bench.SendChs(0x20, 0, 4, 1, 1);
        Assert.Equal((0x41, 0x10), (bench.In(IdeDriver.Status), bench.In(IdeDriver.Error)));
        bench.SendChs(0x20, 0, 0, 0, 1);
        Assert.Equal((0x41, 0x10), (bench.In(IdeDriver.Status), bench.In(IdeDriver.Error)));
    }

    [Fact]
    public async Task A_command_that_leaves_the_disk_fails_with_IDNF_at_the_first_sector_that_is_not_there()
    {
        await using var bench = IdeDisks.Bench(IdeDisks.Numbered());
        bench.Send28(0x20, IdeDisks.Sectors - 1, 3);
        bench.Settle();
        Assert.True(bench.IsInterrupting);
        Assert.Equal((0x41, 0x10), (bench.In(IdeDriver.Status), bench.In(IdeDriver.Error)));
        Assert.Equal(IdeDisks.Sectors, bench.Address28);
        bench.Send48(0x34, 0xFFFF_FFFF_FFFF, 1);
        Assert.Equal((0x41, 0x10), (bench.In(IdeDriver.Status), bench.In(IdeDriver.Error)));
        Assert.Equal(0xFFFF_FFFF_FFFF, bench.Address48);
    }

    [Fact]
    public async Task Multiple_blocks_need_a_size_and_it_is_a_power_of_two_up_to_16()
    {
        await using var bench = IdeDisks.Bench(IdeDisks.Numbered());
        bench.Send28(0xC6, 0, 3);
        Assert.Equal((0x41, 0x04), (bench.In(IdeDriver.Status), bench.In(IdeDriver.Error)));
        bench.Send28(0xC6, 0, 32);
        Assert.Equal((0x41, 0x04), (bench.In(IdeDriver.Status), bench.In(IdeDriver.Error)));
        bench.Send28(0xC6, 0, 4);
        Assert.Equal(0x50, bench.In(IdeDriver.Status));
        bench.Send28(0xC4, 0, 6);
        Assert.Equal(IdeDisks.Content(6), bench.ReadBlocks(4 * 512, 6 * 512));
        bench.Send28(0xC6, 0, 0);
        bench.Send28(0xC4, 0, 1);
        Assert.Equal((0x41, 0x04), (bench.In(IdeDriver.Status), bench.In(IdeDriver.Error)));
        Assert.Equal(0, bench.Identify()[59]);
    }

    [Fact]
    public async Task A_sector_that_cannot_be_read_is_UNC_at_its_address_after_all_before_it()
    {
        var faulty = new Storage.Layers.FaultStorage(
            IdeDisks.Numbered(), [new Storage.Layers.FaultRule { Operation = Storage.BlockOperation.Read, OffsetBytes = 105 * 512 }]);
        await using var bench = IdeDisks.Bench(faulty);
        bench.Send28(0x20, 100, 20);
        Assert.Equal(IdeDisks.Content(5, 100), bench.ReadBlocks(512, 20 * 512));
        Assert.Equal((0x41, 0x40), (bench.In(IdeDriver.Status), bench.In(IdeDriver.Error)));
        Assert.Equal(105, bench.Address28);
        bench.Send48(0x29, 96, 32);
        Assert.Empty(bench.ReadBlocks(16 * 512, 32 * 512));
        Assert.Equal((0x41, 0x40), (bench.In(IdeDriver.Status), bench.In(IdeDriver.Error)));
        Assert.Equal(105, bench.Address48);
        bench.Send28(0x40, 90, 40);
        bench.Settle();
        Assert.Equal((0x41, 0x40), (bench.In(IdeDriver.Status), bench.In(IdeDriver.Error)));
        Assert.Equal(105, bench.Address28);
    }

    [Fact]
    public async Task A_sector_that_cannot_be_written_is_IDNF_at_its_address_and_a_failed_flush_is_a_device_fault()
    {
        var faulty = new Storage.Layers.FaultStorage(
            IdeDisks.Numbered(),
            [
                new Storage.Layers.FaultRule { Operation = Storage.BlockOperation.Write, OffsetBytes = 105 * 512 },
                new Storage.Layers.FaultRule { Operation = Storage.BlockOperation.Flush },
            ]);
        await using var bench = IdeDisks.Bench(faulty);
        bench.Send28(0xC5, 100, 16);
        bench.WriteBlocks(16 * 512, new byte[16 * 512]);
        Assert.Equal((0x41, 0x10), (bench.In(IdeDriver.Status), bench.In(IdeDriver.Error)));
        Assert.Equal(105, bench.Address28);
        bench.Send28(0xE7);
        bench.Settle();
        Assert.Equal((0x61, 0x04), (bench.In(IdeDriver.Status), bench.In(IdeDriver.Error)));
    }

    [Fact]
    public async Task A_read_only_disk_aborts_writes_and_keeps_its_content()
    {
        var storage = IdeDisks.Numbered();
        await using var bench = new IdeTestBench(IdeDisks.Disk(storage) with { ReadOnly = true });
        foreach (var command in new byte[] { 0x30, 0xC5, 0xCA, 0x06 })
        {
            bench.Send28(command, 0, 1, features: 1);
            Assert.Equal((0x41, 0x04), (bench.In(IdeDriver.Status), bench.In(IdeDriver.Error)));
        }

        Assert.Equal(IdeDisks.Content(IdeDisks.Sectors), storage.Content);
    }

    [Fact]
    public async Task A_write_is_durable_when_it_ends_with_the_cache_off_or_with_FUA_and_else_after_a_flush()
    {
        var storage = IdeDisks.Numbered();
        await using var bench = IdeDisks.Bench(storage);
        bench.Send28(0x30, 1, 1);
        bench.WriteBlocks(512, new byte[512]);
        bench.Send28(0xE7);
        bench.Settle();
        bench.Send48(0xCE, 2, 1);
        bench.WriteBlocks(512, new byte[512]);
        bench.Send28(0xEF, features: 0x82);
        bench.Settle();
        bench.Send28(0x30, 3, 1);
        bench.WriteBlocks(512, new byte[512]);
        Assert.Equal(["Write 1+1", "Flush", "Write 2+1", "Flush", "Flush", "Write 3+1", "Flush"], storage.Log!);
    }

    [Fact]
    public async Task The_data_port_costs_no_allocation()
    {
        var storage = IdeDisks.Numbered();
        storage.Log = null;
        await using var bench = IdeDisks.Bench(storage);
        long Round()
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            bench.Send28(0xC4, 0, 128);
            bench.Settle();
            for (var i = 0; i < 128 * 256; i++)
            {
                bench.InWord();
                if (i % (16 * 256) == (16 * 256) - 1)
                {
                    bench.Settle();
                }
            }

            return GC.GetAllocatedBytesForCurrentThread() - before;
        }

        Round();
        Assert.Equal(0, Round());
    }
}
