using Eider.Devices.BlockIo;
using Eider.Testing.BlockIo;
using static Eider.Devices.BlockIo.BioStatus;

namespace Eider.Devices.Tests.BlockIo;

/// <summary>Commands with DMA. The cases of ducky's tests/storage/block.py are those whose names begin as theirs do.</summary>
public sealed class BioCommandTests
{
    private const uint Buffer = BioStorages.Buffer;
    private const int Blocks = 10;

    [Fact]
    public async Task Unknown_device_is_an_error()
    {
        await using var bench = new BioTestBench([new BioDisk(1, BioStorages.Numbered(Blocks))]);
        Assert.Equal(Ready, bench.Command(SoftReset)); // r0 = 1
        bench.Write(BioRegister.Sid, 8);
        Assert.Equal(Error, bench.Status); // r1 = 2
    }

    [Theory]
    [InlineData(0x24U)]
    [InlineData(0x28U)]
    public async Task Out_of_bounds_access_is_an_error(uint command)
    {
        var storage = BioStorages.Numbered(Blocks);
        var before = (byte[])storage.Content.Clone();
        await using var bench = new BioTestBench([new BioDisk(1, storage)]);
        Assert.Equal(Ready, bench.Command(SoftReset));
        bench.Set(1, 0xFF, 1, 0);
        Assert.Equal(Ready, bench.Status); // r1 = 1
        Assert.Equal(Error, bench.Command((BioStatus)command)); // r2 = 2
        Assert.Equal(before, storage.Content);
        Assert.Empty(bench.Failures);
    }

    [Fact]
    public async Task Block_read_fills_the_buffer_and_nothing_beside_it()
    {
        var storage = BioStorages.Numbered(Blocks);
        storage.Content.AsSpan().Fill(0xDE);
        var message = BioStorages.Pattern(1, 64);
        message.CopyTo(storage.Content, 7 * 1024);
        await using var bench = new BioTestBench([new BioDisk(1, storage)]);
        bench.Fill(Buffer - 4, [0xFE, 0xFE, 0xFE, 0xFE]);
        bench.Fill(Buffer + 1024, [0xBF, 0xBF, 0xBF, 0xBF]);
        bench.ResetAndSet(1, 7, 1, Buffer);
        Assert.Equal(Ready, bench.Command(Dma | Read));
        Assert.Equal(storage.Content[(7 * 1024)..(8 * 1024)], bench.Memory(Buffer, 1024));
        Assert.Equal([0xFE, 0xFE, 0xFE, 0xFE], bench.Memory(Buffer - 4, 4));
        Assert.Equal([0xBF, 0xBF, 0xBF, 0xBF], bench.Memory(Buffer + 1024, 4));
    }

    // Ducky's test never looked into the file.
    [Fact]
    public async Task Block_write_reaches_the_file_and_nothing_beside_the_block()
    {
        var storage = BioStorages.Numbered(Blocks);
        var expected = (byte[])storage.Content.Clone();
        var block = BioStorages.Pattern(2, 1024);
        block.CopyTo(expected, 3 * 1024);
        await using var bench = new BioTestBench([new BioDisk(1, storage)]);
        bench.Fill(Buffer, block);
        bench.ResetAndSet(1, 3, 1, Buffer);
        Assert.Equal(Ready, bench.Command(Dma | Write));
        Assert.Equal(expected, storage.Content);
        Assert.Equal(block, bench.Memory(Buffer, 1024));
    }

    [Fact]
    public async Task Read_wins_over_write()
    {
        var storage = BioStorages.Numbered(Blocks);
        await using var bench = new BioTestBench([new BioDisk(1, storage)]);
        bench.ResetAndSet(1, 2, 1, Buffer);
        Assert.Equal(Ready, bench.Command(Dma | Read | Write));
        Assert.Equal(["Read 4+2"], storage.Log!);
    }

    [Fact]
    public async Task Dma_stays_on_until_a_reset()
    {
        await using var bench = new BioTestBench([new BioDisk(1, BioStorages.Numbered(Blocks))]);
        bench.ResetAndSet(1, 2, 1, Buffer);
        Assert.Equal(Ready, bench.Command(Dma));
        Assert.Equal(Ready, bench.Command(Read));
        Assert.Equal(BioStorages.WordOf(2, 0), BitConverter.ToUInt32(bench.Memory(Buffer, 4)));
        bench.ResetAndSet(1, 3, 1, Buffer);
        Assert.Equal(Ready, bench.Command(Read));
        Assert.Equal(BioStorages.WordOf(2, 0), BitConverter.ToUInt32(bench.Memory(Buffer, 4)));
        Assert.Equal(BioStorages.WordOf(3, 0), bench.Read(BioRegister.Data));
    }

