using System.Buffers.Binary;
using Eider.Storage.Backends;
using Eider.Storage.Layers;

namespace Eider.Storage.Tests.Layers;

public sealed class CacheStorageTests
{
    [Fact]
    public async Task What_was_read_is_not_read_again_and_memory_stays_within_its_limit()
    {
        await using var below = new StatisticsStorage(new MemoryStorage(1 << 20), TimeProvider.System);
        await using var cache = new CacheStorage(below, 4 * CacheStorage.BlockBytes);
        for (var round = 0; round < 3; round++)
        {
            await cache.ReadAsync(1000, new byte[200_000]);
        }

        Assert.Equal(4, below[BlockOperation.Read].Requests);
        Assert.Equal(4, cache.MissCount);
        for (var block = 0; block < 16; block++)
        {
            await cache.ReadAsync(block * CacheStorage.BlockBytes, new byte[1]);
        }

        var misses = cache.MissCount;
        await cache.ReadAsync(15 * CacheStorage.BlockBytes, new byte[1]);
        Assert.Equal(misses, cache.MissCount);
        await cache.ReadAsync(0, new byte[1]);
        Assert.Equal(misses + 1, cache.MissCount);
    }

    [Fact]
    public async Task A_write_during_a_read_from_below_never_leaves_an_old_block_behind()
    {
        var time = new SteppedTime();
        await using var memory = new MemoryStorage(1 << 20);
        var isSlow = true;
        await using var cache = new CacheStorage(
            new DelayStorage(memory, time, operation => operation == BlockOperation.Read && isSlow ? TimeSpan.FromSeconds(1) : TimeSpan.Zero), 1 << 20);
        var read = cache.ReadAsync(0, new byte[512]).AsTask();
        await cache.WriteAsync(0, new byte[] { 42 });
        time.Step();
        await read;
        isSlow = false;
        var again = new byte[1];
        await cache.ReadAsync(0, again);
        Assert.Equal(42, again[0]);
    }
}

public sealed class TraceAndVerifyTests
{
    [Fact]
    public async Task A_trace_tells_of_every_request_and_how_it_ended()
    {
        var entries = new List<BlockTraceEntry>();
        await using var storage = new TraceStorage(
            new FaultStorage(new MemoryStorage(4096), [new FaultRule { Operation = BlockOperation.Write, Kind = BlockErrorKind.NoSpace }]),
            TimeProvider.System, entries.Add);
        await storage.ReadAsync(512, new byte[100]);
        await Assert.ThrowsAsync<BlockStorageException>(async () => await storage.WriteAsync(0, new byte[7]));
        await storage.FlushAsync();
        Assert.Equal(
            [(1L, BlockOperation.Read, 512L, 100L, null), (2, BlockOperation.Write, 0, 7, "NoSpace"), (3, BlockOperation.Flush, 0, 0, null)],
            entries.Select(entry => (entry.Number, entry.Operation, entry.OffsetBytes, entry.LengthBytes, entry.Failure)));
        Assert.Matches("^2 [0-9]+ [0-9]+ Write 0 7 NoSpace$", entries[1].ToString());
    }

    [Fact]
    public async Task A_difference_to_the_reference_is_a_failure_with_its_first_byte()
    {
        await using var inner = new MemoryStorage(1 << 20);
        await using var reference = new MemoryStorage(1 << 20);
        await using var storage = new MirrorVerifyStorage(inner, reference, leaveOpen: true);
        await storage.WriteAsync(0, new byte[700_000]);
        await storage.ReadAsync(0, new byte[1 << 20]);
        await inner.WriteAsync(600_001, new byte[] { 1 });
        await storage.ReadAsync(0, new byte[600_001]);
        var failure = await Assert.ThrowsAsync<BlockStorageException>(async () => await storage.ReadAsync(100, new byte[1_000_000]));
        Assert.Equal((BlockErrorKind.CorruptImage, 600_001L), (failure.Kind, failure.OffsetBytes));
        Assert.Equal(1, storage.DifferenceCount);
    }

