using System.Buffers.Binary;
using Eider.Devices.Virtio.Block;

namespace Eider.Devices.Tests.Virtio.Block;

public sealed class BlockConfigTests
{
    // Bit numbers of virtio 1.3, 5.2.3, in the order of its list.
    [Theory]
    [InlineData(BlockFeature.SizeMax, 1)]
    [InlineData(BlockFeature.SegMax, 2)]
    [InlineData(BlockFeature.Geometry, 4)]
    [InlineData(BlockFeature.ReadOnly, 5)]
    [InlineData(BlockFeature.BlockSize, 6)]
    [InlineData(BlockFeature.Flush, 9)]
    [InlineData(BlockFeature.Topology, 10)]
    [InlineData(BlockFeature.ConfigWriteCacheEnable, 11)]
    [InlineData(BlockFeature.MultiQueue, 12)]
    [InlineData(BlockFeature.Discard, 13)]
    [InlineData(BlockFeature.WriteZeroes, 14)]
    [InlineData(BlockFeature.Lifetime, 15)]
    [InlineData(BlockFeature.SecureErase, 16)]
    public void Spec_5_2_3_Feature_bits_have_the_numbers_of_the_specification(BlockFeature feature, int bit) =>
        Assert.Equal(bit, (int)feature);

    [Fact]
    public void Spec_5_2_4_The_layout_is_0x60_bytes_long_and_every_field_stands_in_its_place()
    {
        var bytes = new byte[BlockConfig.Size];
        bytes.AsSpan().Fill(0xee);
        new BlockConfig
        {
            Capacity = 0x0102030405060708,
            SizeMax = 0x11121314,
            SegMax = 0x21222324,
            Geometry = new BlockDiskGeometry(0x3132, 0x33, 0x34),
            BlockSize = 0x41424344,
            PhysicalBlockExponent = 0x51,
            MinIoSize = 0x5354,
            OptIoSize = 0x61626364,
            Writeback = true,
            QueueCount = 0x7172,
            MaxDiscardSectors = 0x81828384,
            MaxDiscardSegments = 0x91929394,
            DiscardSectorAlignment = 0xa1a2a3a4,
            MaxWriteZeroesSectors = 0xb1b2b3b4,
            MaxWriteZeroesSegments = 0xc1c2c3c4,
            WriteZeroesMayUnmap = true,
            MaxSecureEraseSectors = 0xd1d2d3d4,
            MaxSecureEraseSegments = 0xe1e2e3e4,
            SecureEraseSectorAlignment = 0xf1f2f3f4,
        }.Write(bytes);

        Assert.Equal(0x60, BlockConfig.Size);
        Assert.Equal(
            "0807060504030201" + "14131211" + "24232221" + // capacity, size_max, seg_max
            "3231" + "33" + "34" + "44434241" + // geometry, blk_size
            "51" + "00" + "5453" + "64636261" + // topology
            "01" + "00" + "7271" + // writeback, unused0, num_queues
            "84838281" + "94939291" + "A4A3A2A1" + // discard
            "B4B3B2B1" + "C4C3C2C1" + "01" + "000000" + // write zeroes, unused1
            "D4D3D2D1" + "E4E3E2E1" + "F4F3F2F1" + // secure erase
            new string('0', 48), // zoned
            Convert.ToHexString(bytes));
    }

    [Fact]
    public void Spec_5_2_6_2_g_h_A_reserved_lifetime_value_goes_out_as_unknown()
    {
        var bytes = new byte[BlockLifetime.Size];
        new BlockLifetime(4, 12, 11).Write(bytes);
        Assert.Equal("000000000B00", Convert.ToHexString(bytes));
        new BlockLifetime(3, 1, 65535).Write(bytes);
        Assert.Equal("030001000000", Convert.ToHexString(bytes));
    }

    [Fact]
    public void Sectors_are_64_bits_wide_in_header_and_range()
    {
        var bytes = new byte[BlockRequestHeader.Size];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, 0xfffffff0);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(8), ulong.MaxValue);
        Assert.Equal(new BlockRequestHeader(0xfffffff0, ulong.MaxValue), BlockRequestHeader.Read(bytes));

        BinaryPrimitives.WriteUInt64LittleEndian(bytes, ulong.MaxValue - 1);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(8), 7);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(12), 0x80000001);
        Assert.Equal(new BlockRange(ulong.MaxValue - 1, 7, 0x80000001), BlockRange.Read(bytes));
    }
}
