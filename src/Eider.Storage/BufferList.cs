namespace Eider.Storage;

/// <summary>
/// A scatter list: the pieces of memory that one request moves, in order. A plain view of one buffer or of a
/// stretch of an array that the caller keeps; nothing is copied or allocated, also not by <see cref="Slice"/>.
/// </summary>
public readonly struct BufferList
{
    private readonly ReadOnlyMemory<Memory<byte>> _pieces;
    private readonly Memory<byte> _single;
    private readonly int _skippedInFirst;
    private readonly int _trimmedFromLast;

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

    private BufferList(ReadOnlyMemory<Memory<byte>> pieces, int skippedInFirst, int trimmedFromLast, long lengthBytes)
    {
        _pieces = pieces;
        Count = pieces.Length;
        _skippedInFirst = skippedInFirst;
        _trimmedFromLast = trimmedFromLast;
        LengthBytes = lengthBytes;
    }

    /// <summary>Number of pieces.</summary>
    public int Count { get; }

    /// <summary>Sum of their lengths.</summary>
    public long LengthBytes { get; }

    /// <summary>A piece.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such piece.</exception>
    public Memory<byte> this[int index]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfNegative(index);
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, Count);
            if (_pieces.IsEmpty)
            {
                return _single;
            }

            var piece = _pieces.Span[index];
            if (index == Count - 1)
            {
                piece = piece[..(piece.Length - _trimmedFromLast)];
            }

            return index == 0 ? piece[_skippedInFirst..] : piece;
        }
    }

    /// <summary>One piece.</summary>
    public static implicit operator BufferList(Memory<byte> piece) => new(piece);

    /// <summary>One piece.</summary>
    public static implicit operator BufferList(byte[] piece) => new(piece.AsMemory());

    /// <summary>One piece.</summary>
    public static BufferList FromMemory(Memory<byte> piece) => new(piece);

    /// <summary>A part of the list, over the same memory.</summary>
    /// <param name="offsetBytes">Where the part starts, counted over all pieces.</param>
    /// <param name="lengthBytes">How long it is.</param>
    /// <exception cref="ArgumentOutOfRangeException">The part reaches past the end.</exception>
    public BufferList Slice(long offsetBytes, long lengthBytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offsetBytes);
        ArgumentOutOfRangeException.ThrowIfNegative(lengthBytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offsetBytes, LengthBytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(lengthBytes, LengthBytes - offsetBytes);
        if (lengthBytes == LengthBytes)
        {
            return this;
        }

        if (lengthBytes == 0)
        {
            return default;
        }

        return _pieces.IsEmpty
            ? new BufferList(_single.Slice((int)offsetBytes, (int)lengthBytes))
            : SlicePieces(offsetBytes, lengthBytes);
    }

    /// <summary>Copies bytes out of the pieces.</summary>
    /// <param name="offsetBytes">Where to begin in the list.</param>
    /// <param name="destination">Filled wholly.</param>
    public void CopyTo(long offsetBytes, Span<byte> destination)
    {
        var part = Slice(offsetBytes, destination.Length);
        for (var index = 0; index < part.Count; index++)
        {
            var piece = part[index].Span;
            piece.CopyTo(destination);
            destination = destination[piece.Length..];
        }
    }

    /// <summary>Copies bytes into the pieces.</summary>
    /// <param name="offsetBytes">Where to begin in the list.</param>
    /// <param name="source">Copied wholly.</param>
    public void CopyFrom(long offsetBytes, ReadOnlySpan<byte> source)
    {
        var part = Slice(offsetBytes, source.Length);
        for (var index = 0; index < part.Count; index++)
        {
            var piece = part[index].Span;
            source[..piece.Length].CopyTo(piece);
            source = source[piece.Length..];
        }
    }

    /// <summary>Fills every piece with zeroes.</summary>
    public void Clear()
    {
        for (var index = 0; index < Count; index++)
        {
            this[index].Span.Clear();
        }
    }

    private BufferList SlicePieces(long offsetBytes, long lengthBytes)
    {
        var first = 0;
        var skipped = offsetBytes + _skippedInFirst;
        var pieces = _pieces.Span;
        while (skipped >= pieces[first].Length)
        {
            skipped -= pieces[first].Length;
            first++;
        }

        var last = first;
        var left = lengthBytes + skipped;
        while (left > pieces[last].Length)
        {
            left -= pieces[last].Length;
            last++;
        }

        var trimmed = pieces[last].Length - (int)left;
        return first == last
            ? new BufferList(pieces[first].Slice((int)skipped, (int)lengthBytes))
            : new BufferList(_pieces.Slice(first, last - first + 1), (int)skipped, trimmed, lengthBytes);
    }
}
