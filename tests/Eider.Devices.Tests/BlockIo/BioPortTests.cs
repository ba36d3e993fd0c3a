using Eider.Devices.BlockIo;
using Eider.Testing.BlockIo;
using static Eider.Devices.BlockIo.BioStatus;

namespace Eider.Devices.Tests.BlockIo;

/// <summary>The data port: commands without DMA.</summary>
public sealed class BioPortTests
{
    private const uint Buffer = BioStorages.Buffer;
    private const uint NoData = uint.MaxValue;

    [Fact]
    public async Task A_read_gives_the_words_in_order_and_then_an_error()
    {
        await using var bench = new BioTestBench([new BioDisk(1, BioStorages.Numbered(10))]);
        bench.ResetAndSet(1, 3, 2, 0);
        Assert.Equal(Ready, bench.Command(Read));
        for (var i = 0; i < 512; i++)
        {
            Assert.Equal(BioStorages.WordOf(3, i), bench.Read(BioRegister.Data));
        }

        Assert.Equal(Ready, bench.Status);
        Assert.Equal(NoData, bench.Read(BioRegister.Data)); // ducky died here
        Assert.Equal(Error, bench.Status);
        Assert.Equal(NoData, bench.Read(BioRegister.Data));
    }

    // Ducky could not do this.
    [Fact]
    public async Task A_write_takes_the_words_and_then_commits_them()
    {
        var storage = BioStorages.Numbered(10);
        var expected = (byte[])storage.Content.Clone();
        var data = BioStorages.Pattern(3, 2048);
        data.CopyTo(expected, 4 * 1024);
        await using var bench = new BioTestBench([new BioDisk(1, storage)]);
        bench.ResetAndSet(1, 4, 2, 0);
        Assert.Equal(Busy, bench.Command(Write));
        for (var i = 0; i < 512; i++)
        {
            Assert.Equal(Busy, bench.Status);
            Assert.Empty(storage.Log!);
            bench.Write(BioRegister.Data, BitConverter.ToUInt32(data, i * 4));
        }

        Assert.Equal(Ready, bench.Status);
        Assert.Equal(expected, storage.Content);
        bench.Write(BioRegister.Data, 1);
        Assert.Equal(Error, bench.Status);
        Assert.Equal(expected, storage.Content);
    }

    [Fact]
    public async Task A_word_is_little_endian()
    {
        var storage = BioStorages.Numbered(1);
        new byte[] { 0x11, 0x22, 0x33, 0x44 }.CopyTo(storage.Content, 0);
        await using var bench = new BioTestBench([new BioDisk(1, storage)]);
        bench.ResetAndSet(1, 0, 1, 0);
        bench.Command(Read);
        Assert.Equal(0x4433_2211U, bench.Read(BioRegister.Data));
        Assert.Equal(Busy, bench.Command(Write));
        for (var i = 0; i < 256; i++)
        {
            bench.Write(BioRegister.Data, 0xAABB_CCDD);
        }

        Assert.Equal([0xDD, 0xCC, 0xBB, 0xAA], storage.Content[..4]);
    }

    // The buffer behind the port holds 64 blocks.
    [Theory]
    [InlineData(64)]
    [InlineData(65)]
    [InlineData(200)]
    public async Task A_long_transfer_takes_several_pieces_and_the_guest_sees_none_of_it(int count)
    {
        var storage = BioStorages.Numbered(210);
        await using var bench = new BioTestBench([new BioDisk(1, storage)]);
        bench.ResetAndSet(1, 2, (uint)count, 0);
        Assert.Equal(Ready, bench.Command(Read));
        for (var i = 0; i < count * 256; i++)
        {
            Assert.Equal(BioStorages.WordOf(2, i), bench.Read(BioRegister.Data));
        }

        Assert.Equal(Ready, bench.Status);
        Assert.Equal(NoData, bench.Read(BioRegister.Data));
        var data = BioStorages.Pattern(count, count * 1024);
        bench.ResetAndSet(1, 5, (uint)count, 0);
        Assert.Equal(Busy, bench.Command(Write));
        for (var i = 0; i < count * 256; i++)
        {
            bench.Write(BioRegister.Data, BitConverter.ToUInt32(data, i * 4));
        }

        Assert.Equal(Ready, bench.Status);
        Assert.Equal(data, storage.Content[(5 * 1024)..((5 + count) * 1024)]);
        Assert.Single(storage.Log!, entry => entry == "Flush");
    }

