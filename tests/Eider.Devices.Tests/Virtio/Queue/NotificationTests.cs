using Eider.Devices.Virtio;
using Eider.Testing.Virtio;

namespace Eider.Devices.Tests.Virtio.Queue;

/// <summary>Notification suppression both ways (virtio 1.3, sections 2.7.7, 2.7.10 and 2.8.14).</summary>
public sealed class NotificationTests
{
    private const ulong Buffers = QueueBench.Buffers;

    [Fact]
    public void Spec_2_7_7_2_without_event_idx_flags_decide_and_used_event_is_ignored()
    {
        using var bench = new QueueBench(FeatureSets.Split);
        bench.Ring.Write16(bench.Split.UsedEventAddress, 500);
        Use(bench, 1);
        Assert.Equal(1, bench.Interrupts); // flags = 0: notify
        bench.Ring.SetMode(DriverMode.Never);
        bench.Ring.Write16(bench.Split.UsedEventAddress, 1);
        Use(bench, 1);
        Assert.Equal(1, bench.Interrupts);
    }

    [Fact]
    public void Spec_2_7_7_2_with_event_idx_flags_are_ignored()
    {
        using var bench = new QueueBench(FeatureSets.Split | FeatureSets.EventIdx);
        bench.Ring.Write16(bench.Ring.Layout.DriverAddress, 1);
        bench.Ring.SetMode(DriverMode.AtNextUsed);
        Use(bench, 1);
        Assert.Equal(1, bench.Interrupts);
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(1, true)]
    [InlineData(2, true)]
    [InlineData(3, false)]
    [InlineData(65535, false)]
    public void Spec_2_7_7_2_a_batch_notifies_exactly_if_it_passes_used_event(ushort usedEvent, bool expected)
    {
        using var bench = new QueueBench(FeatureSets.Split | FeatureSets.EventIdx);
        bench.Ring.Write16(bench.Split.UsedEventAddress, usedEvent);
        Use(bench, 3);
        Assert.Equal(expected ? 1 : 0, bench.Interrupts);
    }

    [Theory]
    [InlineData(0, true, true)]
    [InlineData(1, true, true)] // inside a list: hype loses this one
    [InlineData(2, true, true)]
    [InlineData(4, true, true)]
    [InlineData(5, true, false)]
    [InlineData(2, false, false)] // the next round
    [InlineData(9, true, true)] // no such descriptor: better one too many
    public void Spec_2_8_14_a_packed_batch_notifies_if_it_passes_the_descriptor(int offset, bool wrap, bool expected)
    {
        using var bench = new QueueBench(FeatureSets.Packed | FeatureSets.EventIdx);
        bench.Ring.Write16(bench.Ring.Layout.DriverAddress, (ushort)(offset | (wrap ? 0x8000 : 0)));
        bench.Ring.Write16(bench.Ring.Layout.DriverAddress + 2, 2);
        bench.Ring.Add([new(Buffers, 1, false), new(Buffers, 1, false), new(Buffers, 1, false)]);
        bench.Ring.Add([new(Buffers, 1, false), new(Buffers, 1, false)]);
        bench.Queue.Complete(bench.Take(), 0);
        bench.Queue.Complete(bench.Take(), 0);
        bench.Queue.Flush();
        Assert.Equal(expected ? 1 : 0, bench.Interrupts);
    }

    [Theory]
    [InlineData(0, 1)] // enable
    [InlineData(1, 0)] // disable
    [InlineData(3, 1)] // reserved: better one too many
    [InlineData(0xFFFC, 1)] // reserved bits do not count
    [InlineData(0xFFFD, 0)]
    public void Spec_2_8_10_packed_event_flags_decide(int flags, int expected)
    {
        using var bench = new QueueBench(FeatureSets.Packed);
        bench.Ring.Write16(bench.Ring.Layout.DriverAddress + 2, (ushort)flags);
        Use(bench, 1);
        Assert.Equal(expected, bench.Interrupts);
    }

