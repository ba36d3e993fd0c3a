namespace Eider.Storage;

/// <summary>
/// A scatter list: the pieces of memory that one request moves, in order. A plain view of one buffer or of a
/// stretch of an array that the caller keeps; nothing is copied or allocated.
/// </summary>
public readonly struct BufferList
{
    private readonly ReadOnlyMemory<Memory<byte>> _pieces;
    private readonly Memory<byte> _single;

    /// <summary>One piece.</summary>
    public BufferList(Memory<byte> piece)
    {
        _single = piece;
        Count = 1;
        LengthBytes = piece.Length;
    }

    /// <summary>Several pieces; the array is not copied and must stay as it is until the request ends.</summary>
    public BufferList(ReadOnlyMemory<Memory<byte>> pieces)
    {
        _pieces = pieces;
        Count = pieces.Length;
        var length = 0L;
        foreach (var piece in pieces.Span)
        {
            length += piece.Length;
        }

        LengthBytes = length;
    }

    /// <summary>Number of pieces.</summary>
    public int Count { get; }

    /// <summary>Sum of their lengths.</summary>
    public long LengthBytes { get; }

    /// <summary>A piece.</summary>
    public Memory<byte> this[int index] => _pieces.IsEmpty && index == 0 && Count == 1 ? _single : _pieces.Span[index];

    /// <summary>One piece.</summary>
    public static implicit operator BufferList(Memory<byte> piece) => new(piece);

    /// <summary>One piece.</summary>
    public static implicit operator BufferList(byte[] piece) => new(piece.AsMemory());

    /// <summary>One piece.</summary>
    public static BufferList FromMemory(Memory<byte> piece) => new(piece);
}
