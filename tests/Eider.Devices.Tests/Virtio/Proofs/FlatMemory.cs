using System.Buffers.Binary;
using Eider.Hardware.Memory;

namespace Eider.Devices.Tests.Virtio.Proofs;

/// <summary>A small RAM over an array, quick enough for millions of states; counts reads, and marks the bytes written.</summary>
internal sealed class FlatMemory(ulong start, int lengthBytes) : GuestMemory
{
    private readonly byte[] _bytes = new byte[lengthBytes];

    public ulong Start { get; } = start;

    /// <summary>First address behind it.</summary>
    public ulong End => Start + (ulong)_bytes.Length;

    public Span<byte> Bytes => _bytes;

    public int Reads { get; set; }

    public int Writes { get; set; }

    public override bool Contains(ulong address, ulong length) =>
        address >= Start && length <= (ulong)_bytes.Length && address - Start <= (ulong)_bytes.Length - length;

    public override bool TryRead(ulong address, Span<byte> destination)
    {
        Reads++;
        if (!Contains(address, (ulong)destination.Length))
        {
            return false;
        }

        At(address, destination.Length).CopyTo(destination);
        return true;
    }

    public override bool TryWrite(ulong address, ReadOnlySpan<byte> source)
    {
        Writes++;
        if (!Contains(address, (ulong)source.Length))
        {
            return false;
        }

        source.CopyTo(At(address, source.Length));
        return true;
    }

    public override bool TryReadUInt16Acquire(ulong address, out ushort value)
    {
        Reads++;
        var isGood = (address & 1) == 0 && Contains(address, 2);
        value = isGood ? BinaryPrimitives.ReadUInt16LittleEndian(At(address, 2)) : (ushort)0;
        return isGood;
    }

    public override bool TryWriteUInt16Release(ulong address, ushort value)
    {
        Writes++;
        if ((address & 1) != 0 || !Contains(address, 2))
        {
            return false;
        }

        BinaryPrimitives.WriteUInt16LittleEndian(At(address, 2), value);
        return true;
    }

    public override bool TryLease(ulong address, uint lengthBytes, GuestMemoryAccess access, out GuestLease lease)
    {
        lease = default;
        return false;
    }

    public void Write16(ulong address, int value) => BinaryPrimitives.WriteUInt16LittleEndian(At(address, 2), (ushort)value);

    public ushort Read16(ulong address) => BinaryPrimitives.ReadUInt16LittleEndian(At(address, 2));

    public uint Read32(ulong address) => BinaryPrimitives.ReadUInt32LittleEndian(At(address, 4));

    /// <summary>A descriptor of either kind: the third field is flags or id, the fourth next or flags.</summary>
    public void WriteDescriptor(ulong at, ulong address, uint length, int third, int fourth)
    {
        var bytes = At(at, 16);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, address);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[8..], length);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[12..], (ushort)third);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[14..], (ushort)fourth);
    }

    protected override void ReturnLease(in GuestLease lease, int writtenBytes)
    {
    }

    private Span<byte> At(ulong address, int length) => _bytes.AsSpan((int)(address - Start), length);
}
