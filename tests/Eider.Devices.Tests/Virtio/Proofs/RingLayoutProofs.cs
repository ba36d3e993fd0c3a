using Eider.Devices.Virtio;
using Eider.Devices.Virtio.Queue;

namespace Eider.Devices.Tests.Virtio.Proofs;

/// <summary>
/// Where the parts of a ring lie and how long they are (virtio 1.3, 2.7 table and figures of 2.7.5, 2.7.6, 2.7.8; 2.8.10
/// and 2.8.13), for every size.
/// </summary>
public sealed class RingLayoutProofs(ITestOutputHelper output)
{
    private const ulong Ram = 0x10_0000;
    private const int RamBytes = 0x20_0000;
    private const ushort Avail = 0x80, Used = 0x8000, Next = 1;

    [Fact]
    public void A_size_is_usable_exactly_if_the_specification_has_it()
    {
        var memory = new FlatMemory(Ram, RamBytes);
        var cases = 0;
        for (var size = -1; size <= 0x1_0002; size++)
        {
            Assert.Equal(size is >= 1 and <= 32768 && IsPowerOfTwo(size), Layout(size, isPacked: false).IsUsable(memory));
            Assert.Equal(size is >= 1 and <= 32768, Layout(size, isPacked: true).IsUsable(memory));
            cases += 2;
        }

        output.WriteLine($"ring sizes: {cases:N0} cases");
    }

    [Fact]
    public void A_part_may_end_with_RAM_and_no_byte_later_for_every_size()
    {
        var memory = new FlatMemory(Ram, RamBytes);
        var cases = 0;
        for (var size = 1; size <= 32768; size += ProofScale.IsSample && size > 64 ? 61 : 1)
        {
            if (IsPowerOfTwo(size))
            {
                cases += CheckEnds(memory, Layout(size, false), 16UL * (ulong)size, 6UL + (2UL * (ulong)size), 6UL + (8UL * (ulong)size), 2);
            }

            cases += CheckEnds(memory, Layout(size, true), 16UL * (ulong)size, 4, 4, 4);
        }

        output.WriteLine($"ends of ring parts: {cases:N0} cases");
    }

    [Fact]
    public void Only_aligned_parts_are_usable()
    {
        var memory = new FlatMemory(Ram, RamBytes);
        var cases = 0;
        foreach (var (isPacked, driverAlignment) in new[] { (false, 2UL), (true, 4UL) })
        {
            var layout = Layout(8, isPacked);
            for (var offset = 0UL; offset < 64; offset++)
            {
                Assert.Equal(offset % 16 == 0, (layout with { DescriptorAddress = layout.DescriptorAddress + offset }).IsUsable(memory));
                Assert.Equal(offset % driverAlignment == 0, (layout with { DriverAddress = layout.DriverAddress + offset }).IsUsable(memory));
                Assert.Equal(offset % 4 == 0, (layout with { DeviceAddress = layout.DeviceAddress + offset }).IsUsable(memory));
                cases += 3;
            }
        }

        output.WriteLine($"alignments of ring parts: {cases:N0} cases");
    }

    [Fact]
    public void Split_every_slot_and_both_events_lie_where_the_specification_puts_them_for_every_size()
    {
        var memory = new FlatMemory(Ram, RamBytes);
        var slots = 0L;
        for (var size = 1; size <= (ProofScale.IsSample ? 64 : 32768); size *= 2)
        {
            var layout = Layout(size, false, 1UL << (int)VirtioFeature.EventIdx);
            memory.Bytes.Clear();
            using var queue = VirtQueue.Create(layout, memory, new RecordingHost());
            // Each slot once in every part, and once more past the wrap of the ring.
            for (var i = 0; i < size + 1; i++)
            {
                var head = (i * 5) % size;
                memory.WriteDescriptor(layout.DescriptorAddress + (16UL * (ulong)head), Ram + (ulong)head, 1, 2, 0);
                memory.Write16(layout.DriverAddress + 4 + (2UL * (ulong)(i % size)), head);
                memory.Write16(layout.DriverAddress + 2, i + 1);
                queue.BeginRun();
                Assert.True(queue.TryTake(out var chain));
                Assert.Equal(Ram + (ulong)head, chain.Writable[0].Address);
                queue.Complete(chain, 1);
                var entry = layout.DeviceAddress + 4 + (8UL * (ulong)(i % size));
                Assert.Equal(((uint)head, 1u), (memory.Read32(entry), memory.Read32(entry + 4)));
                Assert.Equal((ushort)(i + 1), memory.Read16(layout.DeviceAddress + 2));
                queue.DisableNotifications();
                queue.EnableNotifications();
                Assert.Equal((ushort)(i + 1), memory.Read16(layout.DeviceAddress + 4 + (8UL * (ulong)size))); // avail_event
                slots++;
            }
        }

        output.WriteLine($"split ring layout: {slots:N0} slots");
    }

