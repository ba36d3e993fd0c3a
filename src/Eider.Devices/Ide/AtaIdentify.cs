using System.Buffers.Binary;
using System.Numerics;

namespace Eider.Devices.Ide;

/// <summary>IDENTIFY DEVICE data of a disk, word by word (ATA/ATAPI-6; words 69, 105, 106, 169, 217 of ACS-2).</summary>
internal static class AtaIdentify
{
    /// <summary>Length in bytes.</summary>
    public const int Size = 512;

    // NOP, READ and WRITE BUFFER, host protected area, look-ahead, write cache, power management, SMART.
    private const ushort CommandSet82 = 0x7469;

    // Valid; FLUSH CACHE EXT, FLUSH CACHE, 48-bit addresses.
    private const ushort CommandSet83 = 0x7400;

    // Valid; FUA writes, logs, SMART self-test and error log.
    private const ushort CommandSet84 = 0x4063;

    private const ushort WorldWideNameBit = 0x0100;
    private const ushort WriteCacheBit = 1 << 5;
    private const ushort LookAheadBit = 1 << 6;
    private const ushort SmartBit = 1 << 0;

    /// <summary>Writes the data.</summary>
    /// <param name="data">512 bytes, all of them written.</param>
    /// <param name="disk">The disk.</param>
    public static void Write(Span<byte> data, AtaDisk disk)
    {
        var settings = disk.Settings;
        data.Clear();
        Put(data, 0, 0x0040); // a fixed disk
        IdeText.PutSwapped(data.Slice(10 * 2, 20), settings.Serial);
        IdeText.PutSwapped(data.Slice(23 * 2, 8), settings.Firmware);
        IdeText.PutSwapped(data.Slice(27 * 2, 40), settings.Model);
        WriteGeometry(data, disk);
        Put(data, 47, 0x8000 | IdeLimits.MaxMultipleSectors);
        Put(data, 49, 0x0B00); // IORDY, LBA, DMA
        Put(data, 51, 0x0200);
        Put(data, 52, 0x0200);
        Put(data, 53, 0x0007); // words 54-58, 64-70 and 88 are valid
        Put(data, 62, 0x0007);
        Put(data, 63, disk.Disk.Mode.MultiwordWord);
        Put(data, 64, 0x0003); // PIO 3 and 4
        for (var word = 65; word <= 68; word++)
        {
            Put(data, word, 120); // nanoseconds of a cycle
        }

        WriteFeatures(data, disk);
        WritePhysical(data, disk);
    }

    private static void WriteGeometry(Span<byte> data, AtaDisk disk)
    {
        Put(data, 1, disk.DefaultCylinders);
        Put(data, 3, AtaDisk.DefaultHeads);
        Put(data, 6, AtaDisk.DefaultSectorsPerTrack);
        var perCylinder = disk.Disk.Heads * disk.Disk.SectorsPerTrack;
        var cylinders = (int)Math.Min(disk.Sectors / perCylinder, 16383);
        Put(data, 54, cylinders);
        Put(data, 55, disk.Disk.Heads);
        Put(data, 56, disk.Disk.SectorsPerTrack);
        BinaryPrimitives.WriteUInt32LittleEndian(data[(57 * 2)..], (uint)(cylinders * perCylinder));
        Put(data, 59, disk.Disk.MultipleSectors == 0 ? 0 : 0x0100 | disk.Disk.MultipleSectors);
        BinaryPrimitives.WriteUInt32LittleEndian(data[(60 * 2)..], (uint)Math.Min(disk.Sectors, IdeLimits.Lba28Sectors));
        BinaryPrimitives.WriteUInt64LittleEndian(data[(100 * 2)..], (ulong)disk.Sectors);
    }

    private static void WriteFeatures(Span<byte> data, AtaDisk disk)
    {
        var name = disk.Settings.WorldWideName is null ? 0 : WorldWideNameBit;
        var enabled = CommandSet82 & ~(WriteCacheBit | LookAheadBit | SmartBit);
        enabled |= disk.Disk.HasWriteCache ? WriteCacheBit : 0;
        enabled |= disk.Disk.HasLookAhead ? LookAheadBit : 0;
        enabled |= disk.Smart.IsEnabled ? SmartBit : 0;
        Put(data, 69, disk.CanTrim ? 0x4000 : 0); // what was trimmed reads the same each time
        Put(data, 80, 0x00F0); // ATA-4 to ATA/ATAPI-7
        Put(data, 81, 0x0016); // ATA/ATAPI-6 T13 1410D revision 3a
        Put(data, 82, CommandSet82);
        Put(data, 83, CommandSet83);
        Put(data, 84, CommandSet84 | name);
        Put(data, 85, enabled);
        Put(data, 86, CommandSet83 & 0x3FFF);
        Put(data, 87, CommandSet84 | name);
        Put(data, 88, disk.Disk.Mode.UltraWord);
        Put(data, 93, disk.Unit == 0 ? 0x6001 : 0x6100); // an 80-conductor cable, numbered by a jumper
        Put(data, 105, disk.CanTrim ? IdeLimits.MaxTrimBlocks : 0);
        Put(data, 169, disk.CanTrim ? 1 : 0);
        Put(data, 217, 1); // does not rotate
    }

    private static void WritePhysical(Span<byte> data, AtaDisk disk)
    {
        var perPhysical = Math.Max(1, disk.Settings.Storage.Geometry.PhysicalBlockBytes / IdeLimits.SectorBytes);
        Put(data, 106, 0x6000 | Math.Min(BitOperations.Log2((uint)perPhysical), 15));
        if (disk.Settings.WorldWideName is { } name)
        {
            for (var i = 0; i < 4; i++)
            {
                Put(data, 108 + i, (int)((name >> (48 - (16 * i))) & 0xFFFF));
            }
        }
    }

    private static void Put(Span<byte> data, int word, int value) =>
        BinaryPrimitives.WriteUInt16LittleEndian(data[(word * 2)..], (ushort)value);
}
