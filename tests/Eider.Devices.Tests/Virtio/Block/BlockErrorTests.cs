using Eider.Devices.Virtio.Block;
using Eider.Storage;
using static Eider.Devices.Virtio.Block.BlockRequestStatus;
using static Eider.Devices.Virtio.Block.BlockRequestType;

namespace Eider.Devices.Tests.Virtio.Block;

/// <summary>What a guest that errs, and a host that fails, get.</summary>
public sealed class BlockErrorTests
{
    private const int Sectors = 64;

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public void Spec_5_2_6_2_a_b_A_read_only_disk_fails_writes_and_writes_nothing(bool bySetting, bool driverRefusesTheBit)
    {
        var content = new byte[Sectors * 512];
        var storage = new ScriptedStorage(content, new BlockGeometry { IsReadOnly = !bySetting, CanDiscard = true });
        using var disk = new BlockBench(
            storage, configure: d => d with { ReadOnly = bySetting, SecureErase = true },
            refused: driverRefusesTheBit ? BlockBench.Mask(BlockFeature.ReadOnly) : 0);
        Assert.NotEqual(0UL, disk.Handler.Features & BlockBench.Mask(BlockFeature.ReadOnly));
        Assert.Equal(IoError, disk.StatusOf(disk.Do(Out, 0, NonZero(512))));
        Assert.Equal(Unsupported, disk.StatusOf(disk.Do(WriteZeroes, 0, BlockBench.Ranges((0, 1, 0)))));
        Assert.Equal(Unsupported, disk.StatusOf(disk.Do(Discard, 0, BlockBench.Ranges((0, 1, 0)))));
        Assert.Equal(Unsupported, disk.StatusOf(disk.Do(SecureErase, 0, BlockBench.Ranges((0, 1, 0)))));
        Assert.Equal(Ok, disk.StatusOf(disk.Do(In, 0, inputBytes: 512)));
        Assert.Equal(["Read 0+1"], storage.Log!);
        Assert.Empty(disk.HostFailures);
    }

    [Fact]
    public void Spec_5_2_6_1_A_request_beyond_the_capacity_is_an_io_error_and_moves_nothing()
    {
        using var disk = Create();
        var places = new ulong[]
        {
            Sectors - 1, Sectors, Sectors + 1, 1UL << 32, (1UL << 55) - 1, 1UL << 55, (1UL << 55) + 1, // times 512 wraps
            1UL << 63, ulong.MaxValue - 1, ulong.MaxValue,
        };
        foreach (var sector in places)
        {
            var read = disk.Do(In, sector, inputBytes: 1024);
            Assert.Equal(IoError, disk.StatusOf(read));
            Assert.Equal(0u, read.UsedBytes); // the status is behind a gap (2.7.8.2)
            Assert.All(disk.DataOf(read), b => Assert.Equal(BlockBench.Unwritten, b));
            Assert.Equal(IoError, disk.StatusOf(disk.Do(Out, sector, NonZero(1024))));
        }

        Assert.Empty(disk.Storage.Log!);
        Assert.Equal(2 * places.Length, disk.Bench.Statistics.Failures);
        Assert.Empty(disk.HostFailures);
    }

    [Fact]
    public void Spec_5_2_6_1_A_length_that_is_no_multiple_of_512_is_an_io_error_and_moves_nothing()
    {
        using var disk = Create();
        foreach (var length in new[] { 1, 511, 513, 1023 })
        {
            Assert.Equal(IoError, disk.StatusOf(disk.Do(In, 0, inputBytes: length)));
            Assert.Equal(IoError, disk.StatusOf(disk.Do(Out, 0, NonZero(length))));
        }

        Assert.Empty(disk.Storage.Log!);
    }

    [Fact]
    public void An_empty_transfer_is_fine_inside_the_disk_and_an_error_outside()
    {
        using var disk = Create();
        foreach (var type in new[] { In, Out })
        {
            Assert.Equal(Ok, disk.StatusOf(disk.Do(type, 0)));
            Assert.Equal(Ok, disk.StatusOf(disk.Do(type, Sectors)));
            Assert.Equal(IoError, disk.StatusOf(disk.Do(type, Sectors + 1)));
        }

        Assert.Empty(disk.Storage.Log!);
    }

    [Fact]
    public void Spec_5_2_6_2_i_Unknown_and_zone_requests_are_unsupported_and_the_status_is_written()
    {
        using var disk = Create();
        foreach (var type in new uint[] { 2, 3, 5, 6, 7, 9, 12, 15, 16, 17, 18, 20, 22, 24, 26, 255, 1u << 31, uint.MaxValue })
        {
            var ticket = disk.Do((BlockRequestType)unchecked((int)type), 0, NonZero(16), inputBytes: 64);
            Assert.Equal(Unsupported, disk.StatusOf(ticket));
            Assert.Equal(0u, ticket.UsedBytes); // the status is behind a gap (2.7.8.2)
            Assert.All(disk.DataOf(ticket), b => Assert.Equal(BlockBench.Unwritten, b));
        }

        Assert.Empty(disk.Storage.Log!);
    }

