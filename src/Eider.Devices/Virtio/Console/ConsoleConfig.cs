using System.Buffers.Binary;

namespace Eider.Devices.Virtio.Console;

/// <summary>struct virtio_console_config (virtio 1.3, 5.3.4): le16 cols, le16 rows, le32 max_nr_ports, le32 emerg_wr.</summary>
internal static class ConsoleConfig
{
    /// <summary>Length in bytes.</summary>
    public const int Size = 12;

    /// <summary>Offset of <c>emerg_wr</c>, the only field that a driver writes; reads as 0.</summary>
    public const int EmergencyWriteOffset = 8;

    /// <summary>Puts the layout into bytes.</summary>
    public static void Write(Span<byte> bytes, ConsoleSize size, uint maxPorts)
    {
        bytes[..Size].Clear();
        BinaryPrimitives.WriteUInt16LittleEndian(bytes, size.Columns);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[2..], size.Rows);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[4..], maxPorts);
    }
}
