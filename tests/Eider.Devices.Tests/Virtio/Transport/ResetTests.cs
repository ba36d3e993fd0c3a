using Eider.Devices.Virtio;
using Eider.Devices.Virtio.Queue;
using Eider.Devices.Virtio.Transport;
using Eider.Hardware.Time;
using Eider.Testing.Virtio;

namespace Eider.Devices.Tests.Virtio.Transport;

/// <summary>Resets with requests in flight: after one, no byte of guest memory is written and no interrupt raised for the old life.</summary>
public sealed class ResetTests
{
    private static readonly uint[] Statuses = [0, 1, 3, 0, 1];
    private static readonly VirtioTransportOptions AllFeatures = new() { Offered = FeatureSets.All };

    [Theory]
    [MemberData(nameof(FeatureSets.Layouts), MemberType = typeof(FeatureSets))]
    public async Task Spec_2_4_1_a_reset_waits_for_leased_memory_and_reads_0_only_then(ulong features)
    {
        var device = new EchoDevice { HoldsBack = true };
        await using var bench = new VirtioTestBench(device);
        var ring = bench.Start(features);
        ring.Add([new(bench.Allocate(8), 8, true)]);
        bench.Notify();
        var chain = device.Held[0];
        Assert.True(chain.TryLeaseWritable(0, 8, out var pieces));
        var reset = bench.BeginWrite(VirtioMmioRegister.Status, 0).Pending;
        Assert.NotNull(reset);
        bench.Run();
        Assert.False(reset.IsCompleted);
        Assert.Equal((DeviceStatus)15, bench.Status); // another hart still sees the old life
        Assert.True(device.Queues[0].Cancellation.IsCancellationRequested);
        pieces[0].Span.Fill(1); // the host still writes
        device.Queues[0].PostCompletion(chain, 8);
        bench.Run();
        Assert.True(reset.IsCompleted);
        Assert.Equal(DeviceStatus.None, bench.Status);
        Assert.False(ring.TryGetUsed(out _));
        Assert.Equal(0, bench.Line.Rises);
    }

    [Theory]
    [MemberData(nameof(FeatureSets.Layouts), MemberType = typeof(FeatureSets))]
    public async Task A_chain_that_is_merely_held_is_dead_after_a_reset(ulong features)
    {
        var device = new EchoDevice { HoldsBack = true };
        await using var bench = new VirtioTestBench(device);
        var ring = bench.Start(features);
        var buffer = bench.Allocate(16);
        ring.Add([new(buffer, 8, false), new(buffer + 8, 8, true)]);
        bench.Notify();
        bench.Write(VirtioMmioRegister.Status, 0);
        var chain = device.Held[0];
        Assert.False(chain.IsLive);
        Assert.False(chain.TryReadAt(0, new byte[1]));
        Assert.False(chain.TryWriteAt(0, new byte[1]));
        Assert.False(chain.TryLeaseReadable(0, 1, out _));
        device.Answer(chain); // no harm
        Assert.False(ring.TryGetUsed(out _));
        Assert.Equal(0, bench.Line.Rises);
        Assert.Equal(0, bench.Mmio.Faults);
    }

    [Fact]
    public async Task A_run_in_progress_takes_no_further_request_once_a_reset_was_asked_for()
    {
        var device = new EchoDevice();
        await using var bench = new VirtioTestBench(device);
        var ring = bench.Start(FeatureSets.Split);
        ring.Add([new(bench.Allocate(8), 8, true)]);
        device.OnProcess = () => bench.BeginWrite(VirtioMmioRegister.Status, 0); // another hart, just now
        bench.Notify();
        Assert.Equal(0, device.Taken);
        Assert.Equal(DeviceStatus.None, bench.Status);
        Assert.False(ring.TryGetUsed(out _));
    }

    [Fact]
    public async Task A_back_end_that_throws_when_cancelled_does_not_hang_the_reset()
    {
        var device = new EchoDevice { HoldsBack = true };
        await using var bench = new VirtioTestBench(device);
        bench.Start(FeatureSets.Split).Add([new(bench.Allocate(8), 8, true)]);
        bench.Notify();
        await using var bug = device.Queues[0].Cancellation.Register(() => throw new InvalidOperationException("bug"));
        bench.Write(VirtioMmioRegister.Status, 0);
        Assert.Equal(DeviceStatus.None, bench.Status);
        Assert.Equal(1, bench.Mmio.Faults);
        Assert.Contains("stopping 0", device.Calls);
    }

