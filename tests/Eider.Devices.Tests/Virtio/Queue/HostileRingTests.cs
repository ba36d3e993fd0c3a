using Eider.Devices.Virtio;
using Eider.Devices.Virtio.Queue;
using Eider.Hardware.Memory;
using Eider.Testing.Virtio;

namespace Eider.Devices.Tests.Virtio.Queue;

/// <summary>
/// Rings that break the rules of the driver (virtio 1.3, driver requirements of 2.7 and 2.8): each stops the queue
/// with its own fault, told once; nothing throws, nothing is written, the number of guest accesses is bounded.
/// </summary>
public sealed class HostileRingTests
{
    private const ushort Next = 1, Indirect = 4;
    private const ulong Buffers = QueueBench.Buffers, Tables = QueueBench.Tables;

    [Fact]
    public void Spec_2_7_6_1_an_available_index_that_jumps_stops_the_queue()
    {
        using var bench = new QueueBench(FeatureSets.Split);
        bench.Ring.Write16(bench.Ring.Layout.DriverAddress + 2, 9); // of 8
        bench.ExpectFault(QueueFault.AvailableIndexJump);
    }

    [Fact]
    public void Spec_2_7_6_1_an_available_index_that_goes_back_stops_the_queue()
    {
        using var bench = new QueueBench(FeatureSets.Split);
        bench.Ring.Add([new(Buffers, 1, false)]);
        bench.Queue.Complete(bench.Take(), 0);
        bench.Ring.Write16(bench.Ring.Layout.DriverAddress + 2, 0);
        bench.ExpectFault(QueueFault.AvailableIndexJump);
    }

    [Theory]
    [InlineData(8)]
    [InlineData(ushort.MaxValue)]
    public void Spec_2_7_13_1_a_head_that_is_no_descriptor_stops_the_queue(ushort head)
    {
        using var bench = new QueueBench(FeatureSets.Split);
        bench.Split.Publish(head);
        bench.ExpectFault(QueueFault.DescriptorOutOfRange);
    }

    [Fact]
    public void Spec_2_7_5_a_next_field_past_the_table_stops_the_queue()
    {
        using var bench = new QueueBench(FeatureSets.Split);
        bench.Ring.WriteDescriptor(bench.Split.DescriptorAddress(0), Buffers, 1, Next, 8);
        bench.Split.Publish(0);
        bench.ExpectFault(QueueFault.DescriptorOutOfRange);
    }

    [Theory]
    [InlineData(1u)]
    [InlineData(0u)]
    public void Spec_2_7_5_2_a_looped_chain_ends_after_as_many_descriptors_as_the_queue_has(uint length)
    {
        WatchedMemory? watched = null;
        using var bench = new QueueBench(FeatureSets.Split, 8, ram => watched = new WatchedMemory(ram));
        bench.Ring.WriteDescriptor(bench.Split.DescriptorAddress(0), Buffers, length, Next, 0);
        bench.Split.Publish(0);
        bench.ExpectFault(QueueFault.ChainTooLong);
        Assert.InRange(watched!.Accesses, 1, 8 + 4);
    }

    [Fact]
    public void Spec_2_7_5_2_a_chain_of_more_than_4_GiB_stops_the_queue()
    {
        using var bench = new QueueBench(FeatureSets.Split, 8, ram => new EndlessMemory(QueueBench.RamBase, QueueBench.RamBytes, ram));
        bench.Ring.Add([new(Buffers, uint.MaxValue, true), new(Buffers, 2, true)]);
        bench.ExpectFault(QueueFault.ChainTooLarge);
    }

    [Fact]
    public void Spec_2_7_5_2_a_chain_of_exactly_4_GiB_is_taken()
    {
        using var bench = new QueueBench(FeatureSets.Split, 8, ram => new EndlessMemory(QueueBench.RamBase, QueueBench.RamBytes, ram));
        bench.Ring.Add([new(Buffers, uint.MaxValue, true), new(Buffers, 1, true)]);
        Assert.Equal(1ul << 32, bench.Take().WritableBytes);
    }

