using System.Buffers.Binary;
using Eider.Hardware.Memory;

namespace Eider.Testing.Fuzzing.Virtio;

/// <summary>
/// The guest's memory: rings below, buffers and tables above, then a hole, and a page behind the hole. All of it is zero
/// at the start of a case.
/// </summary>
public sealed class FuzzGuest : IDisposable
{
    /// <summary>Where RAM begins.</summary>
    public const ulong RamBase = 0x8000_0000;

    /// <summary>Size of the first region.</summary>
    public const int RamBytes = 64 << 10;

    /// <summary>Where the second region begins, a page long; between both there is nothing.</summary>
    public const ulong IslandBase = 0x8002_0000;

    /// <summary>Rings that there is room for.</summary>
    public const int MaxRings = 16;

    private const int IslandBytes = 4096;
    private const ulong HeapStart = RamBase + (MaxRings * FuzzRing.AreaBytes);

    private readonly GuestLease _ram;
    private readonly GuestLease _island;
    private ulong _heap = HeapStart;

    /// <summary>Maps it.</summary>
    public FuzzGuest()
    {
        Ram = new GuestRam((RamBase, RamBytes), (IslandBase, IslandBytes));
        Memory = new FuzzMemory(Ram);
        FuzzException.Unless(Ram.TryLease(RamBase, RamBytes, GuestMemoryAccess.Read, out _ram), "RAM is one piece");
        FuzzException.Unless(Ram.TryLease(IslandBase, IslandBytes, GuestMemoryAccess.Read, out _island), "the island is one piece");
    }

    /// <summary>The RAM.</summary>
    public GuestRam Ram { get; }

    /// <summary>What the device gets.</summary>
    public FuzzMemory Memory { get; }

    /// <summary>Where the next buffer goes.</summary>
    public ulong Heap => _heap;

    /// <summary>Zeroes all of it and takes all buffers back.</summary>
    public void Clear()
    {
        _ram.Memory.Span.Clear();
        _island.Memory.Span.Clear();
        _heap = HeapStart;
        Memory.Forget();
    }

    /// <summary>True if so many bytes can be had.</summary>
    public bool HasRoom(int lengthBytes) => _heap + (ulong)lengthBytes + 32 <= RamBase + RamBytes;

    /// <summary>Takes a piece, aligned to 16; the end of RAM if it is full.</summary>
    public ulong Allocate(int lengthBytes)
    {
        if (!HasRoom(lengthBytes))
        {
            return RamBase + RamBytes - (ulong)lengthBytes;
        }

        var address = _heap;
        _heap = (_heap + (ulong)lengthBytes + 15) & ~15UL;
        return address;
    }

    /// <summary>The bytes of a range in the first region.</summary>
    public Span<byte> At(ulong address, int lengthBytes) => _ram.Memory.Span.Slice((int)(address - RamBase), lengthBytes);

    /// <summary>Reads a ring field.</summary>
    public ushort Read16(ulong address) => BinaryPrimitives.ReadUInt16LittleEndian(At(address, 2));

    /// <summary>Writes a ring field.</summary>
    public void Write16(ulong address, ushort value) => BinaryPrimitives.WriteUInt16LittleEndian(At(address, 2), value);

    /// <summary>Writes a descriptor of either layout: the third field is flags or id, the fourth next or flags.</summary>
    public void WriteDescriptor(ulong address, FuzzBuffer buffer, ushort third, ushort fourth)
    {
        var raw = At(address, 16);
        BinaryPrimitives.WriteUInt64LittleEndian(raw, buffer.Address);
        BinaryPrimitives.WriteUInt32LittleEndian(raw[8..], buffer.LengthBytes);
        BinaryPrimitives.WriteUInt16LittleEndian(raw[12..], third);
        BinaryPrimitives.WriteUInt16LittleEndian(raw[14..], fourth);
    }

    /// <summary>Writes over some of the rings or tables: a descriptor's field, an index, an event, or anything.</summary>
    /// <param name="input">The choices.</param>
    /// <param name="ring">Whose ring.</param>
    public void Spoil(FuzzInput input, FuzzRing ring)
    {
        var descriptor = ring.DescriptorAddress + (16UL * (ulong)input.Below(FuzzRing.MaxSize));
        switch (input.Below(9))
        {
            case 0:
                Write16(descriptor + 12, (ushort)input.Below(16)); // flags, or id
                break;
            case 1:
                Write16(descriptor + 14, (ushort)input.Below(input.OneIn(2) ? 65536 : 34)); // next, or flags
                break;
            case 2:
                BinaryPrimitives.WriteUInt64LittleEndian(At(descriptor, 8), EdgeAddress(input));
                break;
            case 3:
                BinaryPrimitives.WriteUInt32LittleEndian(At(descriptor + 8, 4), unchecked((uint)input.Edge(64)));
                break;
            case 4:
                Write16(ring.DriverAddress + 2, unchecked((ushort)(ring.AvailableIndex + input.Below(64) - 16)));
                break;
            case 5:
                Write16(ring.DriverAddress + 4 + (2UL * (ulong)input.Below(FuzzRing.MaxSize)), input.TwoBytes());
                break;
            case 6:
                Write16(ring.DriverAddress + (2UL * (ulong)input.Below(2)), input.TwoBytes());
                break;
            case 7:
                Write16(HeapStart + (2UL * (ulong)input.Below((int)((_heap - HeapStart) / 2) + 1)), input.TwoBytes());
                break;
            default:
                input.Fill(At(ring.DescriptorAddress + (2UL * (ulong)input.Below(FuzzRing.AreaBytes / 2)), 2 * input.Below(16)));
                break;
        }
    }

    /// <summary>An address at an edge of RAM, in a ring, in the hole, or nowhere near.</summary>
    public static ulong EdgeAddress(FuzzInput input) => input.Below(6) switch
    {
        0 => RamBase + (ulong)input.Below(RamBytes),
        1 => RamBase + RamBytes - (ulong)input.Below(64),
        2 => IslandBase + (ulong)input.Below(IslandBytes + 16) - 8,
        3 => RamBase - (ulong)input.Below(64),
        4 => RamBase + (ulong)input.Below(MaxRings * FuzzRing.AreaBytes),
        _ => input.Edge(RamBase),
    };

    /// <inheritdoc/>
    public void Dispose()
    {
        _ram.Release(0);
        _island.Release(0);
        Ram.Dispose();
    }
}
