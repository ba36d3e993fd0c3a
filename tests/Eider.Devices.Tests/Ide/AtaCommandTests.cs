using System.Text;
using Eider.Testing.Ide;

namespace Eider.Devices.Tests.Ide;

public sealed class AtaCommandTests
{
    [Fact]
    public async Task Identify_data_are_those_of_an_ATA_7_disk_with_LBA48()
    {
        await using var bench = new IdeTestBench(IdeDisks.Disk(IdeDisks.Numbered()) with { WorldWideName = 0x5000_1234_5678_9ABC });
        var words = bench.Identify();
        var expected = new (int Word, int Value)[]
        {
            (0, 0x0040), (1, 8), (3, 16), (6, 63), (47, 0x8010), (49, 0x0B00), (51, 0x0200), (52, 0x0200),
            (53, 7), (54, 8), (55, 16), (56, 63), (57, 8064), (58, 0), (59, 0x0110), (60, 8192),
            (61, 0), (62, 7), (63, 7), (64, 3), (65, 120), (66, 120), (67, 120), (68, 120),
            (69, 0x4000), (80, 0x00F0), (81, 0x0016), (82, 0x7469), (83, 0x7400), (84, 0x4163), (85, 0x7469), (86, 0x3400),
            (87, 0x4163), (88, 0x203F), (93, 0x6001), (100, 8192), (105, 255), (106, 0x6000), (108, 0x5000), (109, 0x1234),
            (110, 0x5678), (111, 0x9ABC), (169, 1), (217, 1),
        }.ToDictionary(entry => entry.Word, entry => entry.Value);
        for (var word = 0; word < 256; word++)
        {
            if (word is not ((>= 10 and <= 19) or (>= 23 and <= 46)))
            {
                Assert.Equal((word, expected.GetValueOrDefault(word)), (word, words[word]));
            }
        }

        Assert.Equal(("SER-1", "1.0", "MODEL-1"), (Text(words, 10, 10), Text(words, 23, 4), Text(words, 27, 20)));
    }

    [Fact]
    public async Task Large_disks_and_large_physical_blocks_show_in_identify_data()
    {
        var storage = new SparseStorage((1L << 28) + 5, new Storage.BlockGeometry { PhysicalBlockBytes = 4096 });
        await using var bench = IdeDisks.Bench(storage);
        var words = bench.Identify();
        Assert.Equal((0xFFFF, 0x0FFF), (words[60], words[61]));
        Assert.Equal((5, 0x1000, 0, 0), (words[100], words[101], words[102], words[103]));
        Assert.Equal((16383, 0x6003, 0, 0), (words[1], words[106], words[169], words[105]));
        bench.Send48(0x24, (1L << 28) + 4, 1);
        Assert.Equal(512, bench.ReadBlocks(512, 512).Length);
        bench.Send28(0xF8);
        Assert.Equal(0x0FFF_FFFE, bench.Address28);
        bench.Send48(0x27);
        Assert.Equal((1L << 28) + 4, bench.Address48);
    }

    [Theory]
    [InlineData(0x0C, 0x0007, 0x003F)] // PIO 4
    [InlineData(0x00, 0x0007, 0x003F)]
    [InlineData(0x12, 0x0007, 0x003F)]
    [InlineData(0x20, 0x0107, 0x003F)]
    [InlineData(0x22, 0x0407, 0x003F)]
    [InlineData(0x40, 0x0007, 0x013F)]
    [InlineData(0x45, 0x0007, 0x203F)]
    public async Task A_transfer_mode_shows_in_words_63_and_88(byte mode, int word63, int word88)
    {
        await using var bench = IdeDisks.Bench(IdeDisks.Numbered());
        bench.Send28(0xEF, features: 0x03, count: mode);
        Assert.Equal(0x50, bench.In(IdeDriver.Status));
        var words = bench.Identify();
        Assert.Equal((7, word63, word88), (words[62], words[63], words[88]));
    }

    [Theory]
    [InlineData(0x03, 0x02)]
    [InlineData(0x03, 0x0D)]
    [InlineData(0x03, 0x23)]
    [InlineData(0x03, 0x46)]
    [InlineData(0x03, 0x80)]
    [InlineData(0x5D, 0x00)]
    public async Task Features_that_the_disk_does_not_have_are_aborted(byte feature, byte count)
    {
        await using var bench = IdeDisks.Bench(IdeDisks.Numbered());
        bench.Send28(0xEF, features: feature, count: count);
        Assert.Equal((0x41, 0x04), (bench.In(IdeDriver.Status), bench.In(IdeDriver.Error)));
        Assert.Equal(0x203F, bench.Identify()[88]);
    }

