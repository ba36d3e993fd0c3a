using System.Buffers.Binary;
using Eider.Devices.Virtio.Queue;
using Eider.Hardware.Memory;

namespace Eider.Testing.Virtio;

/// <summary>The driver's side of a packed virtqueue (virtio 1.3, sections 2.8.21 and 2.8.22).</summary>
public sealed class PackedRingDriver : RingDriver
{
    private const ushort AvailFlag = 0x80;
    private const ushort UsedFlag = 0x8000;

    private readonly Queue<ushort> _ids;
    private readonly Dictionary<ushort, int> _slotsOf = [];
    private int _next;
    private bool _wrap = true;
    private int _usedNext;
    private bool _usedWrap = true;
    private int _free;
    private int _kickedPosition;
    private int _addedSinceKick;

    public PackedRingDriver(GuestMemory memory, VirtQueueSettings layout)
        : base(memory, layout)
    {
        _free = layout.Size;
        _ids = new Queue<ushort>(Enumerable.Range(0, layout.Size).Select(index => (ushort)index));
    }

    public override int FreeCount => _free;

    /// <summary>Index of the next descriptor to make available.</summary>
    public int NextIndex => _next;

    /// <summary>The driver's wrap counter.</summary>
    public bool Wrap => _wrap;

    /// <summary>Puts another id into all descriptors of a list but the last, which alone counts (2.8.6).</summary>
    public bool SpoilInnerIds { get; set; }

    public ulong DescriptorAddress(int index) => Layout.DescriptorAddress + (16UL * (ulong)index);

    /// <summary>The flags of an available descriptor.</summary>
    public static ushort AvailableFlags(bool wrap, int others) => (ushort)(others | (wrap ? AvailFlag : UsedFlag));

    public override ushort Add(ReadOnlySpan<DriverBuffer> buffers, ulong indirectTable = 0)
    {
        if (indirectTable != 0)
        {
            for (var i = 0; i < buffers.Length; i++)
            {
                WriteDescriptor(
                    indirectTable + (16UL * (ulong)i), buffers[i].Address, buffers[i].LengthBytes, 0, buffers[i].IsWritable ? (ushort)2 : (ushort)0);
            }

            return AddDirect([new DriverBuffer(indirectTable, (uint)buffers.Length * 16, false)], 4);
        }

        return AddDirect(buffers, 0);
    }

    public override bool TryGetUsed(out UsedBuffer used)
    {
        used = default;
        var flags = Read16(DescriptorAddress(_usedNext) + 14);
        if ((flags & AvailFlag) != 0 != _usedWrap || (flags & UsedFlag) != 0 != _usedWrap)
        {
            return false;
        }

        var body = Read(DescriptorAddress(_usedNext), 16);
        var id = BinaryPrimitives.ReadUInt16LittleEndian(body.AsSpan(12));
        used = new UsedBuffer(id, (flags & 2) != 0 ? BinaryPrimitives.ReadUInt32LittleEndian(body.AsSpan(8)) : 0);
        Xunit.Assert.True(_slotsOf.Remove(id, out var slots), $"the device used {id}, which was not available");
        _ids.Enqueue(id);
        _free += slots;
        _usedNext += slots;
        if (_usedNext >= Size)
        {
            _usedNext -= Size;
            _usedWrap = !_usedWrap;
        }

        return true;
    }

    public override bool NeedsKick()
    {
        var (from, count) = (_kickedPosition, _addedSinceKick);
        _kickedPosition = (from + count) % (2 * Size);
        _addedSinceKick = 0;
        if (count == 0)
        {
            return false;
        }

        Interlocked.MemoryBarrier();
        var flags = Read16(Layout.DeviceAddress + 2) & 3;
        if (flags != 2)
        {
            return flags != 1;
        }

        Xunit.Assert.True(EventIdx, "the device asked for an event index that was not negotiated");
        var asked = Read16(Layout.DeviceAddress);
        var position = (asked & 0x7FFF) + ((asked & 0x8000) != 0 ? 0 : Size);
        return Enumerable.Range(from, count).Any(step => step % (2 * Size) == position);
    }

    public override void SetMode(DriverMode mode)
    {
        if (mode == DriverMode.AtNextUsed)
        {
            Write16(Layout.DriverAddress, (ushort)(_usedNext | (_usedWrap ? 0x8000 : 0)));
        }

        Write16(Layout.DriverAddress + 2, mode switch { DriverMode.Always => 0, DriverMode.Never => 1, _ => 2 });
    }

    private ushort AddDirect(ReadOnlySpan<DriverBuffer> buffers, int extraFlags)
    {
        Xunit.Assert.True(buffers.Length <= _free, "the test's ring is full");
        var id = _ids.Dequeue();
        var (index, wrap) = (_next, _wrap);
        ushort headFlags = 0;
        for (var i = 0; i < buffers.Length; i++)
        {
            var last = i == buffers.Length - 1;
            var flags = AvailableFlags(wrap, extraFlags | (buffers[i].IsWritable ? 2 : 0) | (last ? 0 : 1));
            // The head becomes available last; until then its flags are those of a used or unused descriptor.
            var stored = i == 0 ? Read16(DescriptorAddress(index) + 14) : flags;
            headFlags = i == 0 ? flags : headFlags;
            WriteDescriptor(
                DescriptorAddress(index), buffers[i].Address, buffers[i].LengthBytes,
                last || !SpoilInnerIds ? id : unchecked((ushort)(id + 1000 + i)), stored);
            if (++index == Size)
            {
                index = 0;
                wrap = !wrap;
            }
        }

        Write16(DescriptorAddress(_next) + 14, headFlags);
        (_next, _wrap) = (index, wrap);
        _free -= buffers.Length;
        _addedSinceKick += buffers.Length;
        _slotsOf[id] = buffers.Length;
        return id;
    }
}
