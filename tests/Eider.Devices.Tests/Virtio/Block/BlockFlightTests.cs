using Eider.Devices.Tests.Virtio.Bench;
using Eider.Devices.Virtio.Block;
using Eider.Hardware.Lifecycle;
using Eider.Testing.Virtio;
using static Eider.Devices.Virtio.Block.BlockRequestStatus;
using static Eider.Devices.Virtio.Block.BlockRequestType;

namespace Eider.Devices.Tests.Virtio.Block;

/// <summary>Many requests in flight: their order, a reset among them, and what they cost.</summary>
public sealed class BlockFlightTests
{
    private const int Sectors = 256;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_full_queue_is_in_flight_and_completes_in_the_order_of_the_storage(bool isPacked)
    {
        using var disk = Create(isPacked);
        disk.Storage.Holds = true;
        var tickets = Enumerable.Range(0, 85).Select(i => disk.Submit(In, (ulong)i, inputBytes: 512)).ToList();
        disk.Bench.Run();
        Assert.Equal(85, disk.Storage.HeldCount);
        Assert.Equal(85, disk.Bench.Queue(0).InFlightCount);
        Assert.Empty(disk.Bench.UsedOrder);

        var random = new Random(4);
        var expected = new List<BenchTicket>();
        var left = new List<BenchTicket>(tickets);
        while (left.Count > 0)
        {
            var index = random.Next(left.Count);
            expected.Add(left[index]);
            left.RemoveAt(index);
            disk.Storage.Release(index);
            if (random.Next(3) == 0)
            {
                disk.Bench.Run();
            }
        }

        disk.Bench.Run();
        Assert.Equal(expected, disk.Bench.UsedOrder);
        for (var i = 0; i < tickets.Count; i++)
        {
            Assert.Equal(Ok, disk.StatusOf(tickets[i]));
            Assert.Equal(disk.Storage.Content[(i * 512)..((i + 1) * 512)], disk.DataOf(tickets[i]));
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Every_queue_works_by_itself(bool isPacked)
    {
        using var disk = new BlockBench(
            new ScriptedStorage(new byte[Sectors * 512]), isPacked, d => d with { Queues = 4, QueueSize = 64 });
        disk.Storage.Holds = true;
        var tickets = Enumerable.Range(0, 4).Select(q => disk.Submit(In, (ulong)q, inputBytes: 512, queue: q)).ToList();
        disk.Bench.Run();
        for (var i = 3; i >= 0; i--)
        {
            disk.Storage.Release(i);
            disk.Bench.Run();
            Assert.Equal(tickets.Skip(i), tickets.Where(t => t.IsUsed));
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_reset_ends_what_is_in_flight_and_nothing_of_it_reaches_the_guest(bool isPacked)
    {
        using var disk = Create(isPacked);
        disk.Storage.Holds = true;
        var read = disk.Submit(In, 1, inputBytes: 512);
        var write = disk.Submit(Out, 2, new byte[512]);
        var flush = disk.Submit(Flush, 0);
        disk.Bench.Run();
        disk.Bench.BeginReset(); // cancels
        Assert.True(disk.Bench.TryEndReset());
        Assert.Equal(0, disk.Storage.HeldCount);
        Assert.All(disk.DataOf(read), b => Assert.Equal(BlockBench.Unwritten, b));
        Assert.All(new[] { read, write, flush }, t => Assert.Equal(0xff, disk.Bench.Read(t.Buffers[^1])[0]));
        Assert.Equal(0, disk.Bench.Interrupts);
        Assert.Empty(disk.HostFailures); // giving up is no failure of the host
        Assert.Equal(0, disk.Bench.Statistics.Failures);

        disk.Storage.Holds = false;
        disk.Bench.Start();
        Assert.Equal(Ok, disk.StatusOf(disk.Do(In, 1, inputBytes: 512)));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_reset_waits_for_a_storage_that_does_not_give_up(bool isPacked)
    {
        using var disk = Create(isPacked);
        disk.Storage.Holds = true;
        disk.Storage.IgnoresCancellation = true;
        var read = disk.Submit(In, 1, inputBytes: 512);
        disk.Submit(Flush, 0);
        disk.Bench.Run();
        disk.Bench.BeginReset();
        Assert.False(disk.Bench.TryEndReset());
        disk.Storage.Release(0); // moves bytes while the reset is still under way, never after it
        Assert.False(disk.Bench.TryEndReset());
        disk.Storage.Release(0);
        Assert.True(disk.Bench.TryEndReset());
        Assert.Equal(0xff, disk.Bench.Read(read.Buffers[^1])[0]);
        disk.Storage.Holds = false;
        disk.Bench.Start();
        Assert.Equal(Ok, disk.StatusOf(disk.Do(In, 1, inputBytes: 512)));
    }

    [Fact]
    public void A_completion_that_was_posted_but_not_run_is_dropped_by_a_reset()
    {
        using var disk = Create();
        disk.Storage.Holds = true;
        var read = disk.Submit(In, 1, inputBytes: 512);
        disk.Bench.Run();
        disk.Storage.ReleaseAll(); // posted to the worker, which does not run any more
        disk.Bench.BeginReset();
        Assert.True(disk.Bench.TryEndReset());
        Assert.Equal(0xff, disk.Bench.Read(read.Buffers[^1])[0]);
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    public void A_request_allocates_nothing_once_warm(bool isPacked, bool holds)
    {
        using var disk = Create(isPacked);
        disk.Storage.Log = null;
        disk.Storage.Holds = holds;
        var bench = disk.Bench;
        DriverBuffer[] read = [bench.Readable(BlockBench.Header(In, 1)), bench.Writable(4096), bench.Writable(1)];
        DriverBuffer[] write = [bench.Readable(BlockBench.Header(Out, 9)), bench.Readable(new byte[4096]), bench.Writable(1)];
        DriverBuffer[] zero =
        [
            bench.Readable(BlockBench.Header(WriteZeroes, 0)), bench.Readable(BlockBench.Ranges((3, 1, 0), (5, 1, 0))), bench.Writable(1),
        ];
        long Round()
        {
            // The driver of the bench allocates, the device must not: only the worker's run is measured.
            bench.Submit(0, read);
            bench.Submit(0, write);
            bench.Submit(0, zero);
            var before = GC.GetAllocatedBytesForCurrentThread();
            bench.RunQueue(0);
            while (disk.Storage.HeldCount > 0)
            {
                disk.Storage.Release(disk.Storage.HeldCount - 1);
                bench.RunQueue(0);
            }

            var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            bench.Run();
            return allocated;
        }

        for (var i = 0; i < 200; i++)
        {
            Round();
        }

        Assert.Equal(0, Enumerable.Range(0, 50).Sum(_ => Round()));
        Assert.Equal(750, bench.Statistics.Requests);
        Assert.Equal(0, bench.Statistics.Failures);
    }

    [Fact]
    public void A_trace_shows_each_request_with_place_length_and_status()
    {
        var trace = new TraceList();
        using var disk = new BlockBench(new ScriptedStorage(new byte[Sectors * 512]), trace: trace);
        disk.Do(In, 3, inputBytes: 1024);
        disk.Do(Out, 4, new byte[512]);
        disk.Do(Flush, 0);
        disk.Do(In, Sectors, inputBytes: 512);
        disk.Do((BlockRequestType)99, ulong.MaxValue);
        Assert.Equal(
            ["bench read 600 0 1024", "bench write 800 0 512", "bench flush 0 0 0", "bench read 20000 1 0", "bench unknown fffffffffffffe00 2 0"],
            trace.Events.Select(e => $"{e.Source} {e.Operation} {e.Address:x} {e.Value} {e.LengthBytes}"));
        Assert.All(trace.Events, e => Assert.Equal(TraceCategory.Block, e.Category));
    }

    private static BlockBench Create(bool isPacked = false)
    {
        var content = new byte[Sectors * 512];
        new Random(9).NextBytes(content);
        return new BlockBench(new ScriptedStorage(content), isPacked);
    }

    private sealed class TraceList : ITraceSink
    {
        public List<TraceEvent> Events { get; } = [];

        public void Emit(in TraceEvent traceEvent) => Events.Add(traceEvent);
    }
}
