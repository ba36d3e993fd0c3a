using System.Buffers.Binary;

namespace Eider.ImageWorker;

/// <summary>Sectors that say which write they are of and where they belong; zero is a sector of zeroes.</summary>
public static class TaggedSectors
{
    /// <summary>Bytes of a sector.</summary>
    public const int Bytes = 512;

    /// <summary>The bytes of some sectors with one tag.</summary>
    public static byte[] Content(int first, int count, uint tag)
    {
        var bytes = new byte[count * Bytes];
        for (var index = 0; index < count && tag != 0; index++)
        {
            var part = bytes.AsSpan(index * Bytes, Bytes);
            part.Fill(FillOf(tag));
            BinaryPrimitives.WriteUInt32LittleEndian(part, tag);
            BinaryPrimitives.WriteInt32LittleEndian(part[4..], first + index);
        }

        return bytes;
    }

    /// <summary>The tag that a sector's bytes have; null if they have none.</summary>
    public static uint? TagOf(ReadOnlySpan<byte> bytes, int sector)
    {
        var tag = BinaryPrimitives.ReadUInt32LittleEndian(bytes);
        if (tag == 0)
        {
            return bytes.ContainsAnyExcept((byte)0) ? null : 0;
        }

        return BinaryPrimitives.ReadInt32LittleEndian(bytes[4..]) == sector && !bytes[8..].ContainsAnyExcept(FillOf(tag)) ? tag : null;
    }

    private static byte FillOf(uint tag) => (byte)(1 + (tag % 251));
}
