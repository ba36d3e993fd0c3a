using System.Buffers.Binary;
using System.Text;

namespace Eider.Storage.Tests.Formats;

/// <summary>A bitmap read from the bytes of an image straight from the specification, without anything of the product.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Flags">1 in use, 2 auto.</param>
/// <param name="GranularityBits">One bit stands for 2 to the power of this.</param>
/// <param name="TableOffset">Where its table is.</param>
/// <param name="Table">The entries.</param>
/// <param name="Bits">Its bits, as they lie in the file.</param>
internal sealed record PlainBitmap(string Name, uint Flags, int GranularityBits, long TableOffset, ulong[] Table, byte[] Bits)
{
    private const uint ExtensionType = 0x2385_2875;

    public bool IsInUse => (Flags & 1) != 0;

    public bool IsAuto => (Flags & 2) != 0;

    public bool IsMarked(long offset) => (Bits[offset >> GranularityBits >> 3] >> (int)((offset >> GranularityBits) & 7) & 1) != 0;

    /// <summary>All bitmaps; none where the autoclear bit does not vouch for them.</summary>
    /// <exception cref="FormatException">The directory contradicts the specification.</exception>
    public static List<PlainBitmap> ReadAll(ReadOnlySpan<byte> file, out (long Offset, long Length) directory)
    {
        directory = default;
        var bitmaps = new List<PlainBitmap>();
        if (Word(file, 4) < 3 || (Long(file, 88) & 1) == 0 || FindExtension(file) is not { } place)
        {
            return bitmaps;
        }

        var count = Word(file, place);
        directory = ((long)Long(file, place + 16), (long)Long(file, place + 8));
        var at = directory.Offset;
        for (var index = 0; index < count; index++)
        {
            var extra = Word(file, at + 20);
            var name = BinaryPrimitives.ReadUInt16BigEndian(file[((int)at + 18)..]);
            var table = new ulong[Word(file, at + 8)];
            var offset = (long)Long(file, at);
            for (var entry = 0; entry < table.Length; entry++)
            {
                table[entry] = Long(file, offset + (entry * 8));
            }

            bitmaps.Add(new PlainBitmap(
                Encoding.UTF8.GetString(file.Slice((int)(at + 24 + extra), name)), Word(file, at + 12), file[(int)at + 17], offset, table, BitsOf(file, table)));
            at += (24 + extra + name + 7) & ~7L;
        }

        return at - directory.Offset == directory.Length ? bitmaps
            : throw new FormatException($"the directory has {at - directory.Offset} bytes, the extension says {directory.Length}");
    }

    /// <summary>Where the data of the bitmaps extension are; null if there is none.</summary>
    public static long? FindExtension(ReadOnlySpan<byte> file)
    {
        for (var at = (long)Word(file, 100); at + 8 <= 1L << (int)Word(file, 20);)
        {
            var (type, length) = (Word(file, at), Word(file, at + 4));
            if (type is 0 or ExtensionType)
            {
                return type == 0 ? null : at + 8;
            }

            at += 8 + ((length + 7) & ~7L);
        }

        return null;
    }

    public static uint Word(ReadOnlySpan<byte> file, long at) => BinaryPrimitives.ReadUInt32BigEndian(file[(int)at..]);

    public static ulong Long(ReadOnlySpan<byte> file, long at) => BinaryPrimitives.ReadUInt64BigEndian(file[(int)at..]);

    private static byte[] BitsOf(ReadOnlySpan<byte> file, ulong[] table)
    {
        var cluster = 1 << (int)Word(file, 20);
        var bits = new byte[table.Length * cluster];
        for (var index = 0; index < table.Length; index++)
        {
            var part = bits.AsSpan(index * cluster, cluster);
            if (table[index] == 1)
            {
                part.Fill(0xFF);
            }
            else if (table[index] != 0)
            {
                var present = Math.Min(cluster, file.Length - (int)table[index]);
                file.Slice((int)table[index], present).CopyTo(part);
            }
        }

        return bits;
    }
}
