using System.Buffers.Binary;

namespace Eider.Testing.Fuzzing.Virtio;

/// <summary>
/// The driver's side of a virtqueue, split or packed (virtio 1.3, 2.7.13 and 2.8.21): quick, plain, and without
/// any check on itself, since a case may spoil what it wrote. Allocates nothing once made.
/// </summary>
public sealed class FuzzRing
{
    /// <summary>Largest size in descriptors.</summary>
    public const int MaxSize = 32;

    /// <summary>Bytes that a ring takes in guest memory at most.</summary>
    public const int AreaBytes = 1024;

    private const int DriverOffset = MaxSize * 16;
    private const int DeviceOffset = DriverOffset + 128;
    private const ushort AvailFlag = 0x80;
    private const ushort UsedFlag = 0x8000;

    private readonly FuzzGuest _guest;
    private readonly int[] _slotsOf = new int[MaxSize];
    private readonly ulong[] _roomOf = new ulong[MaxSize];
    private int _next;
    private int _free;
    private bool _wrap;
    private int _usedNext;
    private bool _usedWrap;
    private ushort _used;

    /// <summary>A ring that is not set up yet.</summary>
    /// <param name="guest">The memory.</param>
    /// <param name="index">Which queue.</param>
    public FuzzRing(FuzzGuest guest, int index)
    {
        _guest = guest;
        Index = index;
        DescriptorAddress = FuzzGuest.RamBase + ((ulong)index * AreaBytes);
    }

    /// <summary>Which queue.</summary>
    public int Index { get; }

    /// <summary>Size in descriptors; 0 until set up.</summary>
    public int Size { get; private set; }

    /// <summary>True for a packed ring.</summary>
    public bool IsPacked { get; private set; }

    /// <summary>Descriptor table or descriptor ring.</summary>
    public ulong DescriptorAddress { get; }

    /// <summary>Available ring or driver event suppression.</summary>
    public ulong DriverAddress => DescriptorAddress + DriverOffset;

    /// <summary>Used ring or device event suppression.</summary>
    public ulong DeviceAddress => DescriptorAddress + DeviceOffset;

    /// <summary>The available index as last stored (split).</summary>
    public ushort AvailableIndex { get; private set; }

    /// <summary>Requests made available.</summary>
    public int Added { get; private set; }

    /// <summary>Requests that came back.</summary>
    public int Returned { get; private set; }

    /// <summary>Bytes that the device says it wrote, all requests together.</summary>
    public long WrittenBytes { get; private set; }

    /// <summary>Makes it empty; its memory is zero.</summary>
    public void SetUp(int size, bool packed)
    {
        (Size, IsPacked) = (size, packed);
        (_next, _free, _wrap, _usedNext, _usedWrap, _used) = (0, size, true, 0, true, 0);
        (AvailableIndex, Added, Returned, WrittenBytes) = (0, 0, 0, 0);
        _slotsOf.AsSpan().Clear();
    }

    /// <summary>Makes a request available.</summary>
    /// <param name="buffers">Its buffers.</param>
    /// <param name="indirect">True to put them into a table of their own.</param>
    /// <returns>False if there is no room.</returns>
    public bool TryAdd(ReadOnlySpan<FuzzBuffer> buffers, bool indirect)
    {
        var slots = indirect ? 1 : buffers.Length;
        if (Size == 0 || slots == 0 || slots > _free || buffers.Length > Size || (indirect && !_guest.HasRoom(16 * buffers.Length))
            || !TryFindId(slots, out var id))
        {
            return false;
        }

        _roomOf[id] = 0;
        foreach (var buffer in buffers)
        {
            _roomOf[id] += buffer.IsWritable ? buffer.LengthBytes : 0;
        }

        if (indirect)
        {
            var table = _guest.Allocate(16 * buffers.Length);
            for (var i = 0; i < buffers.Length; i++)
            {
                WriteTableEntry(table, i, buffers);
            }

            Place([new FuzzBuffer(table, (uint)buffers.Length * 16, false)], id, 4);
        }
        else
        {
            Place(buffers, id, 0);
        }

        _slotsOf[id] = slots;
        _free -= slots;
        Added++;
        return true;
    }

    /// <summary>Moves the available index, whatever stands in the ring (split).</summary>
    public void Publish(ushort head)
    {
        _guest.Write16(DriverAddress + 4 + (2UL * (ulong)(AvailableIndex % Size)), head);
        AvailableIndex = unchecked((ushort)(AvailableIndex + 1));
        _guest.Write16(DriverAddress + 2, AvailableIndex);
    }

