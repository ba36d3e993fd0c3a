using Eider.Devices.Virtio;
using Eider.Devices.Virtio.Queue;
using Eider.Testing.Virtio;

namespace Eider.Devices.Tests.Virtio.Queue;

/// <summary>Device requirements of virtio 1.3, sections 2.7 and 2.8, and the ring faults of hype done right.</summary>
public sealed class RingClauseTests
{
    private const ulong Buffers = QueueBench.Buffers, Tables = QueueBench.Tables;
    private static readonly int[] Shuffled = [3, 1, 0, 2];

    [Theory]
    [MemberData(nameof(FeatureSets.Every), MemberType = typeof(FeatureSets))]
    public void Spec_2_7_5_1_and_2_8_15_only_used_entries_and_writable_buffers_are_written(ulong features)
    {
        WatchedMemory? watched = null;
        using var bench = new QueueBench(features, 8, ram => watched = new WatchedMemory(ram));
        bench.Ring.Add([new(Buffers, 8, false), new(Buffers + 64, 8, true)]);
        bench.Queue.BeginRun();
        bench.Queue.DisableNotifications();
        var chain = bench.Take();
        chain.TryReadAt(0, new byte[8]);
        chain.TryWriteAt(0, new byte[8]);
        bench.Queue.Complete(chain, 8);
        bench.Queue.EnableNotifications();
        bench.Queue.Flush();
        var layout = bench.Ring.Layout;
        var allowed = Range(Buffers + 64, 8).Concat(Range(layout.DeviceAddress, (int)layout.PartSizes.Device));
        if (features.Has(VirtioFeature.RingPacked))
        {
            allowed = allowed.Concat(Range(layout.DescriptorAddress + 8, 8)); // length, id, flags of the first slot
        }

        Assert.Empty(watched!.Written.Except(allowed).Select(address => $"0x{address:x}"));
    }

    [Theory]
    [MemberData(nameof(FeatureSets.Every), MemberType = typeof(FeatureSets))]
    public void Each_ring_and_descriptor_byte_is_read_once(ulong features)
    {
        WatchedMemory? watched = null;
        using var bench = new QueueBench(features, 8, ram => watched = new WatchedMemory(ram));
        var indirect = features.Has(VirtioFeature.IndirectDesc) ? Tables : 0;
        bench.Ring.Add([new(Buffers, 8, false), new(Buffers + 64, 8, true)], indirect);
        var chain = bench.Take();
        chain.TryReadAt(0, new byte[8]);
        bench.Queue.Complete(chain, 8);
        bench.Queue.Flush();
        Assert.Empty(watched!.ReadTwice.Select(address => $"0x{address:x}"));
        Assert.Equal(1, watched.ReadsOf(Buffers));
        Assert.Equal(0, watched.ReadsOf(Buffers + 64)); // a device should not read writable buffers
    }

    [Theory]
    [MemberData(nameof(FeatureSets.Layouts), MemberType = typeof(FeatureSets))]
    public void What_the_driver_changes_after_a_chain_was_taken_does_not_matter(ulong features)
    {
        using var bench = new QueueBench(features);
        bench.Ring.Write(Buffers, "good"u8);
        bench.Ring.Add([new(Buffers, 4, false), new(Buffers + 64, 4, true)]);
        var chain = bench.Take();
        var everything = new byte[16 * 8];
        everything.AsSpan().Fill(0xA5);
        bench.Ring.Write(bench.Ring.Layout.DescriptorAddress, everything);
        var read = new byte[4];
        Assert.True(chain.TryReadAt(0, read));
        Assert.Equal("good"u8, read);
        Assert.True(chain.TryWriteAt(0, "kept"u8));
        Assert.Equal("kept"u8, bench.Ring.Read(Buffers + 64, 4));
    }

    [Fact]
    public void Spec_2_7_5_3_2_a_write_flag_on_an_indirect_descriptor_is_ignored()
    {
        using var bench = new QueueBench(FeatureSets.Split | FeatureSets.Indirect);
        bench.Ring.Add([new(Buffers, 4, false), new(Buffers + 64, 4, true)], Tables);
        bench.Ring.WriteDescriptor(bench.Split.DescriptorAddress(0), Tables, 32, 4 | 2, 0);
        Assert.Equal((4ul, 4ul), (bench.Take() is var chain ? chain.ReadableBytes : 0, chain.WritableBytes));
    }