    [Fact]
    public async Task Writes_of_other_harts_during_a_reset_wait_and_run_in_their_order()
    {
        var device = new EchoDevice { HoldsBack = true };
        await using var bench = new VirtioTestBench(device);
        var ring = bench.Start(FeatureSets.Split);
        ring.Add([new(bench.Allocate(8), 8, true)]);
        bench.Notify();
        device.Held[0].MarkPending();
        var waits = Statuses.Select(value => bench.BeginWrite(VirtioMmioRegister.Status, value).Pending!).ToList();
        Assert.All(waits, access => Assert.False(access.IsCompleted));
        bench.Run();
        device.Queues[0].PostCompletion(device.Held[0], 0);
        bench.Run();
        Assert.All(waits, access => Assert.True(access.IsCompleted));
        Assert.Equal(DeviceStatus.Acknowledge, bench.Status);
    }

    [Fact]
    public async Task Endless_writes_during_a_reset_are_bounded()
    {
        var device = new EchoDevice { HoldsBack = true };
        await using var bench = new VirtioTestBench(device);
        bench.Start(FeatureSets.Split).Add([new(bench.Allocate(8), 8, true)]);
        bench.Notify();
        device.Held[0].MarkPending();
        var pending = 0;
        for (var i = 0; i < 1000; i++)
        {
            pending += bench.BeginWrite(VirtioMmioRegister.Status, 0).Pending is null ? 0 : 1;
        }

        Assert.Equal(VirtioLimits.MaxDeferredWrites + 1, pending);
        device.Queues[0].PostCompletion(device.Held[0], 0);
        bench.Run();
        Assert.Equal(DeviceStatus.None, bench.Status);
    }

    [Theory]
    [MemberData(nameof(FeatureSets.Layouts), MemberType = typeof(FeatureSets))]
    public async Task Thousands_of_random_resets_over_a_slow_back_end_leave_no_trace(ulong layout)
    {
        var features = layout | VirtioFeature.RingReset.Mask() | FeatureSets.EventIdx;
        var random = new Random(5);
        WatchedMemory? watched = null;
        var device = new SlowDevice(random);
        await using var bench = new VirtioTestBench(device, AllFeatures, ram => watched = new WatchedMemory(ram));
        for (var life = 0; life < 3000; life++)
        {
            bench.FreeAll();
            var ring = bench.Start(features, 8);
            var buffer = bench.Allocate(4096);
            for (var step = random.Next(6); step > 0; step--)
            {
                for (var i = random.Next(4); i > 0 && ring.FreeCount >= 2; i--)
                {
                    ring.Add([new(buffer, 8, false), new(buffer + (ulong)random.Next(8, 4000), 8, true)]);
                }

                bench.Kick();
                device.Progress();
            }

            ResetSomehow(bench, device, random);
            Assert.Equal(0, watched!.Leases);
            watched.IsFrozen = true;
            var rises = bench.Line.Rises;
            var level = bench.Line.Level;
            device.Progress();
            device.Host.Wake(0);
            bench.Run();
            device.Progress();
            Assert.Equal((rises, level), (bench.Line.Rises, bench.Line.Level));
            watched.IsFrozen = false;
            watched.Forget();
        }

        Assert.Empty(watched!.WritesWhileFrozen);
        Assert.Equal((0L, 0L), (bench.Mmio.Faults, bench.Mmio.DriverErrors));
        Assert.True(device.Finished > 1000);
    }

    [Theory]
    [MemberData(nameof(FeatureSets.Layouts), MemberType = typeof(FeatureSets))]
    public async Task Resets_against_threads_leave_no_trace(ulong features)
    {
        WatchedMemory? watched = null;
        var random = new Random(6);
        var device = new ThreadedDevice();
        await using var bench = new VirtioTestBench(
            device, AllFeatures, ram => watched = new WatchedMemory(ram), new ThreadExecutor(_ => Assert.Fail("a worker threw")));
        var cancel = TestContext.Current.CancellationToken;
        for (var life = 0; life < 300 || (device.Finished < 100 && life < 30_000); life++)
        {
            bench.FreeAll();
            bench.Negotiate(features);
            var ring = bench.SetUpQueue(0, 8, features);
            bench.Write(VirtioMmioRegister.Status, 15);
            var buffer = bench.Allocate(4096);
            var until = random.Next(30);
            for (var i = 0; i < until; i++)
            {
                if (ring.FreeCount >= 1)
                {
                    ring.Add([new(buffer + (ulong)random.Next(4000), 8, true)]);
                }

                bench.Write(VirtioMmioRegister.QueueNotify, 0);
                while (ring.TryGetUsed(out _))
                {
                }
            }

            if (life % 4 == 0)
            {
                await Task.Delay(1, cancel); // so that some resets come late, on a busy machine too
            }

            if (bench.BeginWrite(VirtioMmioRegister.Status, 0).Pending is { } pending)
            {
                var done = new TaskCompletionSource();
                pending.OnCompleted(done.SetResult);
                await done.Task.WaitAsync(TimeSpan.FromSeconds(30), cancel);
            }

            Assert.Equal(0, watched!.Leases);
            watched.IsFrozen = true;
            var rises = bench.Line.Rises;
            await Task.Yield();
            Assert.False(bench.Line.Level);
            Assert.Equal(rises, bench.Line.Rises);
            watched.IsFrozen = false;
        }

        Assert.Empty(watched!.WritesWhileFrozen);
        Assert.Equal(0, bench.Mmio.Faults);
        Assert.True(device.Finished >= 100, $"{device.Finished}");
    }