    // A reset comes first, so no storage is selected when the command of the same write begins.
    [Theory]
    [InlineData(SoftReset | Dma | Read)]
    [InlineData(SoftReset | Write)]
    public async Task A_reset_with_a_command_leaves_an_error(BioStatus command)
    {
        await using var bench = new BioTestBench([new BioDisk(1, BioStorages.Numbered(Blocks))]);
        bench.Set(1, 0, 1, Buffer);
        Assert.Equal(Error, bench.Command(command));
    }

    [Fact]
    public async Task A_reset_forgets_everything()
    {
        var storage = BioStorages.Numbered(Blocks);
        await using var bench = new BioTestBench([new BioDisk(1, storage)]);
        bench.ResetAndSet(1, 2, 3, Buffer);
        bench.Command(Dma | Read);
        storage.Log!.Clear();
        Assert.Equal(Ready, bench.Command(SoftReset));
        bench.Write(BioRegister.Sid, 1);
        Assert.Equal(Ready, bench.Command(Read)); // no block, from block 0, without DMA
        Assert.Empty(storage.Log);
        Assert.Equal(uint.MaxValue, bench.Read(BioRegister.Data));
    }

    [Fact]
    public async Task An_error_stays_until_a_reset_whatever_succeeds_meanwhile()
    {
        await using var bench = new BioTestBench([new BioDisk(1, BioStorages.Numbered(Blocks))]);
        bench.Write(BioRegister.Sid, 2);
        Assert.Equal(Error, bench.Status);
        bench.Set(1, 0, 1, Buffer);
        Assert.Equal(Error, bench.Status); // a valid id does not end it
        Assert.Equal(Ready | Error, bench.Command(Dma | Read));
        Assert.Equal(BioStorages.WordOf(0, 255), BitConverter.ToUInt32(bench.Memory(Buffer + 1020, 4)));
        Assert.Equal(Ready, bench.Command(SoftReset));
    }

    [Theory]
    [InlineData(Dma | Read)]
    [InlineData(Dma | Write)]
    [InlineData(Read)]
    [InlineData(Write)]
    public async Task No_block_is_a_success_that_moves_nothing_and_looks_at_no_address(BioStatus command)
    {
        var storage = BioStorages.Numbered(Blocks);
        await using var bench = new BioTestBench([new BioDisk(1, storage)]);
        bench.ResetAndSet(1, 10, 0, 0xFFFF_FFFF);
        Assert.Equal(Ready, bench.Command(command));
        Assert.Empty(storage.Log!);
    }

    [Theory]
    [InlineData(10U, 1U)]
    [InlineData(9U, 2U)]
    [InlineData(0U, 11U)]
    [InlineData(11U, 0U)]
    [InlineData(uint.MaxValue, 1U)]
    [InlineData(uint.MaxValue, uint.MaxValue)]
    [InlineData(1U, uint.MaxValue)] // wraps to block 0 in 32 bits
    [InlineData(0x0040_0000U, 1U)] // its offset wraps to 0 in 32 bits
    public async Task Past_the_end_nothing_moves(uint block, uint count)
    {
        var storage = BioStorages.Numbered(Blocks, extraBytes: 1020); // no whole block
        foreach (var command in new[] { Dma | Read, Dma | Write, Read, Write })
        {
            await using var bench = new BioTestBench([new BioDisk(1, storage)]);
            bench.ResetAndSet(1, block, count, Buffer);
            Assert.Equal(Error, bench.Command(command));
            Assert.Equal(uint.MaxValue, bench.Read(BioRegister.Data));
        }

        Assert.Empty(storage.Log!);
    }