    /// <summary>Takes what came back, and holds it against what was made available.</summary>
    /// <param name="strict">True if nobody spoiled the ring: then a wrong entry is a broken promise.</param>
    public void TakeUsed(bool strict)
    {
        if (Size == 0)
        {
            return;
        }

        while (Returned < Added && (IsPacked ? TryTakePacked(strict) : TryTakeSplit(strict)))
        {
            Returned++;
        }

        if (strict && !IsPacked)
        {
            FuzzException.Unless(_guest.Read16(DeviceAddress + 2) == _used, "more came back than was made available");
        }
    }

    /// <summary>
    /// An id that nobody has: in a packed ring any, in a split ring the next descriptor, whose followers must be free too.
    /// </summary>
    private bool TryFindId(int slots, out int id)
    {
        id = IsPacked ? _slotsOf.AsSpan().IndexOf(0) : _next;
        for (var other = 0; !IsPacked && other < Size; other++)
        {
            // Both are runs on a circle: they meet if one of them begins inside of the other.
            if (_slotsOf[other] != 0
                && ((other - id + Size) % Size < slots || (id - other + Size) % Size < _slotsOf[other]))
            {
                return false;
            }
        }

        return true;
    }

    private void Place(ReadOnlySpan<FuzzBuffer> buffers, int id, int extraFlags)
    {
        var head = _next;
        var (index, wrap) = (head, _wrap);
        ushort headFlags = 0;
        for (var i = 0; i < buffers.Length; i++)
        {
            var address = DescriptorAddress + (16UL * (ulong)index);
            var following = (index + 1) % Size;
            var flags = extraFlags | (buffers[i].IsWritable ? 2 : 0) | (i == buffers.Length - 1 ? 0 : 1);
            if (IsPacked)
            {
                var all = (ushort)(flags | (wrap ? AvailFlag : UsedFlag));
                headFlags = i == 0 ? all : headFlags;
                _guest.WriteDescriptor(address, buffers[i], (ushort)id, i == 0 ? _guest.Read16(address + 14) : all);
                wrap ^= following == 0;
            }
            else
            {
                _guest.WriteDescriptor(address, buffers[i], (ushort)flags, (ushort)following);
            }

            index = following;
        }

        (_next, _wrap) = (index, wrap);
        if (IsPacked)
        {
            _guest.Write16(DescriptorAddress + (16UL * (ulong)head) + 14, headFlags); // the head becomes available last
        }
        else
        {
            Publish((ushort)head);
        }
    }

    private void WriteTableEntry(ulong table, int index, ReadOnlySpan<FuzzBuffer> buffers)
    {
        var last = index == buffers.Length - 1;
        var write = buffers[index].IsWritable ? 2 : 0;
        var (third, fourth) = IsPacked ? (0, write) : (write | (last ? 0 : 1), last ? 0 : index + 1);
        _guest.WriteDescriptor(table + (16UL * (ulong)index), buffers[index], (ushort)third, (ushort)fourth);
    }

    private bool TryTakeSplit(bool strict)
    {
        if (_guest.Read16(DeviceAddress + 2) == _used)
        {
            return false;
        }

        var entry = _guest.At(DeviceAddress + 4 + (8UL * (ulong)(_used % Size)), 8);
        _used = unchecked((ushort)(_used + 1));
        return Return(BinaryPrimitives.ReadUInt32LittleEndian(entry), BinaryPrimitives.ReadUInt32LittleEndian(entry[4..]), strict);
    }

    private bool TryTakePacked(bool strict)
    {
        var slot = _guest.At(DescriptorAddress + (16UL * (ulong)_usedNext), 16);
        var flags = BinaryPrimitives.ReadUInt16LittleEndian(slot[14..]);
        if ((flags & AvailFlag) != 0 != _usedWrap || (flags & UsedFlag) != 0 != _usedWrap)
        {
            return false;
        }

        var id = BinaryPrimitives.ReadUInt16LittleEndian(slot[12..]);
        var slots = id < MaxSize ? _slotsOf[id] : 0;
        var length = (flags & 2) != 0 ? BinaryPrimitives.ReadUInt32LittleEndian(slot[8..]) : 0;
        if (!Return(id, length, strict))
        {
            return false;
        }

        _usedNext += slots;
        if (_usedNext >= Size)
        {
            _usedNext -= Size;
            _usedWrap = !_usedWrap;
        }

        return true;
    }

    private bool Return(uint id, uint length, bool strict)
    {
        if (id >= MaxSize || _slotsOf[id] == 0)
        {
            FuzzException.Unless(!strict, $"buffer {id} came back, which was not available");
            return false;
        }

        FuzzException.Unless(!strict || length <= _roomOf[id], $"{length} bytes written into {_roomOf[id]}");
        WrittenBytes += length;
        _free += _slotsOf[id];
        _slotsOf[id] = 0;
        return true;
    }
}
