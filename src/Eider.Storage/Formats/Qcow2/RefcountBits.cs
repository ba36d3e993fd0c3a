using System.Buffers.Binary;

namespace Eider.Storage.Formats.Qcow2;

/// <summary>Refcounts of 1 to 64 bits in a piece of a refcount block; less than a byte: lowest bits first.</summary>
internal static class RefcountBits
{
    public static ulong Get(ReadOnlySpan<byte> block, int index, int order) => order switch
    {
        0 => (ulong)((block[index >> 3] >> (index & 7)) & 1),
        1 => (ulong)((block[index >> 2] >> (2 * (index & 3))) & 3),
        2 => (ulong)((block[index >> 1] >> (4 * (index & 1))) & 15),
        3 => block[index],
        4 => BinaryPrimitives.ReadUInt16BigEndian(block[(2 * index)..]),
        5 => BinaryPrimitives.ReadUInt32BigEndian(block[(4 * index)..]),
        _ => BinaryPrimitives.ReadUInt64BigEndian(block[(8 * index)..]),
    };

    public static void Set(Span<byte> block, int index, int order, ulong value)
    {
        switch (order)
        {
            case 0:
                SetBits(ref block[index >> 3], index & 7, 1, value);
                break;
            case 1:
                SetBits(ref block[index >> 2], 2 * (index & 3), 3, value);
                break;
            case 2:
                SetBits(ref block[index >> 1], 4 * (index & 1), 15, value);
                break;
            case 3:
                block[index] = checked((byte)value);
                break;
            case 4:
                BinaryPrimitives.WriteUInt16BigEndian(block[(2 * index)..], checked((ushort)value));
                break;
            case 5:
                BinaryPrimitives.WriteUInt32BigEndian(block[(4 * index)..], checked((uint)value));
                break;
            default:
                BinaryPrimitives.WriteUInt64BigEndian(block[(8 * index)..], value);
                break;
        }
    }

    private static void SetBits(ref byte place, int shift, int mask, ulong value) =>
        place = (byte)((place & ~(mask << shift) & 0xFF) | ((int)value << shift));
}
