using System.Buffers.Binary;
using System.Text;

namespace Eider.GuestTests;

/// <summary>Writes a CD image with files in its root directory (ECMA-119, level 1: no further directories, no extensions).</summary>
internal static class IsoImage
{
    private const int BlockBytes = 2048;
    private const int DescriptorBlock = 16;
    private const int LittlePathTableBlock = 18;
    private const int BigPathTableBlock = 19;
    private const int DirectoryBlock = 20;
    private const int FirstFileBlock = 21;
    private const int PathTableBytes = 10;
    private const int RootRecordBytes = 34;

    /// <summary>Makes the image.</summary>
    /// <param name="path">Where it goes.</param>
    /// <param name="volume">Name of the volume, capital letters and digits.</param>
    /// <param name="files">Names such as <c>DATA.BIN</c> and contents; few enough that the directory is one block.</param>
    public static void Write(string path, string volume, params (string Name, byte[] Content)[] files)
    {
        var blocks = FirstFileBlock + files.Sum(file => BlocksOf(file.Content));
        var image = new byte[blocks * BlockBytes];
        WriteDescriptors(image, volume, blocks);
        WritePathTable(Block(image, LittlePathTableBlock), isBig: false);
        WritePathTable(Block(image, BigPathTableBlock), isBig: true);
        var directory = Block(image, DirectoryBlock);
        var at = WriteRecord(directory, DirectoryBlock, BlockBytes, "\0", isDirectory: true);
        at += WriteRecord(directory[at..], DirectoryBlock, BlockBytes, "\u0001", isDirectory: true);
        var next = FirstFileBlock;
        foreach (var (name, content) in files.OrderBy(file => file.Name, StringComparer.Ordinal))
        {
            at += WriteRecord(directory[at..], next, content.Length, name + ";1", isDirectory: false);
            content.CopyTo(image, next * BlockBytes);
            next += BlocksOf(content);
        }

        File.WriteAllBytes(path, image);
    }

    private static int BlocksOf(byte[] content) => (content.Length + BlockBytes - 1) / BlockBytes;

    private static Span<byte> Block(byte[] image, int block) => image.AsSpan(block * BlockBytes, BlockBytes);

    // Section 8.4: the primary descriptor; 8.3: the one that ends the set.
    private static void WriteDescriptors(byte[] image, string volume, int blocks)
    {
        var primary = Block(image, DescriptorBlock);
        primary[0] = 1;
        "CD001\u0001"u8.CopyTo(primary[1..]);
        primary.Slice(8, 64).Fill((byte)' ');
        Encoding.ASCII.GetBytes(volume, primary[40..]);
        WriteBoth32(primary[80..], blocks);
        WriteBoth16(primary[120..], 1);
        WriteBoth16(primary[124..], 1);
        WriteBoth16(primary[128..], BlockBytes);
        WriteBoth32(primary[132..], PathTableBytes);
        BinaryPrimitives.WriteInt32LittleEndian(primary[140..], LittlePathTableBlock);
        BinaryPrimitives.WriteInt32BigEndian(primary[148..], BigPathTableBlock);
        WriteRecord(primary.Slice(156, RootRecordBytes), DirectoryBlock, BlockBytes, "\0", isDirectory: true);
        primary[190..813].Fill((byte)' ');
        primary[881] = 1;
        var end = Block(image, DescriptorBlock + 1);
        end[0] = 0xFF;
        "CD001\u0001"u8.CopyTo(end[1..]);
    }

    // Section 9.4: the root is all that there is.
    private static void WritePathTable(Span<byte> table, bool isBig)
    {
        table[0] = 1;
        if (isBig)
        {
            BinaryPrimitives.WriteInt32BigEndian(table[2..], DirectoryBlock);
            BinaryPrimitives.WriteInt16BigEndian(table[6..], 1);
        }
        else
        {
            BinaryPrimitives.WriteInt32LittleEndian(table[2..], DirectoryBlock);
            BinaryPrimitives.WriteInt16LittleEndian(table[6..], 1);
        }
    }

    // Section 9.1.
    private static int WriteRecord(Span<byte> record, int block, int length, string name, bool isDirectory)
    {
        var bytes = (33 + name.Length + 1) & ~1;
        record[0] = (byte)bytes;
        WriteBoth32(record[2..], block);
        WriteBoth32(record[10..], length);
        record[18] = 125; // 2025-01-01
        record[19] = record[20] = 1;
        record[25] = (byte)(isDirectory ? 2 : 0);
        WriteBoth16(record[28..], 1);
        record[32] = (byte)name.Length;
        Encoding.ASCII.GetBytes(name, record[33..]);
        return bytes;
    }

    private static void WriteBoth16(Span<byte> at, short value)
    {
        BinaryPrimitives.WriteInt16LittleEndian(at, value);
        BinaryPrimitives.WriteInt16BigEndian(at[2..], value);
    }

    private static void WriteBoth32(Span<byte> at, int value)
    {
        BinaryPrimitives.WriteInt32LittleEndian(at, value);
        BinaryPrimitives.WriteInt32BigEndian(at[4..], value);
    }
}
