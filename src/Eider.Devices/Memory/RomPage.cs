using Eider.Hardware.Bus;

namespace Eider.Devices.Memory;

/// <summary>A page that is read in any width and place and never written, as ducky has its hardware table in. Behind its content it reads as zeroes.</summary>
public sealed class RomPage : IDeviceIo
{
    /// <summary>Size in bytes.</summary>
    public const ulong SizeBytes = 0x1000;

    private readonly byte[] _content = new byte[SizeBytes];

    /// <summary>A page with something in it.</summary>
    /// <param name="content">What it holds.</param>
    /// <param name="offset">Where that begins, in bytes.</param>
    /// <exception cref="ArgumentException">It does not fit.</exception>
    public RomPage(ReadOnlySpan<byte> content, int offset) => content.CopyTo(_content.AsSpan(offset));

    /// <inheritdoc/>
    public BusResult Read(IoAddress rangeBase, IoAddress offset, Span<byte> data)
    {
        _content.AsSpan((int)offset.Value, data.Length).CopyTo(data); // the bus keeps accesses inside of the range
        return BusResult.Ok;
    }
}
