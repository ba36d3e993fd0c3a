using System.Buffers.Binary;

namespace Eider.Devices.Virtio.Block;

/// <summary>
/// struct virtio_blk_discard_write_zeroes (virtio 1.3, 5.2.6): le64 sector, le32 num_sectors, le32 flags.
/// </summary>
/// <param name="Sector">First sector of 512 bytes.</param>
/// <param name="SectorCount">Number of sectors; 0 is an empty range.</param>
/// <param name="Flags">Bit 0 unmap, the others reserved.</param>
internal readonly record struct BlockRange(ulong Sector, uint SectorCount, uint Flags)
{
    /// <summary>Length in bytes.</summary>
    public const int Size = 16;

    /// <summary>The flag that lets a write zeroes request free space.</summary>
    public const uint Unmap = 1;

    /// <summary>Takes one apart.</summary>
    /// <param name="bytes">At least <see cref="Size"/> bytes.</param>
    public static BlockRange Read(ReadOnlySpan<byte> bytes) => new(
        BinaryPrimitives.ReadUInt64LittleEndian(bytes),
        BinaryPrimitives.ReadUInt32LittleEndian(bytes[8..]),
        BinaryPrimitives.ReadUInt32LittleEndian(bytes[12..]));
}