    [Theory]
    [InlineData(0x02, 0x82, 5)]
    [InlineData(0xAA, 0x55, 6)]
    public async Task Caches_are_switched_and_word_85_tells(byte on, byte off, int bit)
    {
        await using var bench = IdeDisks.Bench(IdeDisks.Numbered());
        foreach (var (feature, expected) in new[] { (off, 0), (on, 1) })
        {
            bench.Send28(0xEF, features: feature);
            bench.Settle();
            Assert.Equal(expected, (bench.Identify()[85] >> bit) & 1);
        }
    }

    [Fact]
    public async Task SRST_reverts_settings_unless_the_host_said_to_keep_them()
    {
        await using var bench = IdeDisks.Bench(IdeDisks.Numbered());
        foreach (var (feature, expected) in new[] { (0x66, 0x0104), (0xCC, 0x0110) })
        {
            bench.Send28(0xEF, features: (byte)feature);
            bench.Send28(0xC6, count: 4);
            bench.OutControl(4);
            bench.OutControl(0);
            Assert.Equal(expected, bench.Identify()[59]);
        }
    }

    [Fact]
    public async Task Power_modes_are_kept_until_the_disk_is_used_and_standby_flushes()
    {
        var storage = IdeDisks.Numbered();
        await using var bench = IdeDisks.Bench(storage);
        foreach (var (command, check, expected) in new[] { (0xE0, 0xE5, 0x00), (0xE1, 0xE5, 0x80), (0x94, 0x98, 0x00), (0x97, 0x98, 0x80), (0xE6, 0xE5, 0x00) })
        {
            bench.Send28((byte)command);
            bench.Settle();
            Assert.Equal(0x50, bench.In(IdeDriver.Status));
            bench.Send28((byte)check);
            Assert.Equal(expected, bench.In(IdeDriver.Count));
        }

        Assert.Equal(["Flush", "Flush", "Flush"], storage.Log!);
        bench.Send28(0x40, 0, 1);
        bench.Settle();
        bench.Send28(0xE5);
        Assert.Equal(0xFF, bench.In(IdeDriver.Count));
    }

    [Fact]
    public async Task Verify_reads_all_sectors_and_moves_none_to_the_host()
    {
        var storage = IdeDisks.Numbered();
        await using var bench = IdeDisks.Bench(storage);
        bench.Send48(0x42, 100, 600);
        Assert.Equal(IdeDriver.Busy, bench.InAlternate() & IdeDriver.Busy);
        bench.Settle();
        Assert.True(bench.IsInterrupting);
        Assert.Equal(0x50, bench.In(IdeDriver.Status));
        Assert.Equal(["Read 100+256", "Read 356+256", "Read 612+88"], storage.Log!);
    }

    [Fact]
    public async Task The_sector_buffer_gives_back_what_was_put_into_it()
    {
        await using var bench = IdeDisks.Bench(IdeDisks.Numbered());
        var data = IdeDisks.Content(1, 77);
        bench.Send28(0xE8);
        Assert.Equal(512, bench.WriteBlocks(512, data));
        Assert.True(bench.IsInterrupting);
        bench.Send28(0xE4);
        Assert.Equal(data, bench.ReadBlocks(512, 512));
    }

    [Theory]
    [InlineData(0xF5, 0x50)]
    [InlineData(0xF1, 0x41)]
    [InlineData(0xF2, 0x41)]
    [InlineData(0xF4, 0x41)]
    [InlineData(0xF6, 0x41)]
    [InlineData(0x00, 0x41)]
    [InlineData(0xA0, 0x41)]
    [InlineData(0xA1, 0x41)]
    [InlineData(0x08, 0x41)]
    [InlineData(0x45, 0x41)]
    [InlineData(0x3F, 0x41)]
    [InlineData(0x10, 0x50)]
    [InlineData(0x70, 0x50)]
    public async Task Commands_without_data_end_at_once(byte command, byte status)
    {
        await using var bench = IdeDisks.Bench(IdeDisks.Numbered());
        bench.Send28(command, 5);
        Assert.True(bench.IsInterrupting);
        Assert.Equal((status, status == 0x50 ? 0 : 4), (bench.In(IdeDriver.Status), bench.In(IdeDriver.Error)));
    }

    [Fact]
    public async Task Set_max_address_takes_effect_only_after_read_native_max_and_hides_the_rest()
    {
        await using var bench = IdeDisks.Bench(IdeDisks.Numbered());
        bench.Send28(0xF9, 999);
        Assert.Equal(0x41, bench.In(IdeDriver.Status));
        bench.Send28(0xF8);
        Assert.Equal(IdeDisks.Sectors - 1, bench.Address28);
        bench.Send28(0xF9, 999);
        Assert.Equal(0x50, bench.In(IdeDriver.Status));
        Assert.Equal(1000, bench.Identify()[60]);
        bench.Send28(0x20, 1000, 1);
        Assert.Equal((0x41, 0x10), (bench.In(IdeDriver.Status), bench.In(IdeDriver.Error)));
        bench.Send48(0x27);
        Assert.Equal(IdeDisks.Sectors - 1, bench.Address48);
        bench.Send48(0x37, IdeDisks.Sectors);
        Assert.Equal((0x41, 0x10), (bench.In(IdeDriver.Status), bench.In(IdeDriver.Error)));
        bench.Send48(0x27);
        bench.Send48(0x37, IdeDisks.Sectors - 1);
        Assert.Equal(IdeDisks.Sectors, bench.Identify()[100]);
    }

