using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Eider.RiscV.FloatingPoint;

/// <summary>
/// Double-precision arithmetic as the RISC-V "D" extension defines it, on raw bits. NaN results are canonical,
/// tininess is found after rounding, and flags are only ever set, never cleared.
/// </summary>
/// <remarks>
/// The host computes what rounds to nearest and stays within the normal numbers; whether the result is exact is
/// found from its residual, and not looked for once NX is set anyway. All else goes to
/// <see cref="SoftFloat{TFormat}"/>, which defines the results.
/// <para>
/// In every operation <c>a</c>, <c>b</c> and <c>c</c> are operands as raw bits, <c>value</c> is an integer to convert, <c>rm</c> says how to round, and
/// <c>flags</c> takes in the exceptions that were raised (Unprivileged ISA, "F" extension, "Floating-Point Control and Status Register").
/// </para>
/// </remarks>
[SuppressMessage("Naming", "CA1720", Justification = "The format is what the type stands for.")]
public static class Float64
{
    private const int MaxFiniteExponent = 0x7FE;

    /// <summary>From this biased exponent on (2^-895), residuals of products and quotients are not subnormal.</summary>
    private const int MinResidualExponent = 128;

    /// <summary>a + b, correctly rounded.</summary>
    public static ulong Add(ulong a, ulong b, RoundingMode rm, ref FpFlags flags)
    {
        if (rm != RoundingMode.NearestEven || !IsSummand(a) || !IsSummand(b))
        {
            return SoftFloat<Binary64>.Add(a, b, rm, ref flags);
        }

        double x = FromBits(a);
        double y = FromBits(b);
        double result = x + y;
        if ((flags & FpFlags.Inexact) == 0 && SumError(x, y, result) != 0)
        {
            flags |= FpFlags.Inexact;
        }

        return ToBits(result);
    }

    /// <summary>a - b, correctly rounded.</summary>
    public static ulong Subtract(ulong a, ulong b, RoundingMode rm, ref FpFlags flags)
    {
        if (rm != RoundingMode.NearestEven || !IsSummand(a) || !IsSummand(b))
        {
            return SoftFloat<Binary64>.Subtract(a, b, rm, ref flags);
        }

        double x = FromBits(a);
        double y = FromBits(b);
        double result = x - y;
        if ((flags & FpFlags.Inexact) == 0 && SumError(x, -y, result) != 0)
        {
            flags |= FpFlags.Inexact;
        }

        return ToBits(result);
    }

    /// <summary>a * b, correctly rounded.</summary>
    public static ulong Multiply(ulong a, ulong b, RoundingMode rm, ref FpFlags flags)
    {
        double x = FromBits(a);
        double y = FromBits(b);
        double result = x * y;
        if (rm == RoundingMode.NearestEven && IsSafelyNormal(result))
        {
            if ((flags & FpFlags.Inexact) != 0)
            {
                return ToBits(result);
            }

            if (BiasedExponent(result) >= MinResidualExponent)
            {
                flags |= Math.FusedMultiplyAdd(x, y, -result) != 0 ? FpFlags.Inexact : FpFlags.None;
                return ToBits(result);
            }
        }

        // A zero times a finite number, in every mode; an underflow to zero has no zero operand.
        return result == 0 && (x == 0 || y == 0) ? ToBits(result) : SoftFloat<Binary64>.Multiply(a, b, rm, ref flags);
    }

    /// <summary>a / b, correctly rounded.</summary>
    public static ulong Divide(ulong a, ulong b, RoundingMode rm, ref FpFlags flags)
    {
        double x = FromBits(a);
        double y = FromBits(b);
        double result = x / y;
        if (rm == RoundingMode.NearestEven && IsSafelyNormal(result))
        {
            if ((flags & FpFlags.Inexact) != 0)
            {
                return ToBits(result);
            }

            if (BiasedExponent(x) >= MinResidualExponent && BiasedExponent(y) != 0)
            {
                flags |= Math.FusedMultiplyAdd(-result, y, x) != 0 ? FpFlags.Inexact : FpFlags.None;
                return ToBits(result);
            }
        }

        return SoftFloat<Binary64>.Divide(a, b, rm, ref flags);
    }

    /// <summary>The square root of a, correctly rounded.</summary>
    public static ulong SquareRoot(ulong a, RoundingMode rm, ref FpFlags flags)
    {
        double x = FromBits(a);
        if (rm != RoundingMode.NearestEven || !(x > 0) || BiasedExponent(x) is < MinResidualExponent or > MaxFiniteExponent)
        {
            return SoftFloat<Binary64>.SquareRoot(a, rm, ref flags);
        }

        double result = Math.Sqrt(x);
        if ((flags & FpFlags.Inexact) == 0 && Math.FusedMultiplyAdd(-result, result, x) != 0)
        {
            flags |= FpFlags.Inexact;
        }

        return ToBits(result);
    }

