namespace Eider.Storage.Tests.Compression;

/// <summary>
/// A raw inflater (RFC 1951) as the smallest reader would write it: it remembers 4 KiB and hands out pieces of 1,000
/// bytes, so a distance beyond the window cannot be served.
/// </summary>
internal sealed class SmallWindowInflater(byte[] source)
{
    public const int WindowBytes = 4096;
    public const int PieceBytes = 1000;

    private static readonly int[] LengthBase =
        [3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258];

    private static readonly int[] LengthExtra =
        [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];

    private static readonly int[] DistanceBase =
    [
        1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145,
        8193, 12289, 16385, 24577,
    ];

    private static readonly int[] CodeOrder = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

    private readonly byte[] _window = new byte[WindowBytes];
    private readonly byte[] _piece = new byte[PieceBytes];
    private readonly List<byte> _result = [];
    private int _filled;
    private long _written;
    private int _position;
    private int _bits;
    private int _bitCount;

    /// <summary>The longest distance that was used.</summary>
    public int LongestDistance { get; private set; }

    /// <summary>All that the stream holds.</summary>
    public byte[] Inflate()
    {
        bool isLast;
        do
        {
            isLast = Take(1) == 1;
            switch (Take(2))
            {
                case 0:
                    Stored();
                    break;
                case 1:
                    Codes(
                        new Huffman([.. Enumerable.Range(0, 288).Select(value => value < 144 ? 8 : value < 256 ? 9 : value < 280 ? 7 : 8)]),
                        new Huffman([.. Enumerable.Repeat(5, 30)]));
                    break;
                case 2:
                    Dynamic();
                    break;
                default:
                    throw new InvalidDataException("block type 3");
            }
        }
        while (!isLast);

        _result.AddRange(_piece.AsSpan(0, _filled));
        return [.. _result];
    }

    private int Take(int count)
    {
        while (_bitCount < count)
        {
            _bits |= source[_position++] << _bitCount;
            _bitCount += 8;
        }

        var value = _bits & ((1 << count) - 1);
        _bits >>= count;
        _bitCount -= count;
        return value;
    }

    private void Put(byte value)
    {
        _window[_written++ % WindowBytes] = value;
        _piece[_filled++] = value;
        if (_filled == PieceBytes)
        {
            _result.AddRange(_piece);
            _filled = 0;
        }
    }

    private void Stored()
    {
        (_bits, _bitCount) = (0, 0);
        var length = source[_position] | (source[_position + 1] << 8);
        _position += 4;
        for (; length > 0; length--)
        {
            Put(source[_position++]);
        }
    }

    private void Dynamic()
    {
        var literals = Take(5) + 257;
        var distances = Take(5) + 1;
        var codes = Take(4) + 4;
        var lengths = new int[19];
        for (var index = 0; index < codes; index++)
        {
            lengths[CodeOrder[index]] = Take(3);
        }

        var code = new Huffman(lengths);
        var all = new List<int>();
        while (all.Count < literals + distances)
        {
            var symbol = code.Decode(Take);
            switch (symbol)
            {
                case < 16:
                    all.Add(symbol);
                    break;
                case 16:
                    all.AddRange(Enumerable.Repeat(all[^1], 3 + Take(2)));
                    break;
                default:
                    all.AddRange(Enumerable.Repeat(0, symbol == 17 ? 3 + Take(3) : 11 + Take(7)));
                    break;
            }
        }

        Codes(new Huffman([.. all.Take(literals)]), new Huffman([.. all.Skip(literals)]));
    }

    private void Codes(Huffman literals, Huffman distances)
    {
        for (var symbol = literals.Decode(Take); symbol != 256; symbol = literals.Decode(Take))
        {
            if (symbol < 256)
            {
                Put((byte)symbol);
                continue;
            }

            var length = LengthBase[symbol - 257] + Take(LengthExtra[symbol - 257]);
            var slot = distances.Decode(Take);
            var distance = DistanceBase[slot] + Take(slot < 2 ? 0 : (slot / 2) - 1);
            LongestDistance = Math.Max(LongestDistance, distance);
            if (distance > WindowBytes || distance > _written)
            {
                throw new InvalidDataException($"distance {distance} is too far back");
            }

            for (; length > 0; length--)
            {
                Put(_window[(_written - distance) % WindowBytes]);
            }
        }
    }

    /// <summary>A canonical code, decoded bit by bit.</summary>
    private sealed class Huffman
    {
        private readonly int[] _counts = new int[16];
        private readonly List<int> _symbols = [];

        public Huffman(int[] lengths)
        {
            for (var length = 1; length < 16; length++)
            {
                for (var symbol = 0; symbol < lengths.Length; symbol++)
                {
                    if (lengths[symbol] == length)
                    {
                        _counts[length]++;
                        _symbols.Add(symbol);
                    }
                }
            }
        }

        public int Decode(Func<int, int> take)
        {
            int code = 0, first = 0, index = 0;
            for (var length = 1; length < 16; length++)
            {
                code |= take(1);
                if (code - first < _counts[length])
                {
                    return _symbols[index + code - first];
                }

                index += _counts[length];
                first = (first + _counts[length]) << 1;
                code <<= 1;
            }

            throw new InvalidDataException("no such code");
        }
    }
}