    [Fact]
    public async Task SMART_needs_its_key_and_can_be_switched_off()
    {
        await using var bench = IdeDisks.Bench(IdeDisks.Numbered());
        bench.Send28(0xB0, 0, features: 0xDA);
        Assert.Equal((0x41, 0x04), (bench.In(IdeDriver.Status), bench.In(IdeDriver.Error)));
        Smart(bench, 0xDA);
        Assert.Equal((0x50, 0x4F, 0xC2), (bench.In(IdeDriver.Status), bench.In(IdeDriver.Mid), bench.In(IdeDriver.High)));
        Smart(bench, 0xD9);
        Smart(bench, 0xDA);
        Assert.Equal(0x41, bench.In(IdeDriver.Status));
        Assert.Equal(0x7468, bench.Identify()[85]);
        Smart(bench, 0xD8);
        Smart(bench, 0xD0);
        var data = bench.ReadBlocks(512, 512);
        Assert.Equal(0, data.Sum(value => value) & 0xFF);
        Smart(bench, 0xD1);
        var thresholds = bench.ReadBlocks(512, 512);
        Assert.Equal(0, thresholds.Sum(value => value) & 0xFF);
        for (var i = 0; i < 30; i++)
        {
            Assert.Equal(data[2 + (i * 12)], thresholds[2 + (i * 12)]);
        }

        foreach (var count in new[] { 0x00, 0xF1 })
        {
            Smart(bench, 0xD2, count);
            Assert.Equal(0x50, bench.In(IdeDriver.Status));
        }

        Smart(bench, 0xD2, 0x12);
        Assert.Equal(0x41, bench.In(IdeDriver.Status));
    }

    // An index that left the log was CVE-2014-2894.
    [Fact]
    public async Task The_index_of_the_self_test_log_stays_inside_of_it()
    {
        await using var bench = IdeDisks.Bench(IdeDisks.Numbered());
        for (var test = 1; test <= 100; test++)
        {
            Smart(bench, 0xD4, low: test % 2 == 0 ? 0x01 : 0x82);
            Assert.Equal(0x50, bench.In(IdeDriver.Status));
            Smart(bench, 0xD5, count: 1, low: 0x06);
            var log = bench.ReadBlocks(512, 512);
            Assert.Equal(((test - 1) % 21) + 1, log[508]);
            Assert.Equal(0, log.Sum(value => value) & 0xFF);
            Assert.Equal(test % 2 == 0 ? 0x01 : 0x82, log[2 + ((log[508] - 1) * 24)]);
        }

        Smart(bench, 0xD4, low: 0x33);
        Assert.Equal(0x41, bench.In(IdeDriver.Status));
        Smart(bench, 0xD5, count: 1, low: 0x55);
        Assert.Equal(0x41, bench.In(IdeDriver.Status));
    }

    [Fact]
    public async Task Logs_are_read_page_by_page_and_not_past_their_end()
    {
        await using var bench = IdeDisks.Bench(IdeDisks.Numbered());
        bench.Send48(0x2F, 0x00, 1);
        var directory = bench.ReadBlocks(512, 512);
        Assert.Equal((1, 2, 2), (directory[0], directory[8], directory[0x60]));
        bench.Send48(0x2F, 0x30 | (1 << 8), 1);
        var copy = bench.ReadBlocks(512, 512);
        bench.Send28(0xEC);
        Assert.Equal(bench.ReadBlocks(512, 512), copy);
        bench.Send48(0x2F, 0x04, 2);
        Assert.Equal(1024, bench.ReadBlocks(512, 1024).Length);
        foreach (var (address, count) in new[] { (0x04 | (1 << 8), 2), (0x04, 0), (0x77, 1), (0x30 | (0xFF << 8), 1) })
        {
            bench.Send48(0x2F, address, count);
            Assert.Equal((0x41, 0x04), (bench.In(IdeDriver.Status), bench.In(IdeDriver.Error)));
        }
    }

    private static void Smart(IdeTestBench bench, byte feature, int count = 0, int low = 0)
    {
        bench.Send28(0xB0, 0xC2_4F00 | low, count, feature);
        bench.Settle();
    }

    private static string Text(ushort[] words, int first, int count)
    {
        var text = new StringBuilder();
        foreach (var word in words.AsSpan(first, count))
        {
            text.Append((char)(word >> 8)).Append((char)(word & 0xFF));
        }

        return text.ToString().TrimEnd();
    }
}