    [Theory]
    [MemberData(nameof(FeatureSets.Layouts), MemberType = typeof(FeatureSets))]
    public void Spec_2_7_4_2_a_readable_buffer_after_a_writable_one_stops_the_queue(ulong features)
    {
        using var bench = new QueueBench(features);
        bench.Ring.Add([new(Buffers, 1, true), new(Buffers + 8, 1, false)]);
        bench.ExpectFault(QueueFault.ReadableAfterWritable);
    }

    [Theory]
    [InlineData(FeatureSets.Split)]
    [InlineData(FeatureSets.Packed)]
    public void Spec_2_7_5_3_1_an_indirect_table_without_the_feature_stops_the_queue(ulong features)
    {
        using var bench = new QueueBench(features);
        bench.Ring.Add([new(Buffers, 1, false)], Tables);
        bench.ExpectFault(QueueFault.IndirectNotNegotiated);
    }

    [Fact]
    public void Spec_2_7_5_3_1_an_indirect_table_inside_one_stops_the_queue()
    {
        using var bench = new QueueBench(FeatureSets.Split | FeatureSets.Indirect);
        bench.Ring.Add([new(Buffers, 1, false)], Tables);
        bench.Ring.WriteDescriptor(Tables, Tables, 16, Indirect, 0); // refers to itself
        bench.ExpectFault(QueueFault.IndirectNested);
    }

    [Fact]
    public void Spec_2_7_5_3_1_an_indirect_descriptor_with_next_stops_the_queue()
    {
        using var bench = new QueueBench(FeatureSets.Split | FeatureSets.Indirect);
        bench.Ring.Add([new(Buffers, 1, false)], Tables);
        bench.Ring.WriteDescriptor(bench.Split.DescriptorAddress(0), Tables, 16, Indirect | Next, 1);
        bench.ExpectFault(QueueFault.IndirectNested);
    }

    [Theory]
    [InlineData(FeatureSets.Split, 0u)]
    [InlineData(FeatureSets.Split, 15u)]
    [InlineData(FeatureSets.Split, 17u)]
    [InlineData(FeatureSets.Split, 0xFFFFFFF0u)]
    [InlineData(FeatureSets.Packed, 0u)]
    [InlineData(FeatureSets.Packed, 15u)]
    [InlineData(FeatureSets.Packed, 17u)]
    [InlineData(FeatureSets.Packed, 0xFFFFFFF0u)]
    public void An_indirect_table_of_a_wrong_size_stops_the_queue(ulong features, uint bytes)
    {
        using var bench = new QueueBench(features | FeatureSets.Indirect);
        bench.Ring.Add([new(Buffers, 1, false)], Tables);
        if (features == FeatureSets.Split)
        {
            bench.Ring.WriteDescriptor(bench.Split.DescriptorAddress(0), Tables, bytes, Indirect, 0);
        }
        else
        {
            bench.Ring.WriteDescriptor(bench.Packed.DescriptorAddress(0), Tables, bytes, 0, PackedRingDriver.AvailableFlags(true, Indirect));
        }

        bench.ExpectFault(QueueFault.IndirectTableSize);
    }

    [Theory]
    [MemberData(nameof(FeatureSets.Layouts), MemberType = typeof(FeatureSets))]
    public void Spec_2_7_5_3_1_an_indirect_chain_longer_than_the_queue_stops_the_queue(ulong features)
    {
        using var bench = new QueueBench(features);
        bench.Ring.Add([.. Enumerable.Repeat(new DriverBuffer(Buffers, 1, false), 9)], Tables);
        bench.ExpectFault(QueueFault.ChainTooLong);
    }