    [Fact]
    public void Split_used_event_lies_behind_the_available_ring_for_every_size()
    {
        var memory = new FlatMemory(Ram, RamBytes);
        for (var size = 1; size <= 32768; size *= 2)
        {
            foreach (var asked in new[] { 0, 1 })
            {
                var layout = Layout(size, false, 1UL << (int)VirtioFeature.EventIdx);
                var host = new RecordingHost();
                memory.Bytes.Clear();
                memory.WriteDescriptor(layout.DescriptorAddress, Ram, 1, 2, 0);
                memory.Write16(layout.DriverAddress + 2, 1);
                memory.Write16(layout.DriverAddress + 4 + (2UL * (ulong)size), asked);
                using var queue = VirtQueue.Create(layout, memory, host);
                Assert.True(queue.TryTake(out var chain));
                queue.Complete(chain, 0);
                queue.Flush();
                Assert.Equal(1 - asked, host.Interrupts);
            }
        }
    }

    [Fact]
    public void Packed_first_and_last_slot_and_both_events_lie_where_the_specification_puts_them_for_every_size()
    {
        var memory = new FlatMemory(Ram, RamBytes);
        var cases = 0;
        for (var size = 1; size <= (ProofScale.IsSample ? 64 : 32768); size++)
        {
            // To reach the last slot, all before it go into one list of empty buffers; long ones are for the full proof.
            if (ProofScale.IsFull || size <= 1024 || IsPowerOfTwo(size) || IsPowerOfTwo(size + 1))
            {
                CheckPacked(memory, size);
                cases++;
            }
            else
            {
                CheckFirstSlot(memory, size);
                cases++;
            }
        }

        output.WriteLine($"packed ring layout: {cases:N0} sizes");
    }

    private static void CheckPacked(FlatMemory memory, int size)
    {
        var layout = Layout(size, true, 1UL << (int)VirtioFeature.EventIdx);
        memory.Bytes[..(16 * size)].Clear();
        using var queue = VirtQueue.Create(layout, memory, new RecordingHost());
        for (var i = 0; i < size - 1; i++)
        {
            memory.WriteDescriptor(Slot(layout, i), Ram, 0, 7, Avail | (i < size - 2 ? Next : 0));
        }

        if (size > 1)
        {
            queue.Complete(Take(queue), 0);
            Assert.Equal(Avail | Used, memory.Read16(Slot(layout, 0) + 14));
            queue.BeginRun();
        }

        memory.WriteDescriptor(Slot(layout, size - 1), Ram + 3, 1, 9, Avail | 2);
        var chain = Take(queue);
        Assert.Equal(Ram + 3, chain.Writable[0].Address);
        queue.Complete(chain, 1);
        Assert.Equal((ushort)9, memory.Read16(Slot(layout, size - 1) + 12));
        Assert.Equal(Avail | Used | 2, memory.Read16(Slot(layout, size - 1) + 14));
        queue.BeginRun();

        // After the last slot comes the first one, in the other round.
        memory.WriteDescriptor(Slot(layout, 0), Ram + 4, 1, 8, Used | 2);
        chain = Take(queue);
        Assert.Equal(Ram + 4, chain.Writable[0].Address);
        queue.Complete(chain, 1);
        Assert.Equal(2, memory.Read16(Slot(layout, 0) + 14));
        queue.DisableNotifications();
        queue.EnableNotifications();
        Assert.Equal(size == 1 ? 0x8000 : 1, memory.Read16(layout.DeviceAddress));
        Assert.Equal(2, memory.Read16(layout.DeviceAddress + 2));
    }

    private static void CheckFirstSlot(FlatMemory memory, int size)
    {
        var layout = Layout(size, true);
        memory.WriteDescriptor(Slot(layout, 0), Ram + 3, 1, 9, Avail | 2);
        using var queue = VirtQueue.Create(layout, memory, new RecordingHost());
        queue.Complete(Take(queue), 1);
        Assert.Equal(Avail | Used | 2, memory.Read16(Slot(layout, 0) + 14));
    }

    private static int CheckEnds(FlatMemory memory, VirtQueueSettings layout, ulong descriptors, ulong driver, ulong device, ulong driverStep)
    {
        Assert.Equal((descriptors, driver, device), layout.PartSizes);
        CheckEnd(memory, end => layout with { DescriptorAddress = end }, descriptors, 16);
        CheckEnd(memory, end => layout with { DriverAddress = end }, driver, driverStep);
        CheckEnd(memory, end => layout with { DeviceAddress = end }, device, 4);
        return 6;
    }

    private static void CheckEnd(FlatMemory memory, Func<ulong, VirtQueueSettings> place, ulong length, ulong step)
    {
        var last = (memory.End - length) / step * step;
        Assert.True(place(last).IsUsable(memory));
        Assert.False(place(last + step).IsUsable(memory));
    }

    private static DescriptorChain Take(VirtQueue queue)
    {
        Assert.True(queue.TryTake(out var chain));
        return chain;
    }

    private static ulong Slot(VirtQueueSettings layout, int index) => layout.DescriptorAddress + (16UL * (ulong)index);

    private static bool IsPowerOfTwo(int size) => size > 0 && (size & (size - 1)) == 0;

    private static VirtQueueSettings Layout(int size, bool isPacked, ulong features = 0) => new()
    {
        Size = size,
        Features = features | (1UL << (int)VirtioFeature.Version1) | (isPacked ? 1UL << (int)VirtioFeature.RingPacked : 0),
        DescriptorAddress = Ram,
        DriverAddress = Ram + 0x10_0000,
        DeviceAddress = Ram + 0x14_0000,
    };
}