    [Fact]
    public async Task Statistics_know_failures_by_kind()
    {
        await using var storage = new StatisticsStorage(
            new FaultStorage(
                new MemoryStorage(4096),
                [
                    new FaultRule { Operation = BlockOperation.Write, Kind = BlockErrorKind.NoSpace },
                    new FaultRule { Operation = BlockOperation.Read, Kind = BlockErrorKind.TimedOut },
                ]),
            TimeProvider.System);
        for (var step = 0; step < 3; step++)
        {
            await Assert.ThrowsAsync<BlockStorageException>(async () => await storage.WriteAsync(0, new byte[1]));
        }

        await Assert.ThrowsAsync<BlockStorageException>(async () => await storage.ReadAsync(0, new byte[1]));
        Assert.Equal((3, 1, 0), (storage.FailuresOf(BlockErrorKind.NoSpace), storage.FailuresOf(BlockErrorKind.TimedOut), storage.FailuresOf(BlockErrorKind.Io)));
    }
}

public sealed class WriteLogTests
{
    [Fact]
    public async Task Every_prefix_of_a_log_is_the_storage_as_it_was_then()
    {
        var random = new Random(7);
        await using var storage = new WriteLogStorage(new MemoryStorage(8192));
        var states = new List<byte[]> { new byte[8192] };
        for (var step = 0; step < 60; step++)
        {
            var offset = random.Next(8000);
            var length = random.Next(1, 8192 - offset);
            if (step % 5 == 4)
            {
                await storage.WriteZeroesAsync(offset, length, mayUnmap: true);
            }
            else
            {
                var data = new byte[length];
                random.NextBytes(data);
                await storage.WriteAsync(offset, data);
            }

            var state = new byte[8192];
            await storage.ReadAsync(0, state);
            states.Add(state);
        }

        await using var copy = new MemoryStorage(8192);
        var shown = await storage.Log.ReplayPrefixesAsync(copy, async prefix =>
        {
            var state = new byte[8192];
            await copy.ReadAsync(0, state);
            Assert.Equal(states[prefix], state);
        });
        Assert.Equal(61, shown);
    }

    [Fact]
    public async Task A_flush_makes_durable_what_had_ended_when_it_was_called_and_nothing_later()
    {
        var time = new SteppedTime();
        var isSlow = false;
        await using var storage = new WriteLogStorage(
            new DelayStorage(new MemoryStorage(4096), time, operation => operation == BlockOperation.Write && isSlow ? TimeSpan.FromSeconds(1) : TimeSpan.Zero));
        await storage.WriteAsync(0, new byte[1]);
        isSlow = true;
        var slow = storage.WriteAsync(1, new byte[1]).AsTask();
        isSlow = false;
        await storage.WriteAsync(2, new byte[1]);
        await storage.FlushAsync();
        time.Step();
        await slow;
        await storage.FlushAsync();
        Assert.Equal((0, 1, 4), (storage.Log.DurableCount(3), storage.Log.DurableCount(4), storage.Log.DurableCount(5)));
    }

    [Fact]
    public async Task What_is_written_down_is_what_is_written_though_the_buffer_changes()
    {
        var time = new SteppedTime();
        await using var memory = new MemoryStorage(4096);
        await using var storage = new WriteLogStorage(new DelayStorage(memory, time, TimeSpan.FromSeconds(1), leaveOpen: true));
        var buffer = new byte[] { 1 };
        var write = storage.WriteAsync(0, buffer).AsTask();
        buffer[0] = 2;
        time.Step();
        await write;
        var read = new byte[1];
        await memory.ReadAsync(0, read);
        Assert.Equal((1, 1), (read[0], storage.Log[0].Data.Span[0]));
    }
}

public sealed class PartitionTests
{
    /// <summary>What sfdisk 2.38 writes on 16 MiB for partitions at sectors 2048 (2048 long) and 8192 (4096 long).</summary>
    private const string GptHeader =
        "4546492050415254000001005c0000005573d7d0000000000100000000000000ff7f0000000000000008000000000000de7f000000000000"
        + "111111112222333344445555555555550200000000000000800000008000000046659060";

    private const string GptCopyHeader =
        "4546492050415254000001005c000000eb22212900000000ff7f00000000000001000000000000000008000000000000de7f000000000000"
        + "11111111222233334444555555555555df7f000000000000800000008000000046659060";

    private const string GptEntries =
        "af3dc60f838472478e793d69d8477de4111111112222333344446666666666660008000000000000ff0f000000000000000000000000000062006f006f00"
        + "7400000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
        + "00000000af3dc60f838472478e793d69d8477de4111111112222333344447777777777770020000000000000ff2f00000000000000000000000000007200"
        + "6f006f00740000000000000000000000000000000000";

