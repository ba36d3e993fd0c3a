using System.Buffers.Binary;
using Eider.Devices.Virtio.Queue;
using Eider.Hardware.Memory;

namespace Eider.Testing.Virtio;

/// <summary>The driver's side of a split virtqueue (virtio 1.3, section 2.7.13 and 2.7.14).</summary>
public sealed class SplitRingDriver : RingDriver
{
    private readonly Stack<ushort> _free;
    private readonly Dictionary<ushort, ushort[]> _chains = [];
    private ushort _available;
    private ushort _kicked;
    private ushort _used;

    public SplitRingDriver(GuestMemory memory, VirtQueueSettings layout)
        : base(memory, layout) =>
        _free = new Stack<ushort>(Enumerable.Range(0, layout.Size).Reverse().Select(index => (ushort)index));

    public override int FreeCount => _free.Count;

    /// <summary>The available index as last stored.</summary>
    public ushort AvailableIndex => _available;

    public ulong AvailableRing => Layout.DriverAddress + 4;

    public ulong UsedRing => Layout.DeviceAddress + 4;

    public ulong UsedEventAddress => AvailableRing + (2UL * (ulong)Size);

    public ulong AvailableEventAddress => UsedRing + (8UL * (ulong)Size);

    public ulong DescriptorAddress(int index) => Layout.DescriptorAddress + (16UL * (ulong)index);

    public override ushort Add(ReadOnlySpan<DriverBuffer> buffers, ulong indirectTable = 0)
    {
        var head = indirectTable == 0 ? AddDirect(buffers) : AddIndirect(buffers, indirectTable);
        Publish(head);
        return head;
    }

    /// <summary>Writes direct descriptors that end with one that refers to an indirect table (2.7.5.3.2).</summary>
    public ushort AddMixed(ReadOnlySpan<DriverBuffer> direct, ReadOnlySpan<DriverBuffer> indirect, ulong indirectTable)
    {
        WriteTable(indirect, indirectTable);
        var slots = Take(direct.Length + 1);
        for (var i = 0; i < direct.Length; i++)
        {
            WriteDescriptor(
                DescriptorAddress(slots[i]), direct[i].Address, direct[i].LengthBytes,
                (ushort)((direct[i].IsWritable ? 2 : 0) | 1), slots[i + 1]);
        }

        WriteDescriptor(DescriptorAddress(slots[^1]), indirectTable, (uint)indirect.Length * 16, 4, 0);
        _chains[slots[0]] = slots;
        Publish(slots[0]);
        return slots[0];
    }

    /// <summary>Puts a head into the available ring, whatever it is, and moves the index.</summary>
    public void Publish(ushort head)
    {
        Write16(AvailableRing + (2UL * (ulong)(_available % Size)), head);
        _available = unchecked((ushort)(_available + 1));
        Write16(Layout.DriverAddress + 2, _available);
    }

    public override bool TryGetUsed(out UsedBuffer used)
    {
        used = default;
        if (Read16(Layout.DeviceAddress + 2) == _used)
        {
            return false;
        }

        var entry = Read(UsedRing + (8UL * (ulong)(_used % Size)), 8);
        _used = unchecked((ushort)(_used + 1));
        used = new UsedBuffer((ushort)BinaryPrimitives.ReadUInt32LittleEndian(entry), BinaryPrimitives.ReadUInt32LittleEndian(entry.AsSpan(4)));
        Xunit.Assert.True(_chains.Remove(used.Id, out var slots), $"the device used {used.Id}, which was not available");
        foreach (var slot in slots.Reverse())
        {
            _free.Push(slot);
        }

        return true;
    }

    public override bool NeedsKick()
    {
        var before = _kicked;
        _kicked = _available;
        if (before == _available)
        {
            return false;
        }

        Interlocked.MemoryBarrier();
        if (!EventIdx)
        {
            return (Read16(Layout.DeviceAddress) & 1) == 0;
        }

        for (var index = before; index != _available; index = unchecked((ushort)(index + 1)))
        {
            if (index == Read16(AvailableEventAddress))
            {
                return true;
            }
        }

        return false;
    }

    public override void SetMode(DriverMode mode)
    {
        // With EVENT_IDX there is no "never": an index far away comes near enough in a short test.
        if (EventIdx)
        {
            Write16(UsedEventAddress, mode == DriverMode.Never ? unchecked((ushort)(_used - 1)) : _used);
        }
        else
        {
            Write16(Layout.DriverAddress, mode == DriverMode.Never ? (ushort)1 : (ushort)0);
        }
    }

    private ushort AddDirect(ReadOnlySpan<DriverBuffer> buffers)
    {
        var slots = Take(buffers.Length);
        for (var i = 0; i < slots.Length; i++)
        {
            var last = i == slots.Length - 1;
            WriteDescriptor(
                DescriptorAddress(slots[i]), buffers[i].Address, buffers[i].LengthBytes,
                (ushort)((buffers[i].IsWritable ? 2 : 0) | (last ? 0 : 1)), last ? (ushort)0 : slots[i + 1]);
        }

        _chains[slots[0]] = slots;
        return slots[0];
    }

    private ushort AddIndirect(ReadOnlySpan<DriverBuffer> buffers, ulong table)
    {
        WriteTable(buffers, table);
        var slots = Take(1);
        WriteDescriptor(DescriptorAddress(slots[0]), table, (uint)buffers.Length * 16, 4, 0);
        _chains[slots[0]] = slots;
        return slots[0];
    }

    private void WriteTable(ReadOnlySpan<DriverBuffer> buffers, ulong table)
    {
        for (var i = 0; i < buffers.Length; i++)
        {
            var last = i == buffers.Length - 1;
            WriteDescriptor(
                table + (16UL * (ulong)i), buffers[i].Address, buffers[i].LengthBytes,
                (ushort)((buffers[i].IsWritable ? 2 : 0) | (last ? 0 : 1)), last ? (ushort)0 : (ushort)(i + 1));
        }
    }

    private ushort[] Take(int count)
    {
        Xunit.Assert.True(count <= _free.Count, "the test's ring is full");
        var slots = new ushort[count];
        for (var i = 0; i < count; i++)
        {
            slots[i] = _free.Pop();
        }

        return slots;
    }
}
