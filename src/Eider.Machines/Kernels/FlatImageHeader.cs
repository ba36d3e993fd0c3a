using System.Buffers.Binary;

namespace Eider.Machines.Kernels;

/// <summary>
/// The header of a flat Image: 64 bytes, little-endian (Linux Documentation/arch/riscv/boot-image-header.rst).
/// </summary>
/// <param name="TextOffset">Where it wants to lie, from the start of RAM, in bytes.</param>
/// <param name="ImageSizeBytes">What it occupies once it runs, with its bss; 0 if it does not say.</param>
/// <param name="Flags">Bit 0: big-endian.</param>
internal readonly record struct FlatImageHeader(ulong TextOffset, ulong ImageSizeBytes, ulong Flags)
{
    public const int Bytes = 64;

    private const uint Magic2 = 0x0543_5352; // "RSC\x05"

    public bool IsBigEndian => (Flags & 1) != 0;

    public static bool TryRead(ReadOnlySpan<byte> head, out FlatImageHeader header)
    {
        header = default;
        if (head.Length < Bytes || BinaryPrimitives.ReadUInt32LittleEndian(head[56..]) != Magic2)
        {
            return false;
        }

        header = new FlatImageHeader(
            BinaryPrimitives.ReadUInt64LittleEndian(head[8..]),
            BinaryPrimitives.ReadUInt64LittleEndian(head[16..]),
            BinaryPrimitives.ReadUInt64LittleEndian(head[24..]));
        return true;
    }
}
