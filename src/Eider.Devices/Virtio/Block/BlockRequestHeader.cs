using System.Buffers.Binary;

namespace Eider.Devices.Virtio.Block;

/// <summary>
/// The device-readable start of every request (virtio 1.3, 5.2.6): le32 type, le32 reserved, le64 sector.
/// </summary>
/// <param name="Type">What is asked for; any 32-bit value may come from a guest.</param>
/// <param name="Sector">First sector of 512 bytes; used by reads and writes only.</param>
internal readonly record struct BlockRequestHeader(uint Type, ulong Sector)
{
    /// <summary>Length in bytes.</summary>
    public const int Size = 16;

    /// <summary>Takes the header apart.</summary>
    /// <param name="bytes">At least <see cref="Size"/> bytes.</param>
    public static BlockRequestHeader Read(ReadOnlySpan<byte> bytes) =>
        new(BinaryPrimitives.ReadUInt32LittleEndian(bytes), BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..]));
}