    [Fact]
    public async Task Without_a_command_DATA_is_an_error_and_reads_as_ones()
    {
        await using var bench = new BioTestBench([new BioDisk(1, BioStorages.Numbered(2))]);
        Assert.Equal(NoData, bench.Read(BioRegister.Data));
        Assert.Equal(Error, bench.Status);
        Assert.Equal(Ready, bench.Command(SoftReset));
        bench.Write(BioRegister.Data, 5);
        Assert.Equal(Error, bench.Status);
    }

    [Fact]
    public async Task A_command_with_DMA_has_no_words_for_the_port()
    {
        await using var bench = new BioTestBench([new BioDisk(1, BioStorages.Numbered(2))]);
        bench.ResetAndSet(1, 0, 1, Buffer);
        Assert.Equal(Ready, bench.Command(Dma | Read));
        Assert.Equal(NoData, bench.Read(BioRegister.Data));
        Assert.Equal(Error, bench.Status);
    }

    [Fact]
    public async Task The_wrong_direction_ends_the_command_with_an_error()
    {
        var storage = BioStorages.Numbered(2);
        await using var bench = new BioTestBench([new BioDisk(1, storage)]);
        bench.ResetAndSet(1, 0, 1, Buffer);
        bench.Command(Read);
        bench.Write(BioRegister.Data, 1);
        Assert.Equal(Error, bench.Status);
        Assert.Equal(NoData, bench.Read(BioRegister.Data));
        bench.ResetAndSet(1, 0, 1, Buffer);
        Assert.Equal(Busy, bench.Command(Write));
        Assert.Equal(NoData, bench.Read(BioRegister.Data));
        Assert.Equal(Error, bench.Status);
        bench.Write(BioRegister.Data, 1);
        Assert.Equal(["Read 0+2"], storage.Log!);
    }

    [Fact]
    public async Task While_words_are_awaited_no_other_command_begins_but_a_reset_does()
    {
        var storage = BioStorages.Numbered(4);
        var before = (byte[])storage.Content.Clone();
        await using var bench = new BioTestBench([new BioDisk(1, storage)]);
        bench.ResetAndSet(1, 0, 1, Buffer);
        Assert.Equal(Busy, bench.Command(Write));
        bench.Write(BioRegister.Data, 1);
        Assert.Equal(Busy, bench.Command(Dma | Read));
        Assert.Empty(storage.Log!);
        Assert.Equal(Ready, bench.Command(SoftReset));
        for (var i = 0; i < 256; i++)
        {
            bench.Write(BioRegister.Data, 1);
        }

        Assert.Equal(before, storage.Content);
    }

    [Fact]
    public async Task A_new_read_begins_with_its_own_first_word()
    {
        await using var bench = new BioTestBench([new BioDisk(1, BioStorages.Numbered(4))]);
        bench.ResetAndSet(1, 0, 2, 0);
        bench.Command(Read);
        bench.Read(BioRegister.Data);
        bench.Write(BioRegister.Block, 3);
        bench.Write(BioRegister.Count, 1);
        Assert.Equal(BioStorages.WordOf(0, 1), bench.Read(BioRegister.Data)); // the command in the port keeps its numbers
        Assert.Equal(Ready, bench.Command(Read));
        Assert.Equal(BioStorages.WordOf(3, 0), bench.Read(BioRegister.Data));
    }

    [Fact]
    public async Task Blocks_of_other_and_of_different_sizes_go_both_ways()
    {
        var growing = new GrowingStorage(2, 100);
        var disk = BioStorages.Numbered(10);
        await using var bench = new BioTestBench([new BioDisk(1, disk, blockBytes: 12), growing]);
        bench.ResetAndSet(1, 5, 2, 0);
        Assert.Equal(Ready, bench.Command(Read));
        Assert.Equal(Enumerable.Range(15, 6).Select(i => BioStorages.WordOf(0, i)), Enumerable.Range(0, 6).Select(_ => bench.Read(BioRegister.Data)));
        Assert.Equal(NoData, bench.Read(BioRegister.Data));

        bench.ResetAndSet(2, 40, 60, Buffer);
        Assert.Equal(Ready, bench.Command(Dma | Read));
        var offset = (int)GrowingStorage.OffsetOf(40);
        Assert.Equal(growing.Content[offset..], bench.Memory(Buffer, growing.Content.Length - offset));
        bench.ResetAndSet(2, 2, 2, 0);
        Assert.Equal(Busy, bench.Command(Write));
        for (var i = 0; i < 7; i++)
        {
            Assert.Equal(Busy, bench.Status);
            bench.Write(BioRegister.Data, (uint)i);
        }

        Assert.Equal(Ready, bench.Status);
        Assert.Equal(6, growing.Content[(int)GrowingStorage.OffsetOf(4) - 4]);
        bench.ResetAndSet(2, 99, 2, 0);
        Assert.Equal(Error, bench.Command(Read));
    }
}
