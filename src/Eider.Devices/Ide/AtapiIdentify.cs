using System.Buffers.Binary;

namespace Eider.Devices.Ide;

/// <summary>IDENTIFY PACKET DEVICE data of a CD drive (ATA/ATAPI-6).</summary>
internal static class AtapiIdentify
{
    // PACKET, DEVICE RESET, power management; NOP is aborted by every device.
    private const ushort CommandSet82 = 0x4218;

    /// <summary>Writes the data.</summary>
    /// <param name="data">512 bytes, all of them written.</param>
    /// <param name="drive">The drive.</param>
    public static void Write(Span<byte> data, AtapiDrive drive)
    {
        data.Clear();
        Put(data, 0, 0x85C0); // CD-ROM, removable, DRQ in 50 us, 12-byte packets
        IdeText.PutSwapped(data.Slice(10 * 2, 20), drive.Settings.Serial);
        IdeText.PutSwapped(data.Slice(23 * 2, 8), drive.Settings.Firmware);
        IdeText.PutSwapped(data.Slice(27 * 2, 40), drive.Settings.Model);
        Put(data, 48, 1);
        Put(data, 49, 0x0300); // DMA, LBA
        Put(data, 53, 7);
        Put(data, 62, 7);
        Put(data, 63, drive.Drive.Mode.MultiwordWord);
        Put(data, 64, 3);
        Put(data, 65, 0xB4);
        Put(data, 66, 0xB4);
        Put(data, 67, 0x12C);
        Put(data, 68, 0xB4);
        Put(data, 71, 30);
        Put(data, 72, 30);
        Put(data, 80, 0x1E);
        Put(data, 82, CommandSet82);
        Put(data, 83, 0x4000);
        Put(data, 84, 0x4000);
        Put(data, 85, CommandSet82);
        Put(data, 87, 0x4000);
        Put(data, 88, drive.Drive.Mode.UltraWord);
        Put(data, 93, drive.Unit == 0 ? 0x6001 : 0x6100);
    }

    private static void Put(Span<byte> data, int word, int value) =>
        BinaryPrimitives.WriteUInt16LittleEndian(data[(word * 2)..], (ushort)value);
}
