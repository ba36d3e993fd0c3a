using System.Buffers.Binary;

namespace Eider.Devices.Ide;

/// <summary>The general purpose logs of a disk (ACS-2, annex A): directory, device statistics, identify data.</summary>
internal static class AtaLogs
{
    /// <summary>Bytes of a page.</summary>
    public const int PageBytes = 512;

    private const byte Directory = 0x00;
    private const byte DeviceStatistics = 0x04;
    private const byte IdentifyData = 0x30;

    /// <summary>Pages of a log; 0 if there is none.</summary>
    public static int PageCount(byte address) => address switch
    {
        Directory => 1,
        DeviceStatistics => 2,
        IdentifyData => 2,
        _ => 0,
    };

    /// <summary>Writes a page.</summary>
    public static void WritePage(Span<byte> page, byte address, int number, AtaDisk disk)
    {
        page.Clear();
        switch (address)
        {
            case Directory:
                BinaryPrimitives.WriteUInt16LittleEndian(page, 1);
                BinaryPrimitives.WriteUInt16LittleEndian(page[(2 * DeviceStatistics)..], (ushort)PageCount(DeviceStatistics));
                BinaryPrimitives.WriteUInt16LittleEndian(page[(2 * IdentifyData)..], (ushort)PageCount(IdentifyData));
                break;
            case DeviceStatistics when number == 1:
                WriteGeneralStatistics(page, disk);
                break;
            case IdentifyData when number == 1:
                AtaIdentify.Write(page, disk);
                break;
            default:
                WriteListOfPages(page, address);
                break;
        }
    }

    private static void WriteListOfPages(Span<byte> page, byte address)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(page, 1UL); // revision 1, page 0
        var pages = PageCount(address);
        page[8] = (byte)pages;
        for (var i = 0; i < pages; i++)
        {
            page[9 + i] = (byte)i;
        }
    }

    private static void WriteGeneralStatistics(Span<byte> page, AtaDisk disk)
    {
        const ulong SupportedAndValid = 0xC0UL << 56;
        BinaryPrimitives.WriteUInt64LittleEndian(page, 1UL | (1UL << 16));
        Put(page, 24, disk.Statistics.WrittenBytes / IdeLimits.SectorBytes);
        Put(page, 40, disk.Statistics.ReadBytes / IdeLimits.SectorBytes);

        static void Put(Span<byte> page, int offset, long value) => BinaryPrimitives.WriteUInt64LittleEndian(
            page[offset..], SupportedAndValid | ((ulong)value & 0xFFFF_FFFF_FFFF));
    }
}