    [Fact]
    public async Task A_GPT_that_sfdisk_wrote_is_read_also_from_its_copy_at_the_end()
    {
        await using var disk = new MemoryStorage(16 << 20);
        await disk.WriteAsync(446, Convert.FromHexString("00000200eeffffff01000000ff7f0000"));
        await disk.WriteAsync(510, new byte[] { 0x55, 0xAA });
        var entries = Convert.FromHexString(GptEntries);
        await disk.WriteAsync(512, Convert.FromHexString(GptHeader));
        await disk.WriteAsync(1024, entries);
        await disk.WriteAsync(32735 * 512, entries);
        await disk.WriteAsync(disk.SizeBytes - 512, Convert.FromHexString(GptCopyHeader));
        for (var damage = 0; damage < 2; damage++)
        {
            var table = await PartitionTable.ReadAsync(disk);
            Assert.Equal(PartitionTableKind.Gpt, table.Kind);
            Assert.Equal("1:1048576+1048576 2:4194304+2097152", Text(table));
            Assert.Equal(["boot", "root"], table.Partitions.Select(partition => partition.Name));
            await disk.WriteAsync(512 + 60, new byte[] { 1 });
        }

        await disk.WriteAsync(32735 * 512, new byte[] { 1 });
        await Assert.ThrowsAsync<BlockStorageException>(async () => await PartitionTable.ReadAsync(disk));
    }

    [Fact]
    public async Task An_MBR_with_logical_partitions_that_sfdisk_wrote_is_read()
    {
        await using var disk = new MemoryStorage(16 << 20);
        foreach (var (sector, entries) in new[]
                 {
                     (0, "00202100834101000008000000080000004102000587060100100000005000000000000000000000000000000000000000000000000000000000000000000000"),
                     (4096, "006122008371310000080000000400000071320005b23200000c0000001000000000000000000000000000000000000000000000000000000000000000000000"),
                     (7168, "0092130082b232000008000000080000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"),
                 })
        {
            await disk.WriteAsync((sector * 512) + 446, Convert.FromHexString(entries));
            await disk.WriteAsync((sector * 512) + 510, new byte[] { 0x55, 0xAA });
        }

        var table = await PartitionTable.ReadAsync(disk);
        Assert.Equal(PartitionTableKind.Mbr, table.Kind);
        Assert.Equal("1:1048576+1048576 5:3145728+524288 6:4718592+1048576", Text(table));
        Assert.Equal(["83", "83", "82"], table.Partitions.Select(partition => partition.Type));
    }

    [Fact]
    public async Task A_partition_is_a_disk_of_its_own_and_another_number_is_refused()
    {
        await using var disk = new MemoryStorage(1 << 20);
        await disk.WriteAsync(446 + 4, new byte[] { 0x83, 0, 0, 0, 8, 0, 0, 0, 16, 0, 0, 0 });
        await disk.WriteAsync(510, new byte[] { 0x55, 0xAA });
        await using var partition = await RangeStorage.OfPartitionAsync(disk, 1, leaveOpen: true);
        Assert.Equal(16 * 512, partition.SizeBytes);
        await partition.WriteAsync(0, new byte[] { 7 });
        var read = new byte[1];
        await disk.ReadAsync(8 * 512, read);
        Assert.Equal(7, read[0]);
        Assert.Equal(BlockResult.OutOfRange, await partition.WriteAsync(16 * 512, new byte[1]));
        var missing = await Assert.ThrowsAsync<BlockStorageException>(async () => await RangeStorage.OfPartitionAsync(disk, 2, leaveOpen: true));
        Assert.Contains("no partition 2; found 1", missing.Message, StringComparison.Ordinal);
    }

    private static string Text(PartitionTable table) =>
        string.Join(' ', table.Partitions.Select(partition => $"{partition.Number}:{partition.OffsetBytes}+{partition.LengthBytes}"));