    [Theory]
    [MemberData(nameof(FeatureSets.Layouts), MemberType = typeof(FeatureSets))]
    public void An_indirect_table_outside_of_RAM_stops_the_queue(ulong features)
    {
        using var bench = new QueueBench(features);
        bench.Ring.Add([new(Buffers, 1, false)], Tables);
        if (features.Has(VirtioFeature.RingPacked))
        {
            bench.Ring.WriteDescriptor(bench.Packed.DescriptorAddress(0), 0x1000, 16, 0, PackedRingDriver.AvailableFlags(true, Indirect));
        }
        else
        {
            bench.Ring.WriteDescriptor(bench.Split.DescriptorAddress(0), 0x1000, 16, Indirect, 0);
        }

        bench.ExpectFault(QueueFault.RingOutsideRam);
    }

    [Theory]
    [InlineData(QueueBench.RamBase - 1, 2u)]
    [InlineData(QueueBench.RamBase + QueueBench.RamBytes - 1, 2u)]
    [InlineData(QueueBench.RamBase + QueueBench.RamBytes, 1u)]
    [InlineData(ulong.MaxValue, 1u)]
    [InlineData(ulong.MaxValue, 2u)]
    [InlineData(ulong.MaxValue - 4, uint.MaxValue)]
    [InlineData(QueueBench.RamBase, uint.MaxValue)]
    [InlineData(0ul, 1u)]
    [InlineData(0xD000_0000ul, 4u)] // its own registers
    public void A_buffer_that_is_not_wholly_RAM_stops_the_queue(ulong address, uint length)
    {
        foreach (var features in new[] { FeatureSets.Split, FeatureSets.Packed })
        {
            using var bench = new QueueBench(features);
            bench.Ring.Add([new(address, length, true)]);
            bench.ExpectFault(QueueFault.BufferOutsideRam);
        }
    }

    [Fact]
    public void A_head_made_available_twice_before_it_is_used_stops_the_queue()
    {
        using var bench = new QueueBench(FeatureSets.Split);
        var head = bench.Ring.Add([new(Buffers, 1, false)]);
        bench.Split.Publish(head);
        bench.Take();
        bench.ExpectFault(QueueFault.BufferInFlight);
    }

    [Fact]
    public void A_packed_buffer_id_made_available_twice_before_it_is_used_stops_the_queue()
    {
        using var bench = new QueueBench(FeatureSets.Packed);
        bench.Ring.WriteDescriptor(bench.Packed.DescriptorAddress(0), Buffers, 1, 5, PackedRingDriver.AvailableFlags(true, 0));
        bench.Ring.WriteDescriptor(bench.Packed.DescriptorAddress(1), Buffers, 1, 5, PackedRingDriver.AvailableFlags(true, 0));
        bench.Take();
        bench.ExpectFault(QueueFault.BufferInFlight);
    }

    [Fact]
    public void Spec_2_8_17_a_head_that_is_available_before_its_tail_stops_the_queue()
    {
        using var bench = new QueueBench(FeatureSets.Packed);
        bench.Ring.WriteDescriptor(bench.Packed.DescriptorAddress(0), Buffers, 1, 0, PackedRingDriver.AvailableFlags(true, Next));
        bench.ExpectFault(QueueFault.ChainNotAvailable);
    }

    [Fact]
    public void Spec_2_8_17_a_packed_ring_full_of_next_ends()
    {
        WatchedMemory? watched = null;
        using var bench = new QueueBench(FeatureSets.Packed, 8, ram => watched = new WatchedMemory(ram));
        for (var i = 0; i < 8; i++)
        {
            // Both wraps look available to somebody who does not track the counter.
            bench.Ring.WriteDescriptor(bench.Packed.DescriptorAddress(i), Buffers, 0, 0, PackedRingDriver.AvailableFlags(true, Next));
        }

        bench.ExpectFault(QueueFault.ChainNotAvailable);
        Assert.InRange(watched!.Accesses, 8, 20);
    }

