using Eider.Devices.Virtio.Transport;
using Eider.Hardware.Time;
using Eider.Testing.Virtio;

namespace Eider.Devices.Tests.Virtio.Predecessors;

/// <summary>Edge cases of hype's register bus that no other test holds; docs/predecessors.md lists them all.</summary>
public sealed class HypeTransportTests
{
    [Theory]
    [InlineData(0u)]
    [InlineData(1u)]
    [InlineData(3u)]
    [InlineData(11u)]
    public async Task Acknowledging_notifying_and_choosing_features_at_the_wrong_time_changes_nothing(uint status)
    {
        var device = new EchoDevice { OwnFeatures = 0b11 };
        await using var bench = new VirtioTestBench(device);
        if (status == 11)
        {
            bench.Negotiate(FeatureSets.Split);
            bench.WriteDriverFeatures(FeatureSets.Split | 0b11); // too late
        }
        else
        {
            bench.Write(VirtioMmioRegister.Status, status);
        }

        bench.Write(VirtioMmioRegister.InterruptAck, 3);
        bench.Write(VirtioMmioRegister.QueueNotify, 0);
        bench.Run();
        Assert.Equal((DeviceStatus)status, bench.Status);
        Assert.Equal((0, 0L, 0), (bench.Line.Rises, bench.Mmio.Faults, device.Taken));
        if (status == 11)
        {
            Assert.Equal(FeatureSets.Split, device.ReadyFeatures);
        }

        var ring = bench.Start(FeatureSets.Split);
        ring.Add([new(bench.Allocate(8), 8, false)]);
        bench.Notify();
        Assert.True(ring.TryGetUsed(out _));
    }

    [Fact]
    public async Task Queue_registers_before_FEATURES_OK_make_no_queue()
    {
        var device = new EchoDevice();
        await using var bench = new VirtioTestBench(device);
        bench.Write(VirtioMmioRegister.Status, 3);
        bench.SetUpQueue(0, 8, FeatureSets.Split).Add([new(bench.Allocate(8), 8, false)]);
        bench.Notify();
        Assert.Equal(0, device.Taken);
        Assert.DoesNotContain("queue 0", device.Calls);
        bench.Start(FeatureSets.Split);
    }

    [Fact]
    public async Task However_often_a_driver_comes_back_there_is_one_set_of_workers_and_closing_ends_it()
    {
        var executor = new CountingExecutor();
        var device = new EchoDevice(8, 8);
        var bench = new VirtioTestBench(device, executor: executor);
        var most = 0;
        for (var life = 0; life < 50; life++)
        {
            bench.FreeAll();
            bench.Start(FeatureSets.Split, 8, 2).Add([new(bench.Allocate(8), 8, false)]);
            bench.Notify();
            bench.Write(VirtioMmioRegister.Status, 0);
            most = life == 0 ? executor.Living : most;
            Assert.Equal(most, executor.Living);
        }

        Assert.InRange(most, 1, 3);
        await bench.DisposeAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        Assert.Equal(0, executor.Living);
    }

    [Fact]
    public async Task Closing_waits_for_the_memory_of_a_request_in_flight_and_not_for_the_driver()
    {
        var device = new EchoDevice { HoldsBack = true };
        var bench = new VirtioTestBench(device);
        var ring = bench.Start(FeatureSets.Split);
        ring.Add([new(bench.Allocate(8), 8, true)]);
        ring.Add([new(bench.Allocate(8), 8, true)]);
        bench.Notify();
        Assert.True(device.Held[0].TryLeaseWritable(0, 8, out _)); // the other one is merely held
        var closing = bench.DisposeAsync().AsTask();
        await Task.Delay(20, TestContext.Current.CancellationToken);
        Assert.False(closing.IsCompleted);
        Assert.True(device.Queues[0].Cancellation.IsCancellationRequested);
        device.Queues[0].PostCompletion(device.Held[0], 8);
        await closing.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        Assert.Equal("close", device.Calls[^1]);
    }

    /// <summary>Threads, and how many of them there are.</summary>
    private sealed class CountingExecutor : IExecutor
    {
        private readonly ThreadExecutor _threads = new(_ => Assert.Fail("a worker threw"));
        private int _living;

        public int Living => Volatile.Read(ref _living);

        public IWorker CreateWorker(string name, Action body)
        {
            Interlocked.Increment(ref _living);
            return new Worker(this, _threads.CreateWorker(name, body));
        }

        private sealed class Worker(CountingExecutor owner, IWorker inner) : IWorker
        {
            private int _disposed;

            public void Signal() => inner.Signal();

            public void Dispose()
            {
                inner.Dispose();
                if (Interlocked.Exchange(ref _disposed, 1) == 0)
                {
                    Interlocked.Decrement(ref owner._living);
                }
            }
        }
    }
}
