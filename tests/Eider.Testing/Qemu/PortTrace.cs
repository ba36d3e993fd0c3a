using System.Buffers.Binary;
using System.Globalization;
using Eider.Hardware.Bus;

namespace Eider.Testing.Qemu;

/// <summary>Replays port accesses, written as qtest writes them, on a board: <c>outl 0xcf8 0x80000000</c>, <c>inw 0xcfc</c>.</summary>
public static class PortTrace
{
    /// <summary>Makes one access through a dispatcher.</summary>
    /// <returns>What was read; null for a write.</returns>
    /// <exception cref="FormatException">The line is none.</exception>
    public static uint? Replay(IoDispatcher dispatcher, string line)
    {
        var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var isRead = words[0].StartsWith("in", StringComparison.Ordinal);
        var width = words[0][^1] switch
        {
            'b' => 1,
            'w' => 2,
            'l' => 4,
            _ => throw new FormatException($"'{line}' is no port access"),
        };
        Span<byte> data = stackalloc byte[4];
        data.Clear();
        if (!isRead)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(data, Number(words[2]));
        }

        dispatcher.Dispatch(
            new IoAccess(IoSpace.Pio, Number(words[1]), isRead ? IoDirection.Read : IoDirection.Write, width, 1, data[..width]), out _);
        return isRead ? BinaryPrimitives.ReadUInt32LittleEndian(data) : null;
    }

    /// <summary>A number as qtest writes it: hexadecimal after <c>0x</c>.</summary>
    public static uint Number(string text) => uint.Parse(text.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
}
