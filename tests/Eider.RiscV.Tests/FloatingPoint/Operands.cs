namespace Eider.RiscV.Tests.FloatingPoint;

/// <summary>Operands that find faults: the edges of the format, and random numbers that lie near each other.</summary>
internal sealed class Operands(int precision, int width, int seed)
{
    private readonly Random _random = new(seed);

    private ulong Mask => width == 64 ? ulong.MaxValue : (1UL << width) - 1;

    private int ExponentBits => width - precision;

    private ulong FractionMask => (1UL << (precision - 1)) - 1;

    public static Operands Single(int seed) => new(precision: 24, width: 32, seed);

    public static Operands Double(int seed) => new(precision: 53, width: 64, seed);

    /// <summary>The edges of the format, both signs.</summary>
    public ulong[] Edges()
    {
        ulong one = ((1UL << (ExponentBits - 1)) - 1) << (precision - 1);
        ulong infinity = ((1UL << ExponentBits) - 1) << (precision - 1);
        ulong minNormal = 1UL << (precision - 1);
        ulong[] magnitudes =
        [
            0, 1, 2, 3, minNormal >> 1, minNormal - 2, minNormal - 1, minNormal, minNormal + 1, 2 * minNormal,
            one - minNormal, one - 1, one, one + 1, one + (minNormal >> 1), one + minNormal, one + (2 * minNormal) + 1,
            one + ((ulong)precision * minNormal), one + ((ulong)(precision - 1) * minNormal) - 1,
            infinity - minNormal, infinity - 2, infinity - 1, infinity,
            infinity + 1, infinity | (minNormal >> 1), infinity | (minNormal >> 1) | 1, infinity | FractionMask,
        ];
        return [.. magnitudes, .. magnitudes.Select(m => m | (1UL << (width - 1)))];
    }

    public ulong Next()
    {
        ulong exponent = (ulong)_random.Next(1 << ExponentBits);
        int middle = (1 << (ExponentBits - 1)) - 1;
        exponent = _random.Next(8) switch
        {
            0 => exponent,
            1 => (ulong)_random.Next(3),
            2 => (ulong)((1 << ExponentBits) - 1 - _random.Next(3)),
            3 => (ulong)(middle / 2) + (ulong)_random.Next(precision * 2),
            4 => (ulong)(middle * 3 / 2) - (ulong)_random.Next(4),
            _ => (ulong)(middle - precision + _random.Next(precision * 2)),
        };
        ulong sign = (ulong)_random.Next(2) << (width - 1);
        return sign | (exponent << (precision - 1)) | NextFraction();
    }

    /// <summary>A number whose sum, difference or quotient with <paramref name="other"/> nearly cancels, often.</summary>
    public ulong NextNear(ulong other) => _random.Next(4) switch
    {
        0 => (other ^ ((ulong)_random.Next(2) << (width - 1))) + (ulong)_random.Next(-2, 3) & Mask,
        1 => (other ^ (1UL << (width - 1)))
            + ((ulong)_random.Next(-precision - 3, precision + 3) << (precision - 1)) & Mask,
        _ => Next(),
    };

    private ulong NextFraction() => FractionMask & _random.Next(6) switch
    {
        0 => 1UL << _random.Next(precision),
        1 => ulong.MaxValue << _random.Next(precision),
        2 => (1UL << _random.Next(precision)) - 1,
        3 => (ulong)_random.NextInt64() << _random.Next(precision),
        _ => (ulong)_random.NextInt64(),
    };
}