    [Fact]
    public void Spec_2_7_10_2_device_flags_are_0_or_1_without_event_idx_and_0_with_it()
    {
        foreach (var eventIdx in new[] { 0ul, FeatureSets.EventIdx })
        {
            using var bench = new QueueBench(FeatureSets.Split | eventIdx);
            bench.Queue.DisableNotifications();
            Assert.Equal(eventIdx == 0 ? 1 : 0, bench.Ring.Read16(bench.Ring.Layout.DeviceAddress));
            bench.Queue.EnableNotifications();
            Assert.Equal(0, bench.Ring.Read16(bench.Ring.Layout.DeviceAddress));
        }
    }

    [Theory]
    [MemberData(nameof(FeatureSets.Every), MemberType = typeof(FeatureSets))]
    public void Enabling_notifications_sees_what_came_before_it(ulong features)
    {
        using var bench = new QueueBench(features);
        bench.Queue.DisableNotifications();
        Assert.False(bench.Queue.EnableNotifications());
        bench.Queue.DisableNotifications();
        bench.Ring.Add([new(Buffers, 1, false)]);
        bench.Ring.NeedsKick();
        Assert.True(bench.Queue.EnableNotifications());
    }

    [Fact]
    public void What_an_earlier_life_left_in_the_used_ring_does_not_silence_the_driver()
    {
        using var bench = new QueueBench(FeatureSets.Split | FeatureSets.EventIdx);
        bench.Ring.Write16(bench.Ring.Layout.DeviceAddress, 1); // flags
        bench.Ring.Write16(bench.Ring.Layout.DeviceAddress + 4 + (8UL * (ulong)bench.Queue.Size), 100); // avail_event
        bench.Queue.DisableNotifications();
        Assert.False(bench.Queue.EnableNotifications());
        Assert.Equal(0, bench.Ring.Read16(bench.Ring.Layout.DeviceAddress));
        bench.Ring.Add([new(Buffers, 1, false)]);
        Assert.True(bench.Ring.NeedsKick());
    }

    [Theory]
    [MemberData(nameof(FeatureSets.Every), MemberType = typeof(FeatureSets))]
    public void After_enabling_the_next_buffer_is_announced(ulong features)
    {
        using var bench = new QueueBench(features);
        for (var i = 0; i < 40; i++)
        {
            bench.Queue.BeginRun();
            bench.Queue.DisableNotifications();
            while (bench.Queue.TryTake(out var chain))
            {
                bench.Queue.Complete(chain, 0);
            }

            Assert.False(bench.Queue.EnableNotifications());
            while (bench.Ring.TryGetUsed(out _))
            {
            }

            bench.Ring.Add([new(Buffers, 1, false)]);
            Assert.True(bench.Ring.NeedsKick(), $"buffer {i} would sleep for ever");
        }
    }

    [Theory]
    [MemberData(nameof(FeatureSets.Every), MemberType = typeof(FeatureSets))]
    public async Task A_driver_that_only_acts_on_interrupts_never_sleeps_for_ever(ulong features)
    {
        // Both sides honour suppression to the letter: one lost notification ends the run early.
        var device = new EchoDevice();
        await using var bench = new VirtioTestBench(device, new() { Offered = FeatureSets.All });
        var ring = bench.Start(features, 4);
        var buffer = bench.Allocate(64);
        var random = new Random(3);
        for (int sent = 0, received = 0; received < 2000;)
        {
            for (var i = random.Next(1, ring.FreeCount + 1); i > 0 && ring.FreeCount != 0; i--)
            {
                ring.Add([new(buffer, 8, false)]);
                sent++;
            }

            bench.Kick();
            Assert.True(bench.Line.Level, $"asleep after {received} of {sent}");
            do
            {
                bench.Acknowledge();
                while (ring.TryGetUsed(out _))
                {
                    received++;
                }

                ring.SetMode(features.Has(VirtioFeature.EventIdx) ? DriverMode.AtNextUsed : DriverMode.Always);
            }
            while (bench.Line.Level);
            Assert.Equal(sent, received);
        }
    }

    private static void Use(QueueBench bench, int count)
    {
        for (var i = 0; i < count; i++)
        {
            bench.Ring.Add([new(Buffers, 1, false)]);
            bench.Queue.Complete(bench.Take(), 0);
        }

        bench.Queue.Flush();
    }
}
