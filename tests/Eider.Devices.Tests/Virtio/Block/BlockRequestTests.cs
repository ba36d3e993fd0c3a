using System.Text;
using Eider.Devices.Virtio.Block;
using Eider.Testing.Virtio;
using static Eider.Devices.Virtio.Block.BlockRequestStatus;
using static Eider.Devices.Virtio.Block.BlockRequestType;

namespace Eider.Devices.Tests.Virtio.Block;

/// <summary>What each request does (virtio 1.3, 5.2.6), one at a time, on both kinds of ring.</summary>
public sealed class BlockRequestTests
{
    private const int Sectors = 64;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void In_reads_sectors_and_used_length_is_data_and_status(bool isPacked)
    {
        using var disk = Create(isPacked);
        var ticket = disk.Do(In, 3, inputBytes: 1024);
        Assert.Equal(Ok, disk.StatusOf(ticket));
        Assert.Equal(1025u, ticket.UsedBytes);
        Assert.Equal(disk.Storage.Content[1536..2560], disk.DataOf(ticket));
        Assert.Equal(1024, disk.Bench.Statistics.ReadBytes);
        Assert.Equal(1, disk.Bench.Statistics.Requests);
        Assert.Equal(0, disk.Bench.Statistics.Failures);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Out_writes_sectors_and_used_length_is_the_status_only(bool isPacked)
    {
        using var disk = Create(isPacked);
        var data = Pattern(512);
        var before = disk.Storage.Content.ToArray();
        var ticket = disk.Do(Out, Sectors - 1, data);
        Assert.Equal(Ok, disk.StatusOf(ticket));
        Assert.Equal(1u, ticket.UsedBytes);
        Assert.Equal(before[..^512], disk.Storage.Content[..^512]);
        Assert.Equal(data, disk.Storage.Content[^512..]);
        Assert.Equal(512, disk.Bench.Statistics.WrittenBytes);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Flush_get_id_and_two_descriptor_framing_work(bool isPacked)
    {
        using var disk = Create(isPacked);
        Assert.Equal(Ok, disk.StatusOf(disk.Do(Flush, 0)));
        Assert.Equal(["Flush"], disk.Storage.Log!);
        var id = disk.Do(GetId, 0, inputBytes: 20);
        Assert.Equal(Ok, disk.StatusOf(id));
        Assert.Equal(21u, id.UsedBytes);
        Assert.Equal("eider-0001".PadRight(20, '\0'), Encoding.ASCII.GetString(disk.DataOf(id)));
    }

    [Fact]
    public void Spec_5_2_6_A_serial_of_20_characters_has_no_terminator()
    {
        using var disk = Create(configure: d => d with { Serial = "01234567890123456789" });
        Assert.Equal("01234567890123456789", Encoding.ASCII.GetString(disk.DataOf(disk.Do(GetId, 0, inputBytes: 20))));
    }

    [Fact]
    public void Spec_5_2_6_1_A_serial_that_does_not_fit_is_an_error_and_a_longer_buffer_gets_20_bytes()
    {
        using var disk = Create();
        var tooShort = disk.Do(GetId, 0, inputBytes: 19);
        Assert.Equal(IoError, disk.StatusOf(tooShort));
        Assert.All(disk.DataOf(tooShort), b => Assert.Equal(BlockBench.Unwritten, b));
        var longer = disk.Do(GetId, 0, inputBytes: 22);
        Assert.Equal(Ok, disk.StatusOf(longer));
        Assert.Equal(20u, longer.UsedBytes); // the status is behind a gap (2.7.8.2)
        Assert.Equal([BlockBench.Unwritten, BlockBench.Unwritten], disk.DataOf(longer)[20..]);
    }

    [Fact]
    public void Spec_5_2_6_2_g_Lifetime_is_offered_and_answered_only_where_metrics_exist()
    {
        using var without = Create();
        Assert.Equal(0UL, without.Handler.Features & BlockBench.Mask(BlockFeature.Lifetime));
        Assert.Equal(Unsupported, without.StatusOf(without.Do(GetLifetime, 0, inputBytes: 6)));

        using var with = Create(configure: d => d with { Lifetime = () => new BlockLifetime(1, 2, 3) });
        var ticket = with.Do(GetLifetime, 0, inputBytes: 6);
        Assert.Equal(Ok, with.StatusOf(ticket));
        Assert.Equal(7u, ticket.UsedBytes);
        Assert.Equal("010002000300", Convert.ToHexString(with.DataOf(ticket)));
        Assert.Equal(IoError, with.StatusOf(with.Do(GetLifetime, 0, inputBytes: 5)));
    }

    [Fact]
    public void A_source_of_metrics_that_throws_is_an_io_error_and_an_event()
    {
        using var disk = Create(configure: d => d with { Lifetime = () => throw new TimeoutException("no answer") });
        Assert.Equal(IoError, disk.StatusOf(disk.Do(GetLifetime, 0, inputBytes: 6)));
        Assert.IsType<TimeoutException>(Assert.Single(disk.HostFailures).InnerException);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Discard_and_write_zeroes_take_several_ranges(bool isPacked)
    {
        using var disk = Create(isPacked);
        Assert.Equal(Ok, disk.StatusOf(disk.Do(Discard, 0, BlockBench.Ranges((1, 2, 0), (60, 4, 0)))));
        Assert.Equal(Ok, disk.StatusOf(disk.Do(WriteZeroes, 0, BlockBench.Ranges((10, 1, 1), (20, 0, 0), (12, 3, 0)))));
        Assert.Equal(
            ["Discard 1+2", "Discard 60+4", "WriteZeroes 10+1", "WriteZeroes 12+3"], disk.Storage.Log!);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Data_of_the_wrong_direction_is_an_io_error_and_moves_nothing(bool isPacked)
    {
        // An OUT whose data the device may only write was no empty write: OK would mean that the data is on the disk.
        using var disk = Create(isPacked);
        var before = disk.Storage.Content.ToArray();
        var write = disk.Do(Out, 1, inputBytes: 512);
        Assert.Equal(IoError, disk.StatusOf(write));
        Assert.All(disk.DataOf(write), b => Assert.Equal(BlockBench.Unwritten, b));
        Assert.Equal(IoError, disk.StatusOf(disk.Do(In, 1, Pattern(512))));
        Assert.Equal(IoError, disk.StatusOf(disk.Do(Out, 1, Pattern(512), inputBytes: 512)));
        Assert.Equal(IoError, disk.StatusOf(disk.Do(In, 1, Pattern(512), inputBytes: 512)));
        Assert.Equal(before, disk.Storage.Content);
        Assert.Empty(disk.Storage.Log!);
        Assert.Equal(Ok, disk.StatusOf(disk.Do(Out, 1))); // no data at all is an empty write
    }

    [Fact]
    public void Spec_5_2_6_2_e_After_write_zeroes_the_range_reads_as_zeroes_with_and_without_unmap()
    {
        using var disk = Create();
        disk.Do(WriteZeroes, 0, BlockBench.Ranges((4, 2, 0), (8, 2, 1)));
        foreach (var sector in new ulong[] { 4, 5, 8, 9 })
        {
            Assert.All(disk.DataOf(disk.Do(In, sector, inputBytes: 512)), b => Assert.Equal(0, b));
        }

        Assert.Contains(disk.DataOf(disk.Do(In, 6, inputBytes: 512)), b => b != 0);
    }

    [Fact]
    public void Secure_erase_overwrites_in_place_and_flushes_before_it_completes()
    {
        using var disk = Create(sectors: 6000, configure: d => d with { SecureErase = true });
        var ticket = disk.Do(SecureErase, 0, BlockBench.Ranges((1, 2049, 0), (5000, 1, 0)));
        Assert.Equal(Ok, disk.StatusOf(ticket));
        Assert.Equal(
            ["Write 1+2048", "Write 2049+1", "Write 5000+1", "Flush"], disk.Storage.Log!);
        Assert.All(disk.Storage.Content[512..(2050 * 512)], b => Assert.Equal(0, b));
        Assert.Contains(disk.Storage.Content[(2050 * 512)..(5000 * 512)], b => b != 0);
    }

    [Fact]
    public void Spec_5_2_6_2_c_d_Unknown_flags_are_unsupported_and_nothing_is_done()
    {
        using var disk = Create(configure: d => d with { SecureErase = true });
        foreach (var (type, flags) in new[]
        {
            (Discard, 1u), (Discard, 2u), (Discard, 0x80000000u), (SecureErase, 1u), (SecureErase, 4u),
            (WriteZeroes, 2u), (WriteZeroes, 3u), (WriteZeroes, uint.MaxValue),
        })
        {
            // The bad one stands last, behind a range that is out of the disk.
            var ranges = BlockBench.Ranges((0, 1, 0), (Sectors, 9, 0), (2, 1, flags));
            Assert.Equal(Unsupported, disk.StatusOf(disk.Do(type, 0, ranges)));
        }

        Assert.Empty(disk.Storage.Log!);
    }

    [Fact]
    public void Spec_5_2_6_1_Range_lists_are_whole_not_empty_and_within_their_limits()
    {
        using var disk = Create(sectors: 4096, configure: d => d with { SecureErase = true });
        (BlockRequestType Type, int Segments, uint Sectors)[] limits =
        [
            (Discard, BlockLimits.MaxDiscardSegments, BlockLimits.MaxDiscardSectors),
            (WriteZeroes, BlockLimits.MaxWriteZeroesSegments, BlockLimits.MaxWriteZeroesSectors),
            (SecureErase, BlockLimits.MaxSecureEraseSegments, BlockLimits.MaxSecureEraseSectors),
        ];
        foreach (var (type, segments, sectors) in limits)
        {
            Assert.Equal(IoError, disk.StatusOf(disk.Do(type, 0)));
            Assert.Equal(IoError, disk.StatusOf(disk.Do(type, 0, new byte[17])));
            Assert.Equal(IoError, disk.StatusOf(disk.Do(type, 0, new byte[15])));
            Assert.Equal(IoError, disk.StatusOf(disk.Do(type, 0, new byte[16 * (segments + 1)])));
            Assert.Equal(IoError, disk.StatusOf(disk.Do(type, 0, BlockBench.Ranges((0, sectors + 1, 0)))));
            Assert.Equal(IoError, disk.StatusOf(disk.Do(type, 0, BlockBench.Ranges((0, 1, 0), (4096, 1, 0)))));
            Assert.Equal(IoError, disk.StatusOf(disk.Do(type, 0, BlockBench.Ranges((ulong.MaxValue, 2, 0)))));
            Assert.Empty(disk.Storage.Log!);
            Assert.Equal(Ok, disk.StatusOf(disk.Do(type, 0, new byte[16 * segments])));
            disk.Storage.Log!.Clear();
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Spec_2_7_4_1_Header_data_and_status_may_be_split_in_any_way(bool isPacked)
    {
        using var disk = Create(isPacked);
        var data = Pattern(512);
        var output = BlockBench.Header(Out, 7).Concat(data).ToArray();
        for (var piece = 1; piece <= 100; piece++)
        {
            disk.Bench.FreeBuffers();
            var buffers = output.Chunk(Math.Max(piece, 3)).Select(c => disk.Bench.Readable(c)).Append(disk.Bench.Writable(1));
            var write = disk.Bench.SubmitAndRun(0, [.. buffers]);
            Assert.Equal(Ok, disk.StatusOf(write));
            Assert.Equal(1u, write.UsedBytes);

            // Data and status end in one buffer; the header comes byte by byte.
            buffers = BlockBench.Header(In, 7).Select(b => disk.Bench.Readable([b]));
            var room = new List<DriverBuffer>();
            for (var left = 513; left > 0; left -= Math.Max(piece, 3))
            {
                room.Add(disk.Bench.Writable(Math.Min(left, Math.Max(piece, 3))));
            }

            var read = disk.Bench.SubmitAndRun(0, [.. buffers, .. room]);
            Assert.Equal(513u, read.UsedBytes);
            var got = room.SelectMany(disk.Bench.Read).ToArray();
            Assert.Equal(data, got[..512]);
            Assert.Equal((byte)Ok, got[512]);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Empty_descriptors_change_nothing(bool isPacked)
    {
        using var disk = Create(isPacked);
        var nothing = disk.Bench.Readable([1]) with { LengthBytes = 0 };
        var ticket = disk.Bench.SubmitAndRun(
            0, nothing, disk.Bench.Readable(BlockBench.Header(In, 1)), nothing, disk.Bench.Writable(512),
            nothing with { IsWritable = true }, disk.Bench.Writable(1), nothing with { IsWritable = true });
        Assert.Equal(513u, ticket.UsedBytes);
        Assert.Equal(disk.Storage.Content[512..1024], disk.Bench.Read(ticket.Buffers[3]));
        Assert.Equal((byte)Ok, disk.Bench.Read(ticket.Buffers[5])[0]);
    }

    private static byte[] Pattern(int length)
    {
        var bytes = new byte[length];
        new Random(length).NextBytes(bytes);
        return bytes;
    }

    private static BlockBench Create(bool isPacked = false, int sectors = Sectors, Func<BlockDevice, BlockDevice>? configure = null) =>
        new(new ScriptedStorage(Pattern(sectors * BlockLimits.SectorBytes)), isPacked, configure);
}