    [Fact]
    public void Spec_2_8_19_a_packed_indirect_descriptor_in_a_list_stops_the_queue()
    {
        foreach (var first in new[] { true, false })
        {
            using var bench = new QueueBench(FeatureSets.Packed | FeatureSets.Indirect);
            var (indirect, direct) = first ? (0, 1) : (1, 0);
            bench.Ring.WriteDescriptor(
                bench.Packed.DescriptorAddress(indirect), Tables, 16, 0, PackedRingDriver.AvailableFlags(true, Indirect | (first ? Next : 0)));
            bench.Ring.WriteDescriptor(
                bench.Packed.DescriptorAddress(direct), Buffers, 1, 0, PackedRingDriver.AvailableFlags(true, first ? 0 : Next));
            bench.ExpectFault(QueueFault.IndirectNested);
        }
    }

    [Fact]
    public void More_packed_descriptors_available_than_the_ring_has_free_stop_the_queue()
    {
        using var bench = new QueueBench(FeatureSets.Packed, 4);
        for (var i = 0; i < 4; i++)
        {
            bench.Ring.Add([new(Buffers, 1, false)]);
            bench.Take();
        }

        // Nothing was used, so nothing may be available: the driver writes over what is in flight.
        bench.Queue.BeginRun();
        bench.Ring.WriteDescriptor(bench.Packed.DescriptorAddress(0), Buffers, 1, 9, PackedRingDriver.AvailableFlags(false, 0));
        bench.ExpectFault(QueueFault.RingOverrun);
    }

    [Theory]
    [MemberData(nameof(FeatureSets.Layouts), MemberType = typeof(FeatureSets))]
    public void A_ring_that_fails_under_the_device_stops_the_queue(ulong features)
    {
        foreach (var access in new[] { GuestMemoryAccess.Read, GuestMemoryAccess.Write })
        {
            WatchedMemory? watched = null;
            using var bench = new QueueBench(features, 8, ram => watched = new WatchedMemory(ram));
            bench.Ring.Add([new(Buffers, 1, true)]);
            var chain = bench.Take();
            watched!.Refuses = (_, wanted) => wanted == access;
            bench.Queue.Complete(chain, 1);
            bench.ExpectFault(QueueFault.RingOutsideRam);
            Assert.Equal(0, bench.Queue.InFlightCount);
        }
    }

    [Fact]
    public void Any_bytes_in_a_ring_end_in_a_bounded_number_of_accesses_without_a_throw()
    {
        var random = new Random(7);
        foreach (var features in new[] { FeatureSets.Split, FeatureSets.Packed })
        {
            for (var round = 0; round < 3000; round++)
            {
                WatchedMemory? watched = null;
                using var bench = new QueueBench(features | FeatureSets.Indirect | FeatureSets.EventIdx, 8, ram => watched = new WatchedMemory(ram));
                Spoil(bench, random);
                var taken = 0;
                while (bench.Queue.TryTake(out var chain))
                {
                    taken++;
                    chain.TryReadAt(0, new byte[Math.Min(chain.ReadableBytes, 64)]);
                    bench.Queue.Complete(chain, 1);
                }

                bench.Queue.EnableNotifications();
                bench.Queue.Flush();
                Assert.InRange(taken, 0, 8);
                Assert.InRange(watched!.Accesses, 1, 8 * (8 + 16));
                Assert.All(watched.Written, address => Assert.InRange(address, QueueBench.RamBase, QueueBench.RamBase + QueueBench.RamBytes));
            }
        }
    }

    [Theory]
    [MemberData(nameof(FeatureSets.Layouts), MemberType = typeof(FeatureSets))]
    public void Many_long_indirect_chains_are_held_back_not_hoarded(ulong features)
    {
        const int Size = 1024;
        using var bench = new QueueBench(features, Size);
        var table = Enumerable.Repeat(new DriverBuffer(Buffers, 1, false), Size).ToArray();
        for (var i = 0; i < Size; i++)
        {
            bench.Ring.Add(table, Tables);
        }

        var held = new List<DescriptorChain>();
        while (bench.Queue.TryTake(out var chain))
        {
            held.Add(chain);
            bench.Queue.BeginRun(); // the share of one run is another limit
        }

        Assert.Equal(VirtioLimits.MaxHeldSegments / Size, held.Count);
        Assert.True(bench.Queue.IsThrottled);
        bench.Queue.Complete(held[0], 0);
        Assert.True(bench.Queue.TryTake(out _));
        Assert.Empty(bench.Faults);
    }

