using Eider.Devices.BlockIo;
using Eider.Hardware.Bus;
using Eider.Testing.BlockIo;

namespace Eider.Devices.Tests.BlockIo;

/// <summary>Constants and registers of ducky.devices.storage.</summary>
public sealed class BioRegisterTests
{
    [Fact]
    public void Ports_have_the_documents_offsets()
    {
        Assert.Equal(0x00, (int)BioRegister.Status);
        Assert.Equal(0x04, (int)BioRegister.Sid);
        Assert.Equal(0x08, (int)BioRegister.Block);
        Assert.Equal(0x0C, (int)BioRegister.Count);
        Assert.Equal(0x10, (int)BioRegister.Address);
        Assert.Equal(0x14, (int)BioRegister.Data);
        Assert.Equal(0x100UL, BioDevice.SizeBytes);
    }

    [Fact]
    public void Flags_have_the_documents_values()
    {
        Assert.Equal(1U, (uint)BioStatus.Ready);
        Assert.Equal(2U, (uint)BioStatus.Error);
        Assert.Equal(4U, (uint)BioStatus.Read);
        Assert.Equal(8U, (uint)BioStatus.Write);
        Assert.Equal(16U, (uint)BioStatus.Busy);
        Assert.Equal(32U, (uint)BioStatus.Dma);
        Assert.Equal(64U, (uint)BioStatus.SoftReset);
        Assert.Equal(108U, (uint)BioStatus.User);
        Assert.Equal(1024, BioLimits.BlockBytes);
    }

    [Fact]
    public async Task It_is_ready_after_power_on_and_shows_no_register_but_status()
    {
        await using var bench = new BioTestBench([new BioDisk(1, BioStorages.Numbered(2))]);
        bench.Set(1, 1, 1, BioStorages.Buffer);
        Assert.Equal(1U, bench.Read(BioRegister.Status));
        Assert.Equal(
            [0U, 0, 0, 0], new[] { BioRegister.Sid, BioRegister.Block, BioRegister.Count, BioRegister.Address }.Select(bench.Read));
    }

    [Fact]
    public async Task Behind_the_registers_it_reads_zero_and_takes_nothing()
    {
        await using var bench = new BioTestBench([new BioDisk(1, BioStorages.Numbered(2))]);
        for (var offset = 0x18; offset < 0x100; offset += 4)
        {
            bench.Write((BioRegister)offset, uint.MaxValue);
            Assert.Equal(0U, bench.Read((BioRegister)offset));
        }

        Assert.Equal(BioStatus.Ready, bench.Status);
    }

    [Theory]
    [InlineData(0, 1, BusStatus.InvalidSize)]
    [InlineData(0, 2, BusStatus.InvalidSize)]
    [InlineData(0, 8, BusStatus.InvalidSize)]
    [InlineData(0x14, 2, BusStatus.InvalidSize)]
    [InlineData(2, 4, BusStatus.Unaligned)]
    [InlineData(0x15, 4, BusStatus.Unaligned)]
    [InlineData(0, 4, BusStatus.Ok)]
    public async Task Only_whole_words_are_accessed(ulong offset, int width, BusStatus expected)
    {
        await using var bench = new BioTestBench([new BioDisk(1, BioStorages.Numbered(2))]);
        Assert.Equal(expected, bench.Device.Read(new IoAddress(0), new IoAddress(offset), new byte[width]).Status);
        Assert.Equal(expected, bench.Device.Write(new IoAddress(0), new IoAddress(offset), new byte[width]).Status);
        Assert.Equal(BioStatus.Ready, bench.Status);
    }

    // Ducky's BIO_USER: the other bits are read-only.
    [Fact]
    public async Task Bits_that_are_not_the_guests_change_nothing()
    {
        await using var bench = new BioTestBench([new BioDisk(1, BioStorages.Numbered(2))]);
        Assert.Equal(BioStatus.Ready, bench.Command((BioStatus)0xFFFF_FF93));
        bench.Write(BioRegister.Sid, 9);
        Assert.Equal(BioStatus.Error, bench.Command(BioStatus.Ready | BioStatus.Busy));
        Assert.Equal(BioStatus.Error, bench.Command(BioStatus.None));
    }
}
