using System.Diagnostics;
using System.Reflection;
using Eider.Storage;
using Eider.Storage.Layers;
using Xunit;

namespace Eider.Testing.Storage;

/// <summary>
/// What every storage must do, whatever it stands on: back ends, formats and layers derive a test class from this
/// and say how one is made.
/// </summary>
public abstract class BlockStorageConformance
{
    private const int Size = (300 * 1024) + 789;
    private const int Writers = 4;
    private const int Stripe = 331;

    /// <summary>True if the storages that are made cannot be written.</summary>
    protected virtual bool IsReadOnly => false;

    /// <summary>True if reads and writes must not allocate.</summary>
    protected virtual bool IsAllocationFree => false;

    /// <summary>What sizes must be a multiple of.</summary>
    protected virtual int SizeMultiple => 1;

    /// <summary>A storage that holds the content, and is as large.</summary>
    protected abstract ValueTask<BlockStorage> CreateAsync(byte[] content);

    /// <summary>The same, over something that fails now and then; by default the storage itself does.</summary>
    protected virtual async ValueTask<BlockStorage> CreateFaultyAsync(byte[] content, int seed) =>
        new FaultStorage(await CreateAsync(content), FaultRules(seed));

    /// <summary>Rules that fail some reads, writes, zeroes and discards, but no flush.</summary>
    protected static IEnumerable<FaultRule> FaultRules(int seed) =>
    [
        new FaultRule { Operation = BlockOperation.Read, Every = 5 + (seed % 3) },
        new FaultRule { Operation = BlockOperation.Write, Every = 4, TornBytes = 700 * (seed % 4) },
        new FaultRule { Operation = BlockOperation.WriteZeroes, Every = 3 },
        new FaultRule { Operation = BlockOperation.Discard, Every = 3 },
    ];

    /// <summary>Bytes from a seed.</summary>
    protected static byte[] Bytes(int seed, int length)
    {
        var bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Reads_back_what_random_requests_wrote(int seed)
    {
        var content = Bytes(seed, Round(Size));
        await using var storage = await CreateAsync(content);
        var model = new StorageModel(content);
        var random = new Random(seed);
        for (var step = 0; step < 300; step++)
        {
            await RandomStepAsync(storage, model, random, faulty: false);
        }

        model.Check(0, await ReadAllAsync(storage));
    }

    [Theory]
    [InlineData(11)]
    [InlineData(12)]
    [InlineData(13)]
    public async Task Under_faults_gives_the_right_bytes_or_an_exception_and_harms_no_neighbour(int seed)
    {
        var content = Bytes(seed, Round(Size));
        await using var storage = await CreateFaultyAsync(content, seed);
        var model = new StorageModel(content);
        var random = new Random(seed);
        var failures = 0;
        for (var step = 0; step < 300; step++)
        {
            failures += await RandomStepAsync(storage, model, random, faulty: true);
        }

        Assert.True(failures > 0, "no fault reached the storage: the test shows nothing");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(511)]
    [InlineData(512)]
    [InlineData(4096)]
    [InlineData(65535)]
    [InlineData(65536)]
    [InlineData(65537)]
    [InlineData(131072)]
    public async Task Serves_every_size_to_its_last_byte(int size)
    {
        var content = Bytes(size, Round(size));
        await using var storage = await CreateAsync(content);
        Assert.Equal(content.Length, storage.SizeBytes);
        Assert.Equal(content, await ReadAllAsync(storage));

        var last = new byte[1];
        Assert.Equal(BlockResult.Ok, await storage.ReadAsync(content.Length - 1, last));
        Assert.Equal(content[^1], last[0]);
        if (!IsReadOnly)
        {
            Assert.Equal(BlockResult.Ok, await storage.WriteAsync(content.Length - 1, new byte[] { (byte)(255 - last[0]) }));
            content[^1] = (byte)(255 - content[^1]);
            Assert.Equal(content, await ReadAllAsync(storage));
        }
    }

    [Fact]
    public async Task Describes_itself_by_a_name_and_a_valid_geometry()
    {
        await using var storage = await CreateAsync(Bytes(1, Round(Size)));
        var geometry = storage.Geometry;
        Assert.NotEmpty(storage.Name);
        Assert.True(int.IsPow2(geometry.LogicalBlockBytes) && geometry.LogicalBlockBytes >= 512);
        Assert.True(int.IsPow2(geometry.PhysicalBlockBytes) && geometry.PhysicalBlockBytes >= geometry.LogicalBlockBytes);
        Assert.True(int.IsPow2(geometry.BufferAlignmentBytes));
        Assert.Equal(geometry.CanDiscard, geometry.DiscardGranularityBytes > 0);
        Assert.Equal(IsReadOnly, geometry.IsReadOnly);
        Assert.False(geometry.IsReadOnly && (geometry.CanDiscard || geometry.WriteZeroesMayUnmap));
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 0)]
    [InlineData(1, 1)]
    [InlineData(-1, 1)]
    [InlineData(-4096, 8192)]
    [InlineData(long.MinValue, 1)]
    [InlineData(long.MaxValue, 1)]
    [InlineData(long.MaxValue - 4095, 4096)]
    public async Task Out_of_range_is_a_result_and_touches_nothing(long offset, int length)
    {
        var content = Bytes(5, Round(Size));
        await using var storage = await CreateAsync(content);

        // Small offsets count from the end.
        var start = offset is >= 0 and <= 1 ? storage.SizeBytes + offset : offset;
        var buffer = Bytes(6, length);
        var expectedWrite = IsReadOnly ? BlockResult.ReadOnly : BlockResult.OutOfRange;
        Assert.Equal(BlockResult.OutOfRange, await storage.ReadAsync(start, buffer));
        Assert.Equal(Bytes(6, length), buffer);
        Assert.Equal(expectedWrite, await storage.WriteAsync(start, buffer));
        Assert.Equal(expectedWrite, await storage.DiscardAsync(start, length));
        Assert.Equal(expectedWrite, await storage.WriteZeroesAsync(start, length, mayUnmap: true));
        Assert.Equal(content, await ReadAllAsync(storage));
    }