    [Theory]
    [InlineData(0U)]
    [InlineData(0x8400U)] // its own registers
    [InlineData(BioTestBench.RamBase - 1)]
    [InlineData(BioTestBench.RamBase + BioTestBench.RamBytes - 2047)]
    [InlineData(BioTestBench.RamBase + BioTestBench.RamBytes)]
    [InlineData(uint.MaxValue)]
    [InlineData(uint.MaxValue - 2047)]
    public async Task A_buffer_that_is_not_all_RAM_is_an_error_and_nothing_moves(uint address)
    {
        var storage = BioStorages.Numbered(Blocks);
        await using var bench = new BioTestBench([new BioDisk(1, storage)]);
        foreach (var command in new[] { Dma | Read, Dma | Write })
        {
            bench.ResetAndSet(1, 0, 2, address);
            Assert.Equal(Error, bench.Command(command));
        }

        Assert.Empty(storage.Log!);
        bench.ResetAndSet(1, 0, 2, BioTestBench.RamBase + BioTestBench.RamBytes - 2048);
        Assert.Equal(Ready, bench.Command(Dma | Read));
    }

    [Fact]
    public async Task Odd_addresses_are_as_good_as_others()
    {
        await using var bench = new BioTestBench([new BioDisk(1, BioStorages.Numbered(Blocks))]);
        bench.ResetAndSet(1, 4, 2, Buffer + 3);
        Assert.Equal(Ready, bench.Command(Dma | Read));
        Assert.Equal(BioStorages.WordOf(5, 255), BitConverter.ToUInt32(bench.Memory(Buffer + 3 + 2044, 4)));
    }

    [Fact]
    public async Task A_long_transfer_takes_several_pieces_and_they_fit_together()
    {
        var storage = BioStorages.Numbered(3000);
        await using var bench = new BioTestBench([new BioDisk(1, storage)]);
        bench.ResetAndSet(1, 5, 2900, Buffer);
        Assert.Equal(Ready, bench.Command(Dma | Read));
        Assert.Equal(storage.Content[(5 * 1024)..(2905 * 1024)], bench.Memory(Buffer, 2900 * 1024));
        Assert.Equal(3, storage.Log!.Count);
        var data = BioStorages.Pattern(5, 2900 * 1024);
        bench.Fill(Buffer, data);
        bench.Write(BioRegister.Block, 7);
        Assert.Equal(Ready, bench.Command(Write));
        Assert.Equal(data, storage.Content[(7 * 1024)..(2907 * 1024)]);
        Assert.Equal("Flush", storage.Log[^1]);
    }

    [Fact]
    public async Task Each_storage_answers_to_its_own_id()
    {
        var (first, second) = (BioStorages.Numbered(4), BioStorages.Numbered(4));
        second.Content.AsSpan().Fill(7);
        await using var bench = new BioTestBench([new BioDisk(0, first), new BioDisk(uint.MaxValue, second)]);
        bench.ResetAndSet(uint.MaxValue, 1, 1, Buffer);
        Assert.Equal(Ready, bench.Command(Dma | Read));
        Assert.Equal([7, 7, 7, 7], bench.Memory(Buffer, 4));
        bench.Write(BioRegister.Sid, 0);
        Assert.Equal(Ready, bench.Command(Read));
        Assert.Equal(BioStorages.WordOf(1, 0), BitConverter.ToUInt32(bench.Memory(Buffer, 4)));
    }

    // Ducky flushed its file after each write; a BIO has no command for it.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_write_is_durable_when_it_has_ended_unless_the_option_says_otherwise(bool writeBack)
    {
        var storage = BioStorages.Numbered(Blocks);
        await using var bench = new BioTestBench([new BioDisk(1, storage)], writeBack: writeBack);
        bench.ResetAndSet(1, 1, 2, Buffer);
        Assert.Equal(Ready, bench.Command(Dma | Write));
        bench.ResetAndSet(1, 1, 1, Buffer);
        bench.Command(Write);
        for (var i = 0; i < 256; i++)
        {
            bench.Write(BioRegister.Data, 0);
        }

        string[] expected = writeBack ? ["Write 2+4", "Write 2+2"] : ["Write 2+4", "Flush", "Write 2+2", "Flush"];
        Assert.Equal(expected, storage.Log!);
    }

    [Fact]
    public void The_same_id_twice_is_refused()
    {
        var error = Assert.Throws<ArgumentException>(
            () => new BioTestBench([new BioDisk(3, BioStorages.Numbered(1)), new BioDisk(3, BioStorages.Numbered(1))]));
        Assert.Equal("bio: found two storages with sid 3, expected an id of its own for each", error.Message);
    }
}