    /// <summary>a * b + c, rounded once.</summary>
    public static ulong FusedMultiplyAdd(ulong a, ulong b, ulong c, RoundingMode rm, ref FpFlags flags)
    {
        double x = FromBits(a);
        double y = FromBits(b);
        double z = FromBits(c);
        double result = Math.FusedMultiplyAdd(x, y, z);
        if (rm == RoundingMode.NearestEven && IsSafelyNormal(result))
        {
            if ((flags & FpFlags.Inexact) != 0)
            {
                return ToBits(result);
            }

            double product = x * y;
            if (BiasedExponent(product) is >= MinResidualExponent and < MaxFiniteExponent && IsSummand(c))
            {
                flags |= IsFusedExact(x, y, z, product, result) ? FpFlags.None : FpFlags.Inexact;
                return ToBits(result);
            }
        }

        return SoftFloat<Binary64>.FusedMultiplyAdd(a, b, c, rm, ref flags);
    }

    /// <summary>fmin: a NaN loses against a number, -0 is smaller than +0.</summary>
    public static ulong Minimum(ulong a, ulong b, ref FpFlags flags)
    {
        double x = FromBits(a);
        double y = FromBits(b);
        return x < y ? a : x > y ? b : SoftFloat<Binary64>.Minimum(a, b, ref flags);
    }

    /// <summary>fmax: a NaN loses against a number, -0 is smaller than +0.</summary>
    public static ulong Maximum(ulong a, ulong b, ref FpFlags flags)
    {
        double x = FromBits(a);
        double y = FromBits(b);
        return x < y ? b : x > y ? a : SoftFloat<Binary64>.Maximum(a, b, ref flags);
    }

    /// <summary>feq: quiet, NV only for a signaling NaN.</summary>
    public static bool Equal(ulong a, ulong b, ref FpFlags flags)
    {
        double x = FromBits(a);
        double y = FromBits(b);
        return x == y || (double.IsNaN(x + y) && SoftFloat<Binary64>.Equal(a, b, ref flags));
    }

    /// <summary>flt: NV for any NaN.</summary>
    public static bool LessThan(ulong a, ulong b, ref FpFlags flags)
    {
        double x = FromBits(a);
        double y = FromBits(b);
        return x < y || (double.IsNaN(x + y) && SoftFloat<Binary64>.LessThan(a, b, ref flags));
    }

    /// <summary>fle: NV for any NaN.</summary>
    public static bool LessThanOrEqual(ulong a, ulong b, ref FpFlags flags)
    {
        double x = FromBits(a);
        double y = FromBits(b);
        return x <= y || (double.IsNaN(x + y) && SoftFloat<Binary64>.LessThanOrEqual(a, b, ref flags));
    }

    /// <summary>
    /// fclass: 0 -inf, 1 -normal, 2 -subnormal, 3 -0, 4 +0, 5 +subnormal, 6 +normal, 7 +inf, 8 signaling NaN,
    /// 9 quiet NaN; the bit of that number is set.
    /// </summary>
    public static uint Classify(ulong a) => SoftFloat<Binary64>.Classify(a);

    /// <summary>fcvt to a signed integer of 32 bits, saturating with NV.</summary>
    public static int ToInt32(ulong a, RoundingMode rm, ref FpFlags flags)
    {
        double x = FromBits(a);
        double rounded = RoundToIntegral(x, rm);
        if (!(rounded >= int.MinValue && rounded < 2147483648.0))
        {
            return (int)SoftFloat<Binary64>.ToSigned(a, 32, rm, ref flags);
        }

        flags |= rounded != x ? FpFlags.Inexact : FpFlags.None;
        return (int)rounded;
    }

    /// <summary>fcvt to an unsigned integer of 32 bits, saturating with NV.</summary>
    public static uint ToUInt32(ulong a, RoundingMode rm, ref FpFlags flags)
    {
        double x = FromBits(a);
        double rounded = RoundToIntegral(x, rm);
        if (!(rounded >= 0 && rounded < 4294967296.0))
        {
            return (uint)SoftFloat<Binary64>.ToUnsigned(a, 32, rm, ref flags);
        }

        flags |= rounded != x ? FpFlags.Inexact : FpFlags.None;
        return (uint)(long)rounded;
    }

    /// <summary>fcvt to a signed integer of 64 bits, saturating with NV.</summary>
    public static long ToInt64(ulong a, RoundingMode rm, ref FpFlags flags)
    {
        double x = FromBits(a);
        double rounded = RoundToIntegral(x, rm);
        if (!(rounded >= long.MinValue && rounded < 9223372036854775808.0))
        {
            return SoftFloat<Binary64>.ToSigned(a, 64, rm, ref flags);
        }

        flags |= rounded != x ? FpFlags.Inexact : FpFlags.None;
        return (long)rounded;
    }

