using Eider.Devices.Tests.Virtio.Bench;
using Eider.Devices.Virtio;
using Eider.Devices.Virtio.Entropy;
using Eider.Hardware.Time;
using Eider.Testing.Virtio;

namespace Eider.Devices.Tests.Virtio.Entropy;

/// <summary>The entropy device (virtio 1.3, 5.4).</summary>
public sealed class EntropyTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_buffer_is_filled_with_the_bytes_of_the_source(bool isPacked)
    {
        var device = new EntropyDevice { Source = new CountingSource() }.Build();
        Assert.Equal(VirtioDeviceId.Entropy, device.DeviceId);
        Assert.Equal(0UL, device.Features);
        Assert.Equal(0, device.ConfigSizeBytes);
        using var bench = DeviceBench.Create(device, isPacked);
        bench.Start();
        var ticket = bench.SubmitAndRun(0, bench.Writable(700), bench.Writable(1), bench.Writable(300));
        Assert.Equal(1001u, ticket.UsedBytes);
        Assert.Equal(
            Enumerable.Range(1, 1001).Select(i => unchecked((byte)i)), ticket.Buffers.SelectMany(bench.Read));
        Assert.Equal(1001, bench.Statistics.ReadBytes);
    }

    [Fact]
    public void Without_a_source_the_machines_own_is_used()
    {
        using var bench = DeviceBench.Create(new EntropyDevice().Build());
        bench.Start();
        var expected = new byte[64];
        new SeededRandomSource(1).Fill(expected);
        Assert.Equal(expected, bench.Read(bench.SubmitAndRun(0, bench.Writable(64)).Buffers[0]));
    }

    [Fact]
    public void A_huge_buffer_gets_a_bounded_part()
    {
        using var bench = DeviceBench.Create(new EntropyDevice().Build());
        bench.Start();
        var ticket = bench.SubmitAndRun(0, bench.Writable(1 << 20, fill: 0));
        Assert.Equal((uint)EntropyLimits.MaxRequestBytes, ticket.UsedBytes);
        Assert.All(bench.Read(ticket.Buffers[0])[EntropyLimits.MaxRequestBytes..], b => Assert.Equal(0, b));
    }

    [Fact]
    public void Spec_5_4_6_1_A_readable_buffer_comes_back_empty()
    {
        using var bench = DeviceBench.Create(new EntropyDevice().Build());
        bench.Start();
        var ticket = bench.SubmitAndRun(0, bench.Readable("x"u8));
        Assert.Equal(0u, ticket.UsedBytes);
        Assert.Equal("x"u8, bench.Read(ticket.Buffers[0]));
        Assert.Equal(1, bench.Statistics.Failures);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Spec_5_4_6_2_A_throttled_request_waits_and_gets_at_least_one_byte(bool isPacked)
    {
        // 10 MHz: a second is 10,000,000 ticks.
        var device = new EntropyDevice { RateLimit = new(1000, TimeSpan.FromSeconds(1)) }.Build();
        using var bench = DeviceBench.Create(device, isPacked);
        bench.Start();
        Assert.Equal(1000u, bench.SubmitAndRun(0, bench.Writable(4000)).UsedBytes);
        var large = bench.SubmitAndRun(0, bench.Writable(4000));
        var small = bench.SubmitAndRun(0, bench.Writable(1));
        Assert.False(large.IsUsed);
        bench.Run(limit: 1);

        bench.Time.Advance(639_999); // 64 bytes take 0.064 s
        Tick(bench);
        Assert.False(large.IsUsed);
        bench.Time.Advance(1);
        Tick(bench);
        Assert.Equal(64u, large.UsedBytes);
        Assert.False(small.IsUsed);
        bench.Time.Advance(10_000);
        Tick(bench);
        Assert.Equal(1u, small.UsedBytes);
    }

    [Fact]
    public void The_rate_holds_over_a_long_time_and_a_reset_does_not_fill_the_bucket()
    {
        var device = new EntropyDevice { RateLimit = new(100, TimeSpan.FromMilliseconds(10)) }.Build();
        using var bench = DeviceBench.Create(device);
        var total = 0L;
        for (var life = 0; life < 10; life++)
        {
            bench.Start();
            var ticket = bench.SubmitAndRun(0, bench.Writable(512));
            for (var step = 0; step < 100; step++)
            {
                bench.Time.Advance(10_000); // 1 ms
                Tick(bench);
                if (ticket.IsUsed)
                {
                    total += ticket.UsedBytes!.Value;
                    ticket = bench.SubmitAndRun(0, bench.Writable(512));
                }
            }

            bench.BeginReset();
            Assert.True(bench.TryEndReset());
            bench.FreeBuffers();
        }

        // 1 s at 10 bytes a millisecond, and one full bucket.
        Assert.InRange(total, 10_000, 10_100);
    }

    [Fact]
    public void A_reset_drops_the_request_that_waits()
    {
        var device = new EntropyDevice { RateLimit = new(1, TimeSpan.FromSeconds(1)) }.Build();
        using var bench = DeviceBench.Create(device);
        bench.Start();
        bench.SubmitAndRun(0, bench.Writable(1));
        var waiting = bench.SubmitAndRun(0, bench.Writable(1));
        bench.BeginReset();
        Assert.True(bench.TryEndReset());
        bench.Time.Advance(100_000_000);
        Tick(bench);
        Assert.False(waiting.IsUsed);
        Assert.Equal(0xcc, bench.Read(waiting.Buffers[0])[0]);
        bench.Start();
        Assert.Equal(1u, bench.SubmitAndRun(0, bench.Writable(8)).UsedBytes);
    }

    [Fact]
    public void Extreme_limits_do_not_overflow()
    {
        foreach (var limit in new[]
        {
            new EntropyRateLimit(long.MaxValue, TimeSpan.MaxValue), new(long.MaxValue, TimeSpan.FromTicks(1)), new(1, TimeSpan.MaxValue),
        })
        {
            using var bench = DeviceBench.Create(new EntropyDevice { RateLimit = limit }.Build());
            bench.Start();
            Assert.True(bench.SubmitAndRun(0, bench.Writable(64)).UsedBytes >= 1);
            bench.SubmitAndRun(0, bench.Writable(64));
            bench.Run();
        }
    }

    [Fact]
    public void Impossible_limits_are_refused()
    {
        Assert.Throws<ArgumentException>(() => new EntropyDevice { RateLimit = new(0, TimeSpan.FromSeconds(1)) }.Build());
        Assert.Throws<ArgumentException>(() => new EntropyDevice { RateLimit = new(1, TimeSpan.Zero) }.Build());
        Assert.Throws<ArgumentException>(() => new EntropyDevice { RateLimit = new(1, TimeSpan.FromSeconds(-1)) }.Build());
    }

    [Fact]
    public void Bytes_cost_no_allocation_once_warm()
    {
        using var bench = DeviceBench.Create(new EntropyDevice { Source = new CountingSource() }.Build());
        bench.Start();
        DriverBuffer[] room = [bench.Writable(64)];
        long Round()
        {
            bench.Submit(0, room);
            var before = GC.GetAllocatedBytesForCurrentThread();
            bench.RunQueue(0);
            var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            bench.Run();
            return allocated;
        }

        for (var i = 0; i < 100; i++)
        {
            Round();
        }

        // The least of three: a collection that another test causes counts the rest of this thread's piece of the heap as allocated.
        Assert.Equal(0, Enumerable.Range(0, 3).Min(_ => Enumerable.Range(0, 50).Sum(_ => Round())));
    }

    private static void Tick(DeviceBench bench)
    {
        bench.Timebase.RunDueTimers();
        bench.Run();
    }

    private sealed class CountingSource : IRandomSource
    {
        private byte _next;

        public void Fill(Span<byte> destination)
        {
            foreach (ref var b in destination)
            {
                b = unchecked(++_next);
            }
        }
    }
}