    [Theory]
    [InlineData(long.MaxValue)]
    [InlineData(-1)]
    [InlineData(long.MinValue)]
    public async Task A_length_that_cannot_be_is_out_of_range(long length)
    {
        await using var storage = await CreateAsync(Bytes(5, Round(Size)));
        var expected = IsReadOnly ? BlockResult.ReadOnly : BlockResult.OutOfRange;
        Assert.Equal(expected, await storage.DiscardAsync(1, length));
        Assert.Equal(expected, await storage.WriteZeroesAsync(1, length, mayUnmap: false));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(async () => await storage.GetExtentAsync(1, length));
    }

    [Fact]
    public async Task An_empty_request_inside_is_done_at_once()
    {
        await using var storage = await CreateAsync(Bytes(5, Round(Size)));
        var expected = IsReadOnly ? BlockResult.ReadOnly : BlockResult.Ok;
        foreach (var offset in new[] { 0, 17, storage.SizeBytes })
        {
            Assert.Equal(BlockResult.Ok, await storage.ReadAsync(offset, default));
            Assert.Equal(BlockResult.Ok, await storage.ReadAsync(offset, Array.Empty<byte>()));
            Assert.Equal(expected, await storage.WriteAsync(offset, default));
            Assert.Equal(expected, await storage.DiscardAsync(offset, 0));
            Assert.Equal(expected, await storage.WriteZeroesAsync(offset, 0, mayUnmap: true));
        }
    }

    [Fact]
    public async Task A_scatter_list_may_have_thousands_of_pieces_and_empty_ones()
    {
        var content = Bytes(7, Round(Size));
        await using var storage = await CreateAsync(content);
        var data = new byte[5000];
        Memory<byte>[] pieces =
        [
            .. Enumerable.Repeat(Memory<byte>.Empty, 200),
            .. Enumerable.Range(0, data.Length).Select(index => data.AsMemory(index, 1)),
            .. Enumerable.Repeat(Memory<byte>.Empty, 3),
        ];
        Assert.Equal(BlockResult.Ok, await storage.ReadAsync(60_001, new BufferList(pieces)));
        Assert.Equal(content[60_001..65_001], data);
        if (!IsReadOnly)
        {
            data.AsSpan().Reverse();
            Assert.Equal(BlockResult.Ok, await storage.WriteAsync(60_001, new BufferList(pieces)));
            data.CopyTo(content.AsSpan(60_001));
            Assert.Equal(content, await ReadAllAsync(storage));
        }
    }

