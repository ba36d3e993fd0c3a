using System.Diagnostics;
using Eider.Devices.Virtio;
using Eider.Devices.Virtio.Transport;
using Eider.Hardware.Bus;
using Eider.Testing.Virtio;

namespace Eider.Devices.Tests.Virtio.Queue;

/// <summary>What a request costs: no allocation, little time, few accesses.</summary>
public sealed class HotPathTests(ITestOutputHelper output)
{
    [Theory]
    [MemberData(nameof(FeatureSets.Every), MemberType = typeof(FeatureSets))]
    public void Taking_leasing_and_completing_allocates_nothing(ulong features)
    {
        using var bench = new QueueBench(features, 16);
        var buffers = Request();
        Round(bench, buffers, 64); // pools fill
        var table = bench.Ring.FreeCount;
        Assert.Equal(16, table);
        var allocated = 0L;
        for (var i = 0; i < 200; i++)
        {
            bench.Ring.Add(buffers);
            var before = GC.GetAllocatedBytesForCurrentThread();
            ServeOne(bench);
            allocated += GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.True(bench.Ring.TryGetUsed(out _));
        }

        Assert.Equal(0, allocated);
    }

    [Theory]
    [MemberData(nameof(FeatureSets.Layouts), MemberType = typeof(FeatureSets))]
    public async Task A_doorbell_its_request_and_its_interrupt_allocate_nothing(ulong features)
    {
        await using var bench = new VirtioTestBench(new EchoDevice());
        var ring = bench.Start(features);
        var buffer = bench.Allocate(64);
        var allocated = 0L;
        for (var i = 0; i < 300; i++)
        {
            ring.Add([new(buffer, 8, false), new(buffer + 8, 8, true)]);
            var before = GC.GetAllocatedBytesForCurrentThread();
            var doorbell = bench.BeginWrite(VirtioMmioRegister.QueueNotify, 0).Status;
            bench.Run();
            var acknowledged = bench.BeginWrite(VirtioMmioRegister.InterruptAck, 1).Status;
            if (i >= 100)
            {
                allocated += GC.GetAllocatedBytesForCurrentThread() - before;
            }

            Assert.Equal((BusStatus.Ok, BusStatus.Ok), (doorbell, acknowledged));
            Assert.True(ring.TryGetUsed(out _));
        }

        Assert.Equal(0, allocated);
    }

    [Theory]
    [MemberData(nameof(FeatureSets.Layouts), MemberType = typeof(FeatureSets))]
    public void A_request_takes_few_accesses_to_guest_memory(ulong features)
    {
        WatchedMemory? watched = null;
        using var bench = new QueueBench(features | FeatureSets.EventIdx, 16, ram => watched = new WatchedMemory(ram));
        bench.Ring.Add(Request());
        ServeOne(bench); // the first one of a life also stores the flags
        bench.Ring.Add(Request());
        var before = watched!.Accesses;
        ServeOne(bench);
        output.WriteLine($"{watched.Accesses - before} accesses");
        // Split: index, ring entry, three descriptors; header, status; used entry and index; event stored, looked at
        // again, and read. Packed: flags and body of three descriptors, and so on.
        Assert.Equal(features.Has(VirtioFeature.RingPacked) ? 16 : 13, watched.Accesses - before);
    }

    [Theory]
    [Trait("Category", "Slow")]
    [MemberData(nameof(FeatureSets.Layouts), MemberType = typeof(FeatureSets))]
    public void A_request_of_4_KiB_costs_well_under_a_microsecond(ulong features)
    {
        // The bound is loose, for a busy machine and a debug build; the benchmark tells the real figure.
        using var bench = new QueueBench(features | FeatureSets.EventIdx, 256);
        var best = double.MaxValue;
        for (var run = 0; run < 4000; run++)
        {
            for (var i = 0; i < 80; i++)
            {
                bench.Ring.Add(Request());
            }

            var start = Stopwatch.GetTimestamp();
            for (var i = 0; i < 80; i++)
            {
                ServeOne(bench);
            }

            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalNanoseconds / 80);
            while (bench.Ring.TryGetUsed(out _))
            {
            }
        }

        output.WriteLine($"{best:F0} ns a request");
        Assert.True(best < 1000, $"{best:F0} ns a request");
    }

    private static DriverBuffer[] Request() =>
    [
        new(QueueBench.Buffers, 16, false), new(QueueBench.Buffers + 4096, 4096, true), new(QueueBench.Buffers + 16, 1, true),
    ];

    private static void Round(QueueBench bench, DriverBuffer[] buffers, int rounds)
    {
        for (var i = 0; i < rounds; i++)
        {
            bench.Ring.Add(buffers);
            ServeOne(bench);
            Assert.True(bench.Ring.TryGetUsed(out _));
        }
    }

    /// <summary>One request as the block device serves it: header, lease, status, completion, notification.</summary>
    private static void ServeOne(QueueBench bench)
    {
        var queue = bench.Queue;
        queue.BeginRun();
        queue.DisableNotifications();
        Span<byte> header = stackalloc byte[16];
        if (queue.TryTake(out var chain) && chain.TryReadAt(0, header) && chain.TryLeaseWritable(0, 4096, out _))
        {
            chain.TryWriteAt(4096, [0]);
            queue.Complete(chain, 4097);
        }

        queue.EnableNotifications();
        queue.Flush();
    }
}
