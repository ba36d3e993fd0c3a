using System.Buffers.Binary;

namespace Eider.Devices.Virtio.Console;

/// <summary>struct virtio_console_control (virtio 1.3, 5.3.6.2): le32 id, le16 event, le16 value.</summary>
/// <param name="Port">Port number; any value may come from a guest.</param>
/// <param name="Event">What happened; any value may come from a guest.</param>
/// <param name="Value">What the event says of it.</param>
internal readonly record struct ConsoleControlMessage(uint Port, ConsoleControlEvent Event, ushort Value)
{
    /// <summary>Length in bytes, without what follows some events.</summary>
    public const int Size = 8;

    /// <summary>Takes one apart.</summary>
    /// <param name="bytes">At least <see cref="Size"/> bytes.</param>
    public static ConsoleControlMessage Read(ReadOnlySpan<byte> bytes) => new(
        BinaryPrimitives.ReadUInt32LittleEndian(bytes),
        (ConsoleControlEvent)BinaryPrimitives.ReadUInt16LittleEndian(bytes[4..]),
        BinaryPrimitives.ReadUInt16LittleEndian(bytes[6..]));

    /// <summary>Puts it into bytes.</summary>
    /// <param name="bytes">At least <see cref="Size"/> bytes.</param>
    public void Write(Span<byte> bytes)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, Port);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[4..], (ushort)Event);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[6..], Value);
    }
}
