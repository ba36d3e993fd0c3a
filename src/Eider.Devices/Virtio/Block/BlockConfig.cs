using System.Buffers.Binary;

namespace Eider.Devices.Virtio.Block;

/// <summary>
/// struct virtio_blk_config (virtio 1.3, 5.2.4) as it stands for the guest: 0x60 bytes, little-endian, the part
/// of zoned devices and all padding zero. A field whose feature is not offered is zero.
/// </summary>
internal readonly record struct BlockConfig
{
    /// <summary>Length in bytes.</summary>
    public const int Size = 0x60;

    /// <summary>Offset of the only field that a driver may write.</summary>
    public const int WritebackOffset = 0x20;

    /// <summary>capacity, in sectors of 512 bytes.</summary>
    public ulong Capacity { get; init; }

    /// <summary>size_max: bytes of one segment.</summary>
    public uint SizeMax { get; init; }

    /// <summary>seg_max: segments of one request.</summary>
    public uint SegMax { get; init; }

    /// <summary>geometry.</summary>
    public BlockDiskGeometry Geometry { get; init; }

    /// <summary>blk_size in bytes.</summary>
    public uint BlockSize { get; init; }

    /// <summary>physical_block_exp: log2 of logical blocks in a physical one.</summary>
    public byte PhysicalBlockExponent { get; init; }

    /// <summary>min_io_size in logical blocks.</summary>
    public ushort MinIoSize { get; init; }

    /// <summary>opt_io_size in logical blocks.</summary>
    public uint OptIoSize { get; init; }

    /// <summary>writeback: 1 if a completed write needs a flush to be durable.</summary>
    public bool Writeback { get; init; }

    /// <summary>num_queues.</summary>
    public ushort QueueCount { get; init; }

    /// <summary>max_discard_sectors.</summary>
    public uint MaxDiscardSectors { get; init; }

    /// <summary>max_discard_seg.</summary>
    public uint MaxDiscardSegments { get; init; }

    /// <summary>discard_sector_alignment in sectors.</summary>
    public uint DiscardSectorAlignment { get; init; }

    /// <summary>max_write_zeroes_sectors.</summary>
    public uint MaxWriteZeroesSectors { get; init; }

    /// <summary>max_write_zeroes_seg.</summary>
    public uint MaxWriteZeroesSegments { get; init; }

    /// <summary>write_zeroes_may_unmap.</summary>
    public bool WriteZeroesMayUnmap { get; init; }

    /// <summary>max_secure_erase_sectors.</summary>
    public uint MaxSecureEraseSectors { get; init; }

    /// <summary>max_secure_erase_seg.</summary>
    public uint MaxSecureEraseSegments { get; init; }

    /// <summary>secure_erase_sector_alignment in sectors.</summary>
    public uint SecureEraseSectorAlignment { get; init; }

    /// <summary>Puts the layout into bytes.</summary>
    /// <param name="bytes">At least <see cref="Size"/> bytes; all of them are written.</param>
    public void Write(Span<byte> bytes)
    {
        bytes[..Size].Clear();
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, Capacity);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[0x08..], SizeMax);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[0x0c..], SegMax);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[0x10..], Geometry.Cylinders);
        bytes[0x12] = Geometry.Heads;
        bytes[0x13] = Geometry.Sectors;
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[0x14..], BlockSize);
        bytes[0x18] = PhysicalBlockExponent;
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[0x1a..], MinIoSize);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[0x1c..], OptIoSize);
        bytes[WritebackOffset] = Writeback ? (byte)1 : (byte)0;
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[0x22..], QueueCount);
        WriteRangeLimits(bytes);
    }

    private void WriteRangeLimits(Span<byte> bytes)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[0x24..], MaxDiscardSectors);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[0x28..], MaxDiscardSegments);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[0x2c..], DiscardSectorAlignment);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[0x30..], MaxWriteZeroesSectors);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[0x34..], MaxWriteZeroesSegments);
        bytes[0x38] = WriteZeroesMayUnmap ? (byte)1 : (byte)0;
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[0x3c..], MaxSecureEraseSectors);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[0x40..], MaxSecureEraseSegments);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[0x44..], SecureEraseSectorAlignment);
    }
}