    [Fact]
    public async Task A_read_only_storage_refuses_every_change_and_flushes_well()
    {
        var content = Bytes(8, Round(Size));
        await using var storage = await CreateAsync(content);
        if (IsReadOnly)
        {
            Assert.Equal(BlockResult.ReadOnly, await storage.WriteAsync(0, new byte[512]));
            Assert.Equal(BlockResult.ReadOnly, await storage.DiscardAsync(0, 4096));
            Assert.Equal(BlockResult.ReadOnly, await storage.WriteZeroesAsync(0, 4096, mayUnmap: true));
            Assert.Equal(content, await ReadAllAsync(storage));
        }

        Assert.Equal(BlockResult.Ok, await storage.FlushAsync(TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData(0, 4096)]
    [InlineData(100, 5)]
    [InlineData(4000, 70_000)]
    [InlineData(65_536, 131_072)]
    [InlineData(65_000, 200_000)]
    public async Task Zeroes_and_discards_keep_to_their_range(int offset, int length)
    {
        if (IsReadOnly)
        {
            return;
        }

        var content = Bytes(9, Round(Size));
        foreach (var mayUnmap in new[] { false, true })
        {
            await using var storage = await CreateAsync(content);
            var model = new StorageModel(content);
            Assert.Equal(BlockResult.Ok, await storage.WriteZeroesAsync(offset, length, mayUnmap));
            model.Write(offset, new byte[length]);
            model.Check(0, await ReadAllAsync(storage));
        }

        await using var discarded = await CreateAsync(content);
        var result = await discarded.DiscardAsync(offset, length);
        Assert.Equal(discarded.Geometry.CanDiscard ? BlockResult.Ok : BlockResult.Unsupported, result);
        var remaining = new StorageModel(content);
        remaining.Discard(offset, result == BlockResult.Ok ? length : 0);
        remaining.Check(0, await ReadAllAsync(discarded));
    }

    [Fact]
    public async Task Extents_cover_the_disk_without_a_gap_and_zero_ones_read_as_zeroes()
    {
        var content = Bytes(10, Round(Size));
        content.AsSpan(70_000, 150_000).Clear();
        await using var storage = await CreateAsync(content);
        if (!IsReadOnly)
        {
            Assert.Equal(BlockResult.Ok, await storage.WriteZeroesAsync(70_000, 150_000, mayUnmap: true));
            Assert.Equal(BlockResult.Ok, await storage.WriteAsync(140_001, Bytes(11, 77)));
            Bytes(11, 77).CopyTo(content, 140_001);
        }

        for (var offset = 0L; offset < storage.SizeBytes;)
        {
            var asked = Math.Min(storage.SizeBytes - offset, 200_000);
            var extent = await storage.GetExtentAsync(offset, asked);
            Assert.Equal(offset, extent.OffsetBytes);
            Assert.InRange(extent.LengthBytes, 1, asked);
            if (extent.Status.HasFlag(BlockExtentStatus.Zero))
            {
                Assert.False(content.AsSpan((int)offset, (int)extent.LengthBytes).ContainsAnyExcept((byte)0));
            }

            offset += extent.LengthBytes;
        }

        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(async () => await storage.GetExtentAsync(0, 0));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(async () => await storage.GetExtentAsync(storage.SizeBytes, 1));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(async () => await storage.GetExtentAsync(-1, 1));
    }

    [Fact]
    public async Task A_request_that_is_cancelled_before_it_starts_does_nothing()
    {
        var content = Bytes(12, Round(Size));
        await using var storage = await CreateAsync(content);
        var cancelled = new CancellationToken(canceled: true);
        var buffer = new byte[512];
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await storage.ReadAsync(0, buffer, cancelled));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await storage.WriteAsync(0, buffer, cancelled));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await storage.DiscardAsync(0, 512, cancelled));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            async () => await storage.WriteZeroesAsync(0, 512, true, cancelled));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await storage.GetExtentAsync(0, 512, cancelled));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await storage.FlushAsync(cancelled));
        Assert.Equal(content, await ReadAllAsync(storage));
        Assert.Equal(BlockResult.Ok, await storage.FlushAsync());
    }

    [Fact]
    public async Task Neighbours_that_are_written_at_once_do_not_harm_each_other()
    {
        var content = Bytes(13, Round(Size));
        await using var storage = await CreateAsync(content);
        var rounds = content.Length / (Stripe * Writers);
        await Task.WhenAll(Enumerable.Range(0, Writers).Select(writer => Task.Run(async () =>
        {
            var buffer = new byte[Stripe];
            for (var round = 0; round < rounds; round++)
            {
                var offset = ((round * Writers) + writer) * Stripe;
                Assert.Equal(BlockResult.Ok, await storage.ReadAsync(offset, buffer));
                Assert.Equal(content[offset..(offset + Stripe)], buffer);
                if (!IsReadOnly)
                {
                    buffer.AsSpan().Fill((byte)(writer + 1));
                    Assert.Equal(BlockResult.Ok, await storage.WriteAsync(offset, buffer));
                }
            }
        })));

        for (var offset = 0; !IsReadOnly && offset < rounds * Stripe * Writers; offset++)
        {
            content[offset] = (byte)((offset / Stripe % Writers) + 1);
        }

        Assert.Equal(content, await ReadAllAsync(storage));
    }

    [Fact]
    public async Task After_closing_every_request_fails_as_closed_and_closing_again_does_nothing()
    {
        var storage = await CreateAsync(Bytes(14, Round(Size)));
        await storage.DisposeAsync();
        await storage.DisposeAsync();
        Assert.True(storage.IsClosed);
        var buffer = new byte[512];
        await AssertClosedAsync(async () => await storage.ReadAsync(0, buffer));
        await AssertClosedAsync(async () => await storage.WriteAsync(0, buffer));
        await AssertClosedAsync(async () => await storage.FlushAsync());
        await AssertClosedAsync(async () => await storage.DiscardAsync(0, 512));
        await AssertClosedAsync(async () => await storage.WriteZeroesAsync(0, 512, mayUnmap: false));
        await AssertClosedAsync(async () => await storage.GetExtentAsync(0, 512));
    }

    [Fact]
    public async Task Requests_in_flight_end_when_the_storage_is_closed()
    {
        var content = Bytes(15, Round(Size));
        var storage = await CreateAsync(content);
        var readers = Enumerable.Range(0, 4).Select(reader => Task.Run(async () =>
        {
            var buffer = new byte[3000];
            for (var step = 0; ; step++)
            {
                var offset = (int)(((step * 7919L) + reader) % (content.Length - buffer.Length));
                await storage.ReadAsync(offset, buffer);
                Assert.Equal(content[offset..(offset + buffer.Length)], buffer);
            }
        })).ToArray();
        await Task.Delay(30, TestContext.Current.CancellationToken);
        await storage.DisposeAsync();
        foreach (var reader in readers)
        {
            await AssertClosedAsync(() => reader.WaitAsync(TimeSpan.FromSeconds(20)));
        }
    }

    [Fact]
    public async Task A_failed_flush_stays_failed_and_stops_writes_but_not_reads()
    {
        var content = Bytes(16, Round(Size));
        await using var storage = new FaultStorage(
            await CreateAsync(content), [new FaultRule { Operation = BlockOperation.Flush, IsOnce = true }]);
        var first = await Assert.ThrowsAsync<BlockStorageException>(async () => await storage.FlushAsync());
        Assert.Equal(BlockErrorKind.Io, first.Kind);
        await AssertKindAsync(BlockErrorKind.FlushFailed, async () => await storage.FlushAsync());
        if (!IsReadOnly)
        {
            await AssertKindAsync(BlockErrorKind.FlushFailed, async () => await storage.WriteAsync(0, new byte[512]));
            await AssertKindAsync(BlockErrorKind.FlushFailed, async () => await storage.DiscardAsync(0, 512));
            await AssertKindAsync(BlockErrorKind.FlushFailed, async () => await storage.WriteZeroesAsync(0, 512, false));
        }

        Assert.Equal(content, await ReadAllAsync(storage));
    }

    [Fact]
    public async Task Reads_and_writes_allocate_nothing()
    {
        // Without optimization every asynchronous method is a class.
        var isOptimized = typeof(BlockStorage).Assembly
            .GetCustomAttribute<DebuggableAttribute>() is not { IsJITOptimizerDisabled: true };
        if (!IsAllocationFree || !isOptimized)
        {
            return;
        }

        await using var storage = await CreateAsync(Bytes(17, Round(Size)));
        var single = new byte[8192];
        var list = new BufferList(Enumerable.Range(0, 16).Select(piece => single.AsMemory(piece * 512, 512)).ToArray());
        long Measure()
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var step = 0; step < 200; step++)
            {
                Complete(storage.ReadAsync(step * 512, single));
                Complete(storage.ReadAsync(step * 512, list));
                if (!IsReadOnly)
                {
                    Complete(storage.WriteAsync(step * 512, single));
                    Complete(storage.WriteAsync(step * 512, list));
                    Complete(storage.FlushAsync());
                }
            }

            return GC.GetAllocatedBytesForCurrentThread() - before;
        }

        // The first rounds compile; tiering up may allocate on this thread, so the best of several counts.
        Assert.Equal(0, Enumerable.Range(0, 10).Min(_ => Measure()));
    }

    /// <summary>Reads the whole disk by one request.</summary>
    protected static async Task<byte[]> ReadAllAsync(BlockStorage storage)
    {
        var bytes = new byte[storage.SizeBytes];
        Assert.Equal(BlockResult.Ok, await storage.ReadAsync(0, bytes));
        return bytes;
    }

    /// <summary>Fails unless the action fails with the kind.</summary>
    protected static async Task AssertKindAsync(BlockErrorKind kind, Func<Task> action) =>
        Assert.Equal(kind, (await Assert.ThrowsAsync<BlockStorageException>(action)).Kind);

    private static Task AssertClosedAsync(Func<Task> action) => AssertKindAsync(BlockErrorKind.Closed, action);

    private static void Complete(ValueTask<BlockResult> request)
    {
        if (!request.IsCompletedSuccessfully || request.Result != BlockResult.Ok)
        {
            Assert.Fail("the request did not complete at once");
        }
    }

    /// <summary>One request at a random place; returns 1 if it failed.</summary>
    private async Task<int> RandomStepAsync(BlockStorage storage, StorageModel model, Random random, bool faulty)
    {
        var length = Math.Min(model.Length, random.Next(3) == 0 ? random.Next(1, 100_000) : random.Next(1, 5000));
        var offset = random.Next(0, model.Length - length + 1);
        if (random.Next(3) == 0)
        {
            offset &= ~511;
        }

        var data = Bytes(random.Next(), length);
        switch (IsReadOnly ? 0 : random.Next(6))
        {
            case 0 or 1:
                var read = new byte[length];
                if (!await TryAsync(storage.ReadAsync(offset, ScatterLists.Cut(random, read, 20)), faulty))
                {
                    return 1;
                }

                model.Check(offset, read);
                return 0;
            case 2 or 3:
                if (!await TryAsync(storage.WriteAsync(offset, ScatterLists.Cut(random, data, 20)), faulty))
                {
                    model.MayHaveWritten(offset, data);
                    return 1;
                }

                model.Write(offset, data);
                return 0;
            case 4:
                if (!await TryAsync(storage.WriteZeroesAsync(offset, length, random.Next(2) == 0), faulty))
                {
                    model.MayHaveWritten(offset, new byte[length]);
                    return 1;
                }

                model.Write(offset, new byte[length]);
                return 0;
            default:
                model.Discard(offset, storage.Geometry.CanDiscard ? length : 0);
                return await TryAsync(storage.DiscardAsync(offset, length), faulty) ? 0 : 1;
        }
    }

    private static async Task<bool> TryAsync(ValueTask<BlockResult> request, bool faulty)
    {
        try
        {
            var result = await request;
            Assert.True(result is BlockResult.Ok or BlockResult.Unsupported, $"found {result}");
            return true;
        }
        catch (BlockStorageException) when (faulty)
        {
            return false;
        }
    }

    private int Round(int size) => (size + SizeMultiple - 1) / SizeMultiple * SizeMultiple;
}