    [Fact]
    public void Requests_whose_feature_was_not_negotiated_are_unsupported()
    {
        using var disk = new BlockBench(
            new ScriptedStorage(new byte[Sectors * 512]), configure: d => d with { SecureErase = true },
            refused: BlockBench.Mask(BlockFeature.Discard) | BlockBench.Mask(BlockFeature.WriteZeroes) | BlockBench.Mask(BlockFeature.SecureErase));
        foreach (var type in new[] { Discard, WriteZeroes, SecureErase })
        {
            Assert.Equal(Unsupported, disk.StatusOf(disk.Do(type, 0, BlockBench.Ranges((0, 1, 0)))));
        }
    }

    [Fact]
    public void A_header_that_is_cut_short_is_an_io_error()
    {
        using var disk = Create();
        for (var length = 1; length < 16; length++)
        {
            var ticket = disk.Bench.SubmitAndRun(0, disk.Bench.Readable(new byte[length]), disk.Bench.Writable(1));
            Assert.Equal(IoError, disk.StatusOf(ticket));
            Assert.Equal(1u, ticket.UsedBytes);
        }

        Assert.Equal(IoError, disk.StatusOf(disk.Bench.SubmitAndRun(0, disk.Bench.Writable(600))));
        Assert.Empty(disk.Storage.Log!);
    }

    [Fact]
    public void A_chain_without_room_for_a_status_does_nothing_and_comes_back_with_length_zero()
    {
        using var disk = Create();
        var ticket = disk.Bench.SubmitAndRun(
            0, disk.Bench.Readable(BlockBench.Header(Out, 0)), disk.Bench.Readable(NonZero(512)));
        Assert.Equal(0u, ticket.UsedBytes);
        Assert.Empty(disk.Storage.Log!);
        Assert.Equal(1, disk.Bench.Statistics.Failures);
        Assert.Equal(Ok, disk.StatusOf(disk.Do(In, 0, inputBytes: 512)));
    }

    [Fact]
    public void A_host_failure_is_an_io_error_an_event_and_a_count_and_the_disk_goes_on()
    {
        using var disk = Create();
        var full = new BlockStorageException(BlockErrorKind.NoSpace, BlockOperation.Write, "scripted", 1024, "disk full");
        disk.Storage.Failure = operation => operation == BlockOperation.Write ? full : null;
        Assert.Equal(IoError, disk.StatusOf(disk.Do(Out, 2, NonZero(512))));
        Assert.Same(full, Assert.Single(disk.HostFailures));
        Assert.Equal(1, disk.Bench.Statistics.Failures);
        disk.Storage.Failure = null;
        Assert.Equal(Ok, disk.StatusOf(disk.Do(Out, 2, NonZero(512))));
    }

    [Fact]
    public void Whatever_a_users_storage_throws_ends_as_an_io_error_with_a_place()
    {
        using var disk = Create();
        disk.Storage.Failure = _ => new InvalidOperationException("surprise");
        Assert.Equal(IoError, disk.StatusOf(disk.Do(In, 5, inputBytes: 512)));
        disk.Storage.Holds = true;
        var held = disk.Submit(Out, 6, NonZero(512));
        disk.Bench.Run();
        disk.Storage.ReleaseAll();
        disk.Bench.Run();
        Assert.Equal(IoError, disk.StatusOf(held));
        Assert.Equal(
            [(BlockOperation.Read, 2560L), (BlockOperation.Write, 3072L)],
            disk.HostFailures.Select(f => (f.Operation, f.OffsetBytes!.Value)));
        Assert.All(disk.HostFailures, f => Assert.Contains("surprise", f.Message, StringComparison.Ordinal));
        Assert.Empty(disk.Bench.Faults);
    }

    [Fact]
    public void After_a_failed_flush_writes_and_flushes_fail_and_reads_work()
    {
        using var disk = Create();
        disk.Storage.Failure = operation => operation == BlockOperation.Flush
            ? new BlockStorageException(BlockErrorKind.Io, operation, "scripted", null, "lost")
            : null;
        Assert.Equal(IoError, disk.StatusOf(disk.Do(Flush, 0)));
        disk.Storage.Failure = null;
        Assert.Equal(IoError, disk.StatusOf(disk.Do(Flush, 0)));
        Assert.Equal(IoError, disk.StatusOf(disk.Do(Out, 0, NonZero(512))));
        Assert.Equal(Ok, disk.StatusOf(disk.Do(In, 0, inputBytes: 512)));
        Assert.Equal(
            [BlockErrorKind.Io, BlockErrorKind.FlushFailed, BlockErrorKind.FlushFailed], disk.HostFailures.Select(f => f.Kind));
    }

    [Fact]
    public void A_failure_in_the_middle_of_a_list_ends_the_list()
    {
        using var disk = Create();
        var done = 0;
        disk.Storage.Failure = _ => ++done == 2 ? new IOException("gone") : null;
        Assert.Equal(IoError, disk.StatusOf(disk.Do(Discard, 0, BlockBench.Ranges((0, 1, 0), (2, 1, 0), (4, 1, 0)))));
        Assert.Equal(["Discard 0+1"], disk.Storage.Log!);
    }

    private static byte[] NonZero(int length)
    {
        var bytes = new byte[length];
        bytes.AsSpan().Fill(0x5a);
        return bytes;
    }

    private static BlockBench Create() => new(new ScriptedStorage(new byte[Sectors * 512]));
}