    [Fact]
    public void Spec_2_8_7_a_write_flag_on_a_packed_indirect_descriptor_is_ignored()
    {
        using var bench = new QueueBench(FeatureSets.Packed | FeatureSets.Indirect);
        bench.Ring.Add([new(Buffers, 4, false), new(Buffers + 64, 4, true)], Tables);
        bench.Ring.WriteDescriptor(bench.Packed.DescriptorAddress(0), Tables, 32, 0, PackedRingDriver.AvailableFlags(true, 4 | 2));
        Assert.Equal((4ul, 4ul), (bench.Take() is var chain ? chain.ReadableBytes : 0, chain.WritableBytes));
    }

    [Fact]
    public void Spec_2_8_19_flags_but_write_in_a_packed_table_are_ignored()
    {
        using var bench = new QueueBench(FeatureSets.Packed | FeatureSets.Indirect);
        bench.Ring.Add([new(Buffers, 4, false), new(Buffers + 64, 4, true)], Tables);
        bench.Ring.WriteDescriptor(Tables, Buffers, 4, 77, 0xFFFD);
        bench.Ring.WriteDescriptor(Tables + 16, Buffers + 64, 4, 78, 0xFFFF);
        Assert.Equal((4ul, 4ul), (bench.Take() is var chain ? chain.ReadableBytes : 0, chain.WritableBytes));
    }

    [Fact]
    public void Spec_2_7_5_3_2_direct_descriptors_may_stand_before_an_indirect_one()
    {
        using var bench = new QueueBench(FeatureSets.Split | FeatureSets.Indirect);
        var head = bench.Split.AddMixed([new(Buffers, 4, false)], [new(Buffers + 8, 4, false), new(Buffers + 64, 4, true)], Tables);
        var chain = bench.Take();
        Assert.Equal((8ul, 4ul), (chain.ReadableBytes, chain.WritableBytes));
        bench.Queue.Complete(chain, 4);
        Assert.True(bench.Ring.TryGetUsed(out var used));
        Assert.Equal(new UsedBuffer(head, 4), used);
    }

    [Fact]
    public void Spec_2_8_6_the_buffer_id_is_that_of_the_last_descriptor()
    {
        using var bench = new QueueBench(FeatureSets.Packed);
        bench.Packed.SpoilInnerIds = true;
        var id = bench.Ring.Add([new(Buffers, 4, false), new(Buffers, 4, false), new(Buffers + 64, 4, true)]);
        bench.Queue.Complete(bench.Take(), 4);
        Assert.True(bench.Ring.TryGetUsed(out var used));
        Assert.Equal(new UsedBuffer(id, 4), used);
    }

    [Fact]
    public void A_packed_chain_across_the_end_of_the_ring_works_for_ever()
    {
        using var bench = new QueueBench(FeatureSets.Packed, 4);
        for (var round = 0; round < 100; round++)
        {
            var id = bench.Ring.Add([new(Buffers, 4, false), new(Buffers, 4, false), new(Buffers + 64, 4, true)]);
            bench.Queue.BeginRun();
            bench.Queue.Complete(bench.Take(), 1);
            Assert.True(bench.Ring.TryGetUsed(out var used));
            Assert.Equal(new UsedBuffer(id, 1), used);
        }

        Assert.Empty(bench.Faults);
    }

    [Fact]
    public void Available_and_used_side_of_a_packed_ring_wrap_apart()
    {
        using var bench = new QueueBench(FeatureSets.Packed, 4);
        var chains = new Queue<DescriptorChain>();
        for (var i = 0; i < 200; i++)
        {
            // Three in flight: the available side always wraps before the used side does.
            bench.Queue.BeginRun();
            bench.Ring.Add([new(Buffers, 4, false)]);
            chains.Enqueue(bench.Take());
            if (chains.Count == 3)
            {
                bench.Queue.Complete(chains.Dequeue(), 0);
                Assert.True(bench.Ring.TryGetUsed(out _));
            }
        }

        Assert.Empty(bench.Faults);
    }

    [Theory]
    [InlineData(FeatureSets.Split)]
    [InlineData(FeatureSets.Packed)]
    public void Spec_2_8_12_used_entries_come_in_completion_order(ulong features)
    {
        using var bench = new QueueBench(features);
        var ids = Enumerable.Range(0, 4).Select(_ => bench.Ring.Add([new(Buffers, 4, true)])).ToArray();
        var chains = ids.Select(_ => bench.Take()).ToArray();
        foreach (var i in Shuffled)
        {
            bench.Queue.Complete(chains[i], (uint)i);
        }

        foreach (var i in Shuffled)
        {
            Assert.True(bench.Ring.TryGetUsed(out var used));
            Assert.Equal(new UsedBuffer(ids[i], (uint)i), used);
        }
    }

