using System.Numerics;
using Eider.RiscV.FloatingPoint;

namespace Eider.RiscV.Tests.FloatingPoint;

/// <summary>
/// A second, slow implementation to compare with: numbers are fractions of unbounded integers, rounding is
/// done by comparing with the neighbours. It shares no code and no method with the one under test.
/// </summary>
internal sealed class ReferenceFormat(int precision, int maxExponent, int width)
{
    public static readonly ReferenceFormat Single = new(precision: 24, maxExponent: 127, width: 32);
    public static readonly ReferenceFormat Double = new(precision: 53, maxExponent: 1023, width: 64);

    private int MinExponent => 1 - maxExponent;

    private ulong Sign => 1UL << (width - 1);

    public ulong Infinity => (ulong)(2 * maxExponent + 1) << (precision - 1);

    public ulong CanonicalNaN => Infinity | (1UL << (precision - 2));

    public bool IsNaN(ulong bits) => (bits & ~Sign) > Infinity;

    public bool IsSignaling(ulong bits) => IsNaN(bits) && (bits & (1UL << (precision - 2))) == 0;

    public bool IsInfinite(ulong bits) => (bits & ~Sign) == Infinity;

    public bool IsFinite(ulong bits) => (bits & ~Sign) < Infinity;

    public bool IsNegative(ulong bits) => (bits & Sign) != 0;

    public ulong Negate(ulong bits) => bits ^ Sign;

    /// <summary>The value of a finite number.</summary>
    public Fraction Value(ulong bits)
    {
        ulong fraction = bits & ((1UL << (precision - 1)) - 1);
        int biased = (int)((bits & ~Sign) >> (precision - 1));
        BigInteger numerator = biased == 0 ? fraction : fraction + (BigInteger.One << (precision - 1));
        int exponent = Math.Max(biased, 1) - maxExponent - (precision - 1);
        return Fraction.Scaled(IsNegative(bits) ? -numerator : numerator, exponent);
    }

    public (ulong Bits, FpFlags Flags) Add(ulong a, ulong b, RoundingMode rm)
    {
        if (IsNaN(a) || IsNaN(b))
        {
            return NaN(IsSignaling(a) || IsSignaling(b));
        }

        if (IsInfinite(a) || IsInfinite(b))
        {
            return IsInfinite(a) && IsInfinite(b) && a != b ? NaN(true) : (IsInfinite(a) ? a : b, 0);
        }

        return Sum(Value(a), IsNegative(a), Value(b), IsNegative(b), rm);
    }

    public (ulong Bits, FpFlags Flags) Multiply(ulong a, ulong b, RoundingMode rm)
    {
        if (IsNaN(a) || IsNaN(b))
        {
            return NaN(IsSignaling(a) || IsSignaling(b));
        }

        ulong sign = (a ^ b) & Sign;
        if (IsInfinite(a) || IsInfinite(b))
        {
            return (a & ~Sign) == 0 || (b & ~Sign) == 0 ? NaN(true) : (sign | Infinity, 0);
        }

        Fraction product = Value(a) * Value(b);
        return product.IsZero ? (sign, 0) : Round(product, rm);
    }

    public (ulong Bits, FpFlags Flags) Divide(ulong a, ulong b, RoundingMode rm)
    {
        if (IsNaN(a) || IsNaN(b))
        {
            return NaN(IsSignaling(a) || IsSignaling(b));
        }

        ulong sign = (a ^ b) & Sign;
        bool zeroA = (a & ~Sign) == 0;
        bool zeroB = (b & ~Sign) == 0;
        if ((IsInfinite(a) && IsInfinite(b)) || (zeroA && zeroB))
        {
            return NaN(true);
        }

        if (IsInfinite(a) || zeroB)
        {
            return (sign | Infinity, IsInfinite(a) ? 0 : FpFlags.DivideByZero);
        }

        return IsInfinite(b) || zeroA ? (sign, 0) : Round(Value(a) / Value(b), rm);
    }

