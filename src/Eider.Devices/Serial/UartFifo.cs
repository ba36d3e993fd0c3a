using System.Runtime.CompilerServices;

namespace Eider.Devices.Serial;

/// <summary>A FIFO of the 16550: sixteen bytes, or one while FIFOs are off.</summary>
internal struct UartFifo
{
    public const int Depth = 16;

    private Bytes _bytes;
    private int _first;

    public int Count { get; private set; }

    public readonly byte Peek() => _bytes[_first];

    public void Push(byte value)
    {
        _bytes[(_first + Count) % Depth] = value;
        Count++;
    }

    public byte Pop()
    {
        var value = _bytes[_first];
        _first = (_first + 1) % Depth;
        Count--;
        return value;
    }

    [InlineArray(Depth)]
    private struct Bytes
    {
        private byte _first;
    }
}