    [Theory]
    [InlineData(FeatureSets.Split | FeatureSets.InOrder)]
    [InlineData(FeatureSets.Packed | FeatureSets.InOrder)]
    public void Spec_6_2_in_order_holds_used_entries_back_until_their_turn(ulong features)
    {
        using var bench = new QueueBench(features);
        var ids = Enumerable.Range(0, 3).Select(_ => bench.Ring.Add([new(Buffers, 4, true)])).ToArray();
        var chains = ids.Select(_ => bench.Take()).ToArray();
        bench.Queue.Complete(chains[2], 2);
        bench.Queue.Complete(chains[1], 1);
        Assert.False(bench.Ring.TryGetUsed(out _));
        bench.Queue.Complete(chains[0], 0);
        for (var i = 0; i < 3; i++)
        {
            Assert.True(bench.Ring.TryGetUsed(out var used));
            Assert.Equal(new UsedBuffer(ids[i], (uint)i), used);
        }
    }

    [Theory]
    [MemberData(nameof(FeatureSets.Layouts), MemberType = typeof(FeatureSets))]
    public void Spec_2_7_8_2_the_index_or_flags_are_stored_after_length_and_data(ulong features)
    {
        // A memory that stops the world at each write sees length and data before the entry becomes visible.
        var order = new List<ulong>();
        using var bench = new QueueBench(features, 8, ram => new OrderMemory(ram, order));
        bench.Ring.Add([new(Buffers + 64, 4, true)]);
        var chain = bench.Take();
        chain.TryWriteAt(0, "data"u8);
        bench.Queue.Complete(chain, 4);
        var layout = bench.Ring.Layout;
        var expected = features.Has(VirtioFeature.RingPacked)
            ? new[] { Buffers + 64, layout.DescriptorAddress + 8, layout.DescriptorAddress + 14 }
            : [Buffers + 64, layout.DeviceAddress + 4, layout.DeviceAddress + 2];
        Assert.Equal(expected, order);
    }

    [Fact]
    public void A_split_index_wraps_at_65536()
    {
        using var bench = new QueueBench(FeatureSets.Split | FeatureSets.EventIdx, 4);
        for (var i = 0; i < 70_000; i++)
        {
            bench.Queue.BeginRun();
            bench.Ring.SetMode(DriverMode.AtNextUsed);
            bench.Ring.Add([new(Buffers, 4, true)]);
            bench.Queue.Complete(bench.Take(), 1);
            bench.Queue.Flush();
            Assert.True(bench.Ring.TryGetUsed(out _));
            Assert.Equal(i + 1, bench.Interrupts);
        }
    }

    [Theory]
    [InlineData(FeatureSets.Split)]
    [InlineData(FeatureSets.Packed)]
    public void The_largest_queue_of_hype_works(ulong features)
    {
        const int Size = 32768;
        using var bench = new QueueBench(features, Size);
        for (var i = 0; i < Size; i++)
        {
            bench.Ring.Add([new(Buffers, 4, true)]);
        }

        var chains = Enumerable.Range(0, Size).Select(_ => bench.Take()).ToList();
        Assert.False(bench.Queue.TryTake(out _));
        chains.ForEach(chain => bench.Queue.Complete(chain, 1));
        for (var i = 0; i < Size; i++)
        {
            Assert.True(bench.Ring.TryGetUsed(out _));
        }
    }

    private static IEnumerable<ulong> Range(ulong start, int count) => Enumerable.Range(0, count).Select(i => start + (ulong)i);

    private sealed class OrderMemory(Hardware.Memory.GuestRam ram, List<ulong> order) : Hardware.Memory.GuestMemory
    {
        public override bool Contains(ulong address, ulong lengthBytes) => ram.Contains(address, lengthBytes);

        public override bool TryRead(ulong address, Span<byte> destination) => ram.TryRead(address, destination);

        public override bool TryWrite(ulong address, ReadOnlySpan<byte> source)
        {
            order.Add(address);
            return ram.TryWrite(address, source);
        }

        public override bool TryReadUInt16Acquire(ulong address, out ushort value) => ram.TryReadUInt16Acquire(address, out value);

        public override bool TryWriteUInt16Release(ulong address, ushort value)
        {
            order.Add(address);
            return ram.TryWriteUInt16Release(address, value);
        }

        public override bool TryLease(
            ulong address, uint lengthBytes, Hardware.Memory.GuestMemoryAccess access, out Hardware.Memory.GuestLease lease) =>
            ram.TryLease(address, lengthBytes, access, out lease);

        protected override void ReturnLease(in Hardware.Memory.GuestLease lease, int writtenBytes)
        {
        }
    }
}