    public (ulong Bits, FpFlags Flags) SquareRoot(ulong a, RoundingMode rm)
    {
        if (IsNaN(a))
        {
            return NaN(IsSignaling(a));
        }

        if ((a & ~Sign) == 0)
        {
            return (a, 0);
        }

        return IsNegative(a) ? NaN(true) : IsInfinite(a) ? (a, 0) : Round(Value(a), rm, root: true);
    }

    public (ulong Bits, FpFlags Flags) FusedMultiplyAdd(ulong a, ulong b, ulong c, RoundingMode rm)
    {
        bool undefined = (IsInfinite(a) && (b & ~Sign) == 0) || (IsInfinite(b) && (a & ~Sign) == 0);
        if (undefined || IsNaN(a) || IsNaN(b) || IsNaN(c))
        {
            return NaN(undefined || IsSignaling(a) || IsSignaling(b) || IsSignaling(c));
        }

        ulong sign = (a ^ b) & Sign;
        if (IsInfinite(a) || IsInfinite(b))
        {
            return IsInfinite(c) && (c & Sign) != sign ? NaN(true) : (sign | Infinity, 0);
        }

        return IsInfinite(c) ? (c, 0) : Sum(Value(a) * Value(b), sign != 0, Value(c), IsNegative(c), rm);
    }

    public (ulong Bits, FpFlags Flags) FromInteger(BigInteger value, RoundingMode rm) =>
        value.IsZero ? (0, 0) : Round(Fraction.Scaled(value, 0), rm);

    public (ulong Bits, FpFlags Flags) ConvertFrom(ReferenceFormat source, ulong a, RoundingMode rm)
    {
        if (source.IsNaN(a))
        {
            return NaN(source.IsSignaling(a));
        }

        ulong sign = source.IsNegative(a) ? Sign : 0;
        if (source.IsInfinite(a))
        {
            return (sign | Infinity, 0);
        }

        Fraction value = source.Value(a);
        return value.IsZero ? (sign, 0) : Round(value, rm);
    }

    public (BigInteger Value, FpFlags Flags) ToInteger(ulong a, BigInteger min, BigInteger max, RoundingMode rm)
    {
        if (IsNaN(a) || IsInfinite(a))
        {
            return (IsInfinite(a) && IsNegative(a) ? min : max, FpFlags.Invalid);
        }

        Fraction value = Value(a);
        BigInteger whole = RoundMagnitude(value.Abs(), value.Sign < 0, 0, rm, false, out bool inexact);
        whole = value.Sign < 0 ? -whole : whole;
        if (whole < min || whole > max)
        {
            return (whole < min ? min : max, FpFlags.Invalid);
        }

        return (whole, inexact ? FpFlags.Inexact : 0);
    }

    /// <summary>Rounds a value other than zero, or its square root.</summary>
    public (ulong Bits, FpFlags Flags) Round(Fraction value, RoundingMode rm, bool root = false)
    {
        bool negative = value.Sign < 0;
        value = value.Abs();
        int exponent = ExponentOf(value, root);

        BigInteger unbounded = RoundMagnitude(value, negative, exponent - (precision - 1), rm, root, out _);
        bool tiny = exponent < MinExponent
            && Fraction.Scaled(unbounded, exponent - (precision - 1)).CompareTo(Fraction.Scaled(1, MinExponent)) < 0;

        int quantum = Math.Max(exponent, MinExponent) - (precision - 1);
        BigInteger rounded = RoundMagnitude(value, negative, quantum, rm, root, out bool inexact);
        FpFlags flags = inexact ? FpFlags.Inexact : 0;
        flags |= inexact && tiny ? FpFlags.Underflow : 0;

        Fraction result = Fraction.Scaled(rounded, quantum);
        ulong sign = negative ? Sign : 0;
        if (result.CompareTo(Fraction.Scaled(1, maxExponent + 1)) >= 0)
        {
            bool toInfinity = rm is RoundingMode.NearestEven or RoundingMode.NearestMaxMagnitude
                || rm == (negative ? RoundingMode.Down : RoundingMode.Up);
            return (sign | (toInfinity ? Infinity : Infinity - 1), FpFlags.Overflow | FpFlags.Inexact);
        }

        return (sign | Encode(rounded, quantum), flags);
    }

