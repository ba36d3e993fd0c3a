using System.Buffers.Binary;

namespace Eider.Machines.Tests.Kernels;

/// <summary>Small kernel files, made byte by byte from their formats.</summary>
internal static class TestImages
{
    public static byte[] Flat(int bytes = 128, ulong textOffset = 0x20_0000, ulong imageSize = 0x1000, ulong flags = 0)
    {
        var image = new byte[bytes];
        BinaryPrimitives.WriteUInt32LittleEndian(image, 0x106F_5A4D);
        BinaryPrimitives.WriteUInt64LittleEndian(image.AsSpan(8), textOffset);
        BinaryPrimitives.WriteUInt64LittleEndian(image.AsSpan(16), imageSize);
        BinaryPrimitives.WriteUInt64LittleEndian(image.AsSpan(24), flags);
        BinaryPrimitives.WriteUInt32LittleEndian(image.AsSpan(32), 2);
        "RISCV\0\0\0"u8.CopyTo(image.AsSpan(48));
        "RSC\x05"u8.CopyTo(image.AsSpan(56));
        for (var i = 64; i < bytes; i++)
        {
            image[i] = (byte)(i * 7 % 251);
        }

        return image;
    }

    public static byte[] Elf(
        ulong address = 0x8000_0000, ulong? virtualAddress = null, ulong? entry = null, ushort machine = 243, byte elfClass = 2,
        ulong memoryBytes = 32, ulong fileBytes = 16, ulong fileOffset = 0x78, ushort type = 2, ushort headers = 1)
    {
        var image = new byte[0x88];
        "\u007fELF"u8.CopyTo(image);
        image[4] = elfClass;
        image[5] = 1;
        image[6] = 1;
        BinaryPrimitives.WriteUInt16LittleEndian(image.AsSpan(16), type);
        BinaryPrimitives.WriteUInt16LittleEndian(image.AsSpan(18), machine);
        BinaryPrimitives.WriteUInt64LittleEndian(image.AsSpan(24), entry ?? virtualAddress ?? address);
        BinaryPrimitives.WriteUInt64LittleEndian(image.AsSpan(32), 64);
        BinaryPrimitives.WriteUInt16LittleEndian(image.AsSpan(54), 56);
        BinaryPrimitives.WriteUInt16LittleEndian(image.AsSpan(56), headers);
        var segment = image.AsSpan(64);
        BinaryPrimitives.WriteUInt32LittleEndian(segment, 1);
        BinaryPrimitives.WriteUInt64LittleEndian(segment[8..], fileOffset);
        BinaryPrimitives.WriteUInt64LittleEndian(segment[16..], virtualAddress ?? address);
        BinaryPrimitives.WriteUInt64LittleEndian(segment[24..], address);
        BinaryPrimitives.WriteUInt64LittleEndian(segment[32..], fileBytes);
        BinaryPrimitives.WriteUInt64LittleEndian(segment[40..], memoryBytes);
        for (var i = 0x78; i < image.Length; i++)
        {
            image[i] = (byte)i;
        }

        return image;
    }
}