    [Fact]
    public async Task Hostile_tables_end_and_list_nothing_outside_of_the_disk()
    {
        var random = new Random(3);
        for (var step = 0; step < 2000; step++)
        {
            var sector = new byte[65536];
            for (var link = 0; link < sector.Length; link += 512)
            {
                for (var entry = 0; entry < 4; entry++)
                {
                    var place = sector.AsSpan(link + 446 + (entry * 16));
                    place[4] = random.Next(3) switch { 0 => 5, 1 => 0x83, _ => 0xEE };
                    BinaryPrimitives.WriteInt32LittleEndian(place[8..], random.Next(random.Next(2) == 0 ? 128 : int.MaxValue));
                    BinaryPrimitives.WriteInt32LittleEndian(place[12..], random.Next(random.Next(2) == 0 ? 128 : int.MaxValue));
                }

                sector[link + 510] = 0x55;
                sector[link + 511] = 0xAA;
            }

            if (random.Next(2) == 0)
            {
                "EFI PART"u8.CopyTo(sector.AsSpan(512));
                random.NextBytes(sector.AsSpan(520, 84));
            }

            await using var disk = new MemoryStorage(sector);
            try
            {
                foreach (var partition in (await PartitionTable.ReadAsync(disk)).Partitions)
                {
                    Assert.True(partition.OffsetBytes > 0 && partition.LengthBytes > 0 && partition.OffsetBytes + partition.LengthBytes <= disk.SizeBytes);
                }
            }
            catch (BlockStorageException)
            {
                // No table is an answer too.
            }
        }
    }
}

public sealed class StorageLayersTests
{
    [Theory]
    [InlineData("throtle:iops=5", "found 'throtle'")]
    [InlineData("throttle", "limits nothing")]
    [InlineData("throttle:iops=fast", "found iops=fast")]
    [InlineData("throttle:iops=5:iops=6", "once")]
    [InlineData("cache:size=1", "at least 65536")]
    [InlineData("cache:seize=1M", "unknown setting 'seize'")]
    [InlineData("delay", "ms=... is missing")]
    [InlineData("fault:op=trim", "found op=trim")]
    [InlineData("partition", "number=... is missing")]
    [InlineData("readonly:x=1", "unknown setting 'x'")]
    [InlineData("trace", "file=... is missing")]
    public void A_layer_that_is_none_is_refused_in_one_line(string text, string found)
    {
        var refused = Assert.Throws<BlockStorageException>(() => StorageLayers.Check(text));
        Assert.Contains(found, refused.Message, StringComparison.Ordinal);
        Assert.StartsWith($"layer {text}: ", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', refused.Message);
    }

    [Fact]
    public async Task Layers_from_text_stand_in_their_order()
    {
        using var folder = new TemporaryFolder();
        await using (FileStorage.Create(folder["copy"], 65536))
        {
        }

        var time = new SteppedTime();
        var storage = await StorageLayers.ApplyAsync(
            new MemoryStorage(1 << 20),
            [
                "range:offset=64K:length=64K",
                $"verify:with={folder["copy"].Replace(":", "::", StringComparison.Ordinal)}",
                "fault:op=write:every=2:kind=nospace",
                $"trace:file={folder["trace"]}",
            ],
            new StorageLayerContext(time));
        await using (storage)
        {
            Assert.Equal(65536, storage.SizeBytes);
            await storage.WriteAsync(0, new byte[512]);
            await Assert.ThrowsAsync<BlockStorageException>(async () => await storage.WriteAsync(0, new byte[512]));
            await storage.ReadAsync(0, new byte[512]);
        }

        Assert.Equal(["1 0 0 Write 0 512 Ok", "2 0 0 Write 0 512 NoSpace", "3 0 0 Read 0 512 Ok"], await File.ReadAllLinesAsync(folder["trace"]));
    }

    [Fact]
    public async Task Throttles_of_one_name_are_one_group_in_a_context()
    {
        var context = new StorageLayerContext(new SteppedTime());
        await using var one = (ThrottleStorage)await StorageLayers.ApplyAsync(new MemoryStorage(4096), ["throttle:iops=5:group=a"], context);
        await using var two = (ThrottleStorage)await StorageLayers.ApplyAsync(new MemoryStorage(4096), ["throttle:group=a"], context);
        Assert.Same(one.Group, two.Group);
        await using var memory = new MemoryStorage(4096);
        await Assert.ThrowsAsync<BlockStorageException>(async () => await StorageLayers.ApplyAsync(memory, ["throttle:iops=6:group=a"], context));
    }
}