    [Theory]
    [MemberData(nameof(FeatureSets.Layouts), MemberType = typeof(FeatureSets))]
    public void One_run_takes_twelve_descriptors_for_each_entry_and_the_chain_that_passes_that(ulong features)
    {
        using var bench = new QueueBench(features, 16);
        var table = Enumerable.Repeat(new DriverBuffer(Buffers, 1, false), 16).ToArray();
        for (var i = 0; i < 16; i++)
        {
            bench.Ring.Add(table, Tables);
        }

        foreach (var expected in new[] { 12, 4 })
        {
            for (var i = 0; i < expected; i++)
            {
                Assert.False(bench.Queue.HasUsedShare);
                bench.Queue.Complete(bench.Take(), 0);
            }

            Assert.Equal(expected == 12, bench.Queue.HasUsedShare);
            Assert.False(bench.Queue.TryTake(out _));
            Assert.Equal(expected == 12, bench.Queue.IsThrottled);
            bench.Queue.BeginRun();
        }

        Assert.Empty(bench.Faults);
    }

    private static void Spoil(QueueBench bench, Random random)
    {
        var area = new byte[16 * 8];
        random.NextBytes(area);
        for (var i = 0; i < 8; i++)
        {
            // Mostly plausible, so that deeper checks are reached too.
            if (random.Next(4) != 0)
            {
                BitConverter.TryWriteBytes(area.AsSpan(16 * i), Tables + (ulong)random.Next(4096));
                BitConverter.TryWriteBytes(area.AsSpan((16 * i) + 8), (uint)random.Next(0, 6) * 16);
                BitConverter.TryWriteBytes(area.AsSpan((16 * i) + 12), (ushort)random.Next(8));
                BitConverter.TryWriteBytes(area.AsSpan((16 * i) + 14), (ushort)(random.Next(9) | (random.Next(3) != 0 ? 0x80 : 0x8000)));
            }
        }

        bench.Ring.Write(bench.Ring.Layout.DescriptorAddress, area);
        random.NextBytes(area);
        bench.Ring.Write(Tables, area);
        if (!bench.Ring.Layout.Features.Has(VirtioFeature.RingPacked))
        {
            for (var i = 0; i < 8; i++)
            {
                bench.Ring.Write16(bench.Split.AvailableRing + (2UL * (ulong)i), (ushort)random.Next(10));
            }

            bench.Ring.Write16(bench.Ring.Layout.DriverAddress + 2, (ushort)random.Next(12));
        }
    }

    /// <summary>Says that everything is RAM, so that only the sum of the lengths is wrong.</summary>
    private sealed class EndlessMemory(ulong start, ulong length, GuestRam ram) : GuestMemory
    {
        public override bool Contains(ulong address, ulong lengthBytes) => address >= start && address < start + length;

        public override bool TryRead(ulong address, Span<byte> destination) => ram.TryRead(address, destination);

        public override bool TryWrite(ulong address, ReadOnlySpan<byte> source) => ram.TryWrite(address, source);

        public override bool TryReadUInt16Acquire(ulong address, out ushort value) => ram.TryReadUInt16Acquire(address, out value);

        public override bool TryWriteUInt16Release(ulong address, ushort value) => ram.TryWriteUInt16Release(address, value);

        public override bool TryLease(ulong address, uint lengthBytes, GuestMemoryAccess access, out GuestLease lease) =>
            ram.TryLease(address, lengthBytes, access, out lease);

        protected override void ReturnLease(in GuestLease lease, int writtenBytes)
        {
        }
    }
}