    /// <summary>fcvt to an unsigned integer of 64 bits, saturating with NV.</summary>
    public static ulong ToUInt64(ulong a, RoundingMode rm, ref FpFlags flags)
    {
        double x = FromBits(a);
        double rounded = RoundToIntegral(x, rm);
        // From 2^63 on the slow way, as hosts convert to signed integers.
        if (!(rounded >= 0 && rounded < 9223372036854775808.0))
        {
            return SoftFloat<Binary64>.ToUnsigned(a, 64, rm, ref flags);
        }

        flags |= rounded != x ? FpFlags.Inexact : FpFlags.None;
        return (ulong)(long)rounded;
    }

    /// <summary>fcvt from a signed integer of 32 bits; exact.</summary>
    [SuppressMessage("Style", "IDE0060", Justification = "All conversions have one shape.")]
    public static ulong FromInt32(int value, RoundingMode rm, ref FpFlags flags) => ToBits(value);

    /// <summary>fcvt from an unsigned integer of 32 bits; exact.</summary>
    [SuppressMessage("Style", "IDE0060", Justification = "All conversions have one shape.")]
    public static ulong FromUInt32(uint value, RoundingMode rm, ref FpFlags flags) => ToBits(value);

    /// <summary>fcvt from a signed integer of 64 bits, correctly rounded.</summary>
    public static ulong FromInt64(long value, RoundingMode rm, ref FpFlags flags)
    {
        // The range keeps the conversion back, which tells whether the result is exact, from overflowing.
        double result = value;
        if (value >= 1L << 62 || value <= -1L << 62)
        {
            return SoftFloat<Binary64>.FromSigned(value, rm, ref flags);
        }

        if ((long)result == value)
        {
            return ToBits(result);
        }

        if (rm != RoundingMode.NearestEven)
        {
            return SoftFloat<Binary64>.FromSigned(value, rm, ref flags);
        }

        flags |= FpFlags.Inexact;
        return ToBits(result);
    }

    /// <summary>fcvt from an unsigned integer of 64 bits, correctly rounded.</summary>
    public static ulong FromUInt64(ulong value, RoundingMode rm, ref FpFlags flags)
    {
        // The range keeps the conversion back, which tells whether the result is exact, from overflowing.
        double result = (long)value;
        if (value >= 1UL << 62)
        {
            return SoftFloat<Binary64>.FromUnsigned(value, rm, ref flags);
        }

        if ((long)result == (long)value)
        {
            return ToBits(result);
        }

        if (rm != RoundingMode.NearestEven)
        {
            return SoftFloat<Binary64>.FromUnsigned(value, rm, ref flags);
        }

        flags |= FpFlags.Inexact;
        return ToBits(result);
    }

    /// <summary>fcvt.d.s: exact; NV for a signaling NaN.</summary>
    public static ulong FromFloat32(uint a, ref FpFlags flags)
    {
        float x = BitConverter.UInt32BitsToSingle(a);
        return float.IsNaN(x)
            ? SoftFloat<Binary64>.From<Binary32>(a, RoundingMode.NearestEven, ref flags)
            : ToBits(x);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static double FromBits(ulong bits) => BitConverter.UInt64BitsToDouble(bits);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong ToBits(double value) => BitConverter.DoubleToUInt64Bits(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int BiasedExponent(double value) => (int)(ToBits(value) >> 52) & 0x7FF;

    /// <summary>
    /// A result at least twice the smallest normal number, and finite: rounding to nearest came neither near
    /// underflow nor to overflow, and no operand was a NaN or infinite.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsSafelyNormal(double result) => (uint)(BiasedExponent(result) - 2) <= MaxFiniteExponent - 2;

    /// <summary>Finite, and the sum of two such numbers does not overflow, nor do the steps of its error term.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsSummand(ulong bits) => ((int)(bits >> 52) & 0x7FF) < MaxFiniteExponent - 1;

    /// <summary>The exact difference between x + y and its rounded sum (Knuth's TwoSum).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static double SumError(double x, double y, double sum)
    {
        double yRounded = sum - x;
        return (x - (sum - yRounded)) + (y - yRounded);
    }

    /// <summary>Rounded to an integral value; a NaN where the host has no such mode.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static double RoundToIntegral(double value, RoundingMode rm) => rm switch
    {
        RoundingMode.TowardZero => Math.Truncate(value),
        RoundingMode.NearestEven => Math.Round(value),
        RoundingMode.Down => Math.Floor(value),
        RoundingMode.Up => Math.Ceiling(value),
        _ => double.NaN,
    };

    /// <summary>
    /// Whether the fused result is x * y + z exactly: its error is found as the sum of two numbers
    /// (Boldo and Muller, "Exact and Approximated Error of the FMA", algorithm ErrFmaNearest) and must vanish.
    /// </summary>
    private static bool IsFusedExact(double x, double y, double z, double product, double result)
    {
        double productError = Math.FusedMultiplyAdd(x, y, -product);
        double low = z + productError;
        double lowError = SumError(z, productError, low);
        double high = product + low;
        double highError = SumError(product, low, high);
        double rest = (high - result) + highError;
        return rest == -lowError;
    }
}