    private static void ResetSomehow(VirtioTestBench bench, SlowDevice device, Random random)
    {
        var (register, value) = random.Next(3) switch
        {
            0 => (VirtioMmioRegister.Status, 0u),
            1 => (VirtioMmioRegister.QueueReady, 0u),
            _ => (VirtioMmioRegister.QueueReset, 1u),
        };
        var pending = bench.BeginWrite(register, value).Pending;
        for (var i = 0; i < 100 && (pending is { IsCompleted: false } || bench.Read(VirtioMmioRegister.QueueReset) == 1); i++)
        {
            device.Progress();
            bench.Run();
        }

        Assert.True(pending is null or { IsCompleted: true });
        Assert.Equal((0u, 0u), (bench.Read(VirtioMmioRegister.QueueReady), bench.Read(VirtioMmioRegister.QueueReset)));
    }

    /// <summary>Keeps requests for a while: some with a lease, some merely held; finishes them in any order, from outside the worker.</summary>
    private sealed class SlowDevice(Random random) : VirtioDevice
    {
        private readonly List<(DescriptorChain Chain, bool Leased)> _held = [];

        public int Finished { get; private set; }

        public VirtioDeviceContext Host => Context;

        public override VirtioDeviceId DeviceId => new(42);

        public override IReadOnlyList<ushort> QueueSizes => [8];

        public override void ProcessQueue(int index, VirtQueue queue)
        {
            while (queue.TryTake(out var chain))
            {
                _held.Add((chain, random.Next(2) == 0 && chain.TryLeaseWritable(0, chain.WritableBytes, out var pieces) && Fill(pieces)));
            }

            // What is held without a lease may be completed on the worker only.
            for (var i = _held.Count - 1; i >= 0; i--)
            {
                if (!_held[i].Leased && random.Next(2) == 0)
                {
                    _held[i].Chain.TryWriteAt(0, new byte[8]);
                    queue.Complete(_held[i].Chain, 8);
                    _held.RemoveAt(i);
                    Finished++;
                }
            }
        }

        public override void QueueStopping(int index, VirtQueue queue) => _held.RemoveAll(held => !held.Leased);

        public void Progress()
        {
            for (var i = random.Next(_held.Count + 1); i > 0; i--)
            {
                var pick = random.Next(_held.Count);
                if (_held[pick].Leased)
                {
                    _held[pick].Chain.Queue.PostCompletion(_held[pick].Chain, 8);
                    _held.RemoveAt(pick);
                    Finished++;
                }
            }
        }

        private static bool Fill(Storage.BufferList pieces)
        {
            for (var i = 0; i < pieces.Count; i++)
            {
                pieces[i].Span.Fill(7);
            }

            return true;
        }
    }

    /// <summary>Completes each request on a thread of the pool.</summary>
    private sealed class ThreadedDevice : VirtioDevice
    {
        private int _finished;

        public int Finished => Volatile.Read(ref _finished);

        public override VirtioDeviceId DeviceId => new(42);

        public override IReadOnlyList<ushort> QueueSizes => [8];

        public override void ProcessQueue(int index, VirtQueue queue)
        {
            while (queue.TryTake(out var chain))
            {
                if (!chain.TryLeaseWritable(0, chain.WritableBytes, out var pieces))
                {
                    queue.Complete(chain, 0);
                    continue;
                }

                ThreadPool.UnsafeQueueUserWorkItem(
                    _ =>
                    {
                        Thread.SpinWait(2000);
                        pieces[0].Span.Fill(9);
                        Interlocked.Increment(ref _finished);
                        queue.PostCompletion(chain, 8);
                    }, null);
            }
        }
    }
}