    private (ulong Bits, FpFlags Flags) NaN(bool invalid) => (CanonicalNaN, invalid ? FpFlags.Invalid : 0);

    private (ulong Bits, FpFlags Flags) Sum(Fraction a, bool negativeA, Fraction b, bool negativeB, RoundingMode rm)
    {
        Fraction sum = a + b;
        if (!sum.IsZero)
        {
            return Round(sum, rm);
        }

        // Zeros of one sign keep it; otherwise an exact zero sum is +0, and -0 when rounding down.
        bool bothZero = a.IsZero && b.IsZero;
        bool negative = bothZero && negativeA == negativeB ? negativeA : rm == RoundingMode.Down;
        return (negative ? Sign : 0, 0);
    }

    private ulong Encode(BigInteger significand, int quantum)
    {
        if (significand == BigInteger.One << precision)
        {
            significand >>= 1;
            quantum++;
        }

        BigInteger hidden = BigInteger.One << (precision - 1);
        return significand < hidden
            ? (ulong)significand
            : (ulong)(significand - hidden) | ((ulong)(quantum + precision - 1 + maxExponent) << (precision - 1));
    }

    private static int ExponentOf(Fraction value, bool root)
    {
        int exponent = (int)(value.Numerator.GetBitLength() - value.Denominator.GetBitLength());
        exponent = root ? exponent / 2 : exponent;
        while (Compare(value, root, Fraction.Scaled(1, exponent)) < 0)
        {
            exponent--;
        }

        while (Compare(value, root, Fraction.Scaled(1, exponent + 1)) >= 0)
        {
            exponent++;
        }

        return exponent;
    }

    /// <summary>The multiple of 2^quantum that the mode chooses, as a count of it.</summary>
    private static BigInteger RoundMagnitude(
        Fraction value, bool negative, int quantum, RoundingMode rm, bool root, out bool inexact)
    {
        BigInteger below = FloorOf(value, quantum, root);
        inexact = Compare(value, root, Fraction.Scaled(below, quantum)) != 0;
        if (!inexact)
        {
            return below;
        }

        int toMiddle = Compare(value, root, Fraction.Scaled((below << 1) + 1, quantum - 1));
        bool away = rm switch
        {
            RoundingMode.NearestEven => toMiddle > 0 || (toMiddle == 0 && !below.IsEven),
            RoundingMode.TowardZero => false,
            RoundingMode.Down => negative,
            RoundingMode.Up => !negative,
            RoundingMode.NearestMaxMagnitude => toMiddle >= 0,
            _ => throw new ArgumentOutOfRangeException(nameof(rm)),
        };
        return away ? below + 1 : below;
    }

    private static BigInteger FloorOf(Fraction value, int quantum, bool root)
    {
        if (!root)
        {
            Fraction scaled = value * Fraction.Scaled(1, -quantum);
            return scaled.Numerator / scaled.Denominator;
        }

        Fraction square = value * Fraction.Scaled(1, -2 * quantum);
        BigInteger radicand = square.Numerator / square.Denominator;
        BigInteger low = BigInteger.Zero;
        BigInteger high = BigInteger.One << (((int)radicand.GetBitLength() / 2) + 1);
        while (high - low > 1)
        {
            BigInteger middle = (low + high) >> 1;
            (low, high) = middle * middle <= radicand ? (middle, high) : (low, middle);
        }

        return low;
    }

    private static int Compare(Fraction value, bool root, Fraction other) =>
        value.CompareTo(root ? other * other : other);
}
