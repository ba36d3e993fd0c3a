using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Eider.RiscV.FloatingPoint;

/// <summary>
/// Single-precision arithmetic as the RISC-V "F" extension defines it, on raw bits. NaN results are canonical,
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
public static class Float32
{
    private const int MaxFiniteExponent = 0xFE;

    /// <summary>a + b, correctly rounded.</summary>
    public static uint Add(uint a, uint b, RoundingMode rm, ref FpFlags flags)
    {
        if (rm != RoundingMode.NearestEven || !IsSummand(a) || !IsSummand(b))
        {
            return (uint)SoftFloat<Binary32>.Add(a, b, rm, ref flags);
        }

        float x = FromBits(a);
        float y = FromBits(b);
        float result = x + y;
        if ((flags & FpFlags.Inexact) == 0 && SumError(x, y, result) != 0)
        {
            flags |= FpFlags.Inexact;
        }

        return ToBits(result);
    }

    /// <summary>a - b, correctly rounded.</summary>
    public static uint Subtract(uint a, uint b, RoundingMode rm, ref FpFlags flags)
    {
        if (rm != RoundingMode.NearestEven || !IsSummand(a) || !IsSummand(b))
        {
            return (uint)SoftFloat<Binary32>.Subtract(a, b, rm, ref flags);
        }

        float x = FromBits(a);
        float y = FromBits(b);
        float result = x - y;
        if ((flags & FpFlags.Inexact) == 0 && SumError(x, -y, result) != 0)
        {
            flags |= FpFlags.Inexact;
        }

        return ToBits(result);
    }

    /// <summary>a * b, correctly rounded.</summary>
    public static uint Multiply(uint a, uint b, RoundingMode rm, ref FpFlags flags)
    {
        // The product of two singles is exact as a double.
        double product = (double)FromBits(a) * FromBits(b);
        float result = (float)product;
        if (rm == RoundingMode.NearestEven && IsSafelyNormal(result))
        {
            flags |= result != product ? FpFlags.Inexact : FpFlags.None;
            return ToBits(result);
        }

        return product == 0 ? ToBits(result) : (uint)SoftFloat<Binary32>.Multiply(a, b, rm, ref flags);
    }

    /// <summary>a / b, correctly rounded.</summary>
    public static uint Divide(uint a, uint b, RoundingMode rm, ref FpFlags flags)
    {
        float x = FromBits(a);
        float y = FromBits(b);
        float result = x / y;
        if (rm != RoundingMode.NearestEven || !IsSafelyNormal(result))
        {
            return (uint)SoftFloat<Binary32>.Divide(a, b, rm, ref flags);
        }

        flags |= (double)result * y != x ? FpFlags.Inexact : FpFlags.None;
        return ToBits(result);
    }

    /// <summary>The square root of a, correctly rounded.</summary>
    public static uint SquareRoot(uint a, RoundingMode rm, ref FpFlags flags)
    {
        float x = FromBits(a);
        if (rm != RoundingMode.NearestEven || !(x > 0) || BiasedExponent(x) > MaxFiniteExponent)
        {
            return (uint)SoftFloat<Binary32>.SquareRoot(a, rm, ref flags);
        }

        float result = MathF.Sqrt(x);
        flags |= (double)result * result != x ? FpFlags.Inexact : FpFlags.None;
        return ToBits(result);
    }

    /// <summary>a * b + c, rounded once.</summary>
    public static uint FusedMultiplyAdd(uint a, uint b, uint c, RoundingMode rm, ref FpFlags flags)
    {
        float x = FromBits(a);
        float y = FromBits(b);
        float z = FromBits(c);
        float result = MathF.FusedMultiplyAdd(x, y, z);
        if (rm != RoundingMode.NearestEven || !IsSafelyNormal(result))
        {
            return (uint)SoftFloat<Binary32>.FusedMultiplyAdd(a, b, c, rm, ref flags);
        }

        // The product is exact as a double; the sum is exact in single precision only if it is in double.
        double product = (double)x * y;
        double sum = product + z;
        bool exact = sum == result && sum - product == z && sum - z == product;
        flags |= exact ? FpFlags.None : FpFlags.Inexact;
        return ToBits(result);
    }

    /// <summary>fmin: a NaN loses against a number, -0 is smaller than +0.</summary>
    public static uint Minimum(uint a, uint b, ref FpFlags flags)
    {
        float x = FromBits(a);
        float y = FromBits(b);
        return x < y ? a : x > y ? b : (uint)SoftFloat<Binary32>.Minimum(a, b, ref flags);
    }

    /// <summary>fmax: a NaN loses against a number, -0 is smaller than +0.</summary>
    public static uint Maximum(uint a, uint b, ref FpFlags flags)
    {
        float x = FromBits(a);
        float y = FromBits(b);
        return x < y ? b : x > y ? a : (uint)SoftFloat<Binary32>.Maximum(a, b, ref flags);
    }

    /// <summary>feq: quiet, NV only for a signaling NaN.</summary>
    public static bool Equal(uint a, uint b, ref FpFlags flags)
    {
        float x = FromBits(a);
        float y = FromBits(b);
        return x == y || (float.IsNaN(x + y) && SoftFloat<Binary32>.Equal(a, b, ref flags));
    }

    /// <summary>flt: NV for any NaN.</summary>
    public static bool LessThan(uint a, uint b, ref FpFlags flags)
    {
        float x = FromBits(a);
        float y = FromBits(b);
        return x < y || (float.IsNaN(x + y) && SoftFloat<Binary32>.LessThan(a, b, ref flags));
    }

    /// <summary>fle: NV for any NaN.</summary>
    public static bool LessThanOrEqual(uint a, uint b, ref FpFlags flags)
    {
        float x = FromBits(a);
        float y = FromBits(b);
        return x <= y || (float.IsNaN(x + y) && SoftFloat<Binary32>.LessThanOrEqual(a, b, ref flags));
    }

    /// <summary>
    /// fclass: 0 -inf, 1 -normal, 2 -subnormal, 3 -0, 4 +0, 5 +subnormal, 6 +normal, 7 +inf, 8 signaling NaN,
    /// 9 quiet NaN; the bit of that number is set.
    /// </summary>
    public static uint Classify(uint a) => SoftFloat<Binary32>.Classify(a);

    /// <summary>fcvt to a signed integer of 32 bits, saturating with NV.</summary>
    public static int ToInt32(uint a, RoundingMode rm, ref FpFlags flags)
    {
        float x = FromBits(a);
        float rounded = RoundToIntegral(x, rm);
        if (!(rounded >= int.MinValue && rounded < 2147483648.0f))
        {
            return (int)SoftFloat<Binary32>.ToSigned(a, 32, rm, ref flags);
        }

        flags |= rounded != x ? FpFlags.Inexact : FpFlags.None;
        return (int)rounded;
    }

    /// <summary>fcvt to an unsigned integer of 32 bits, saturating with NV.</summary>
    public static uint ToUInt32(uint a, RoundingMode rm, ref FpFlags flags)
    {
        float x = FromBits(a);
        float rounded = RoundToIntegral(x, rm);
        if (!(rounded >= 0 && rounded < 4294967296.0f))
        {
            return (uint)SoftFloat<Binary32>.ToUnsigned(a, 32, rm, ref flags);
        }

        flags |= rounded != x ? FpFlags.Inexact : FpFlags.None;
        return (uint)(long)rounded;
    }

    /// <summary>fcvt to a signed integer of 64 bits, saturating with NV.</summary>
    public static long ToInt64(uint a, RoundingMode rm, ref FpFlags flags)
    {
        float x = FromBits(a);
        float rounded = RoundToIntegral(x, rm);
        if (!(rounded >= long.MinValue && rounded < 9223372036854775808.0f))
        {
            return SoftFloat<Binary32>.ToSigned(a, 64, rm, ref flags);
        }

        flags |= rounded != x ? FpFlags.Inexact : FpFlags.None;
        return (long)rounded;
    }

    /// <summary>fcvt to an unsigned integer of 64 bits, saturating with NV.</summary>
    public static ulong ToUInt64(uint a, RoundingMode rm, ref FpFlags flags)
    {
        float x = FromBits(a);
        float rounded = RoundToIntegral(x, rm);
        // From 2^63 on the slow way, as hosts convert to signed integers.
        if (!(rounded >= 0 && rounded < 9223372036854775808.0f))
        {
            return SoftFloat<Binary32>.ToUnsigned(a, 64, rm, ref flags);
        }

        flags |= rounded != x ? FpFlags.Inexact : FpFlags.None;
        return (ulong)(long)rounded;
    }

    /// <summary>fcvt from a signed integer of 32 bits, correctly rounded.</summary>
    public static uint FromInt32(int value, RoundingMode rm, ref FpFlags flags) => FromInt64(value, rm, ref flags);

    /// <summary>fcvt from an unsigned integer of 32 bits, correctly rounded.</summary>
    public static uint FromUInt32(uint value, RoundingMode rm, ref FpFlags flags) => FromInt64(value, rm, ref flags);

    /// <summary>fcvt from a signed integer of 64 bits, correctly rounded.</summary>
    public static uint FromInt64(long value, RoundingMode rm, ref FpFlags flags)
    {
        // The range keeps the conversion back, which tells whether the result is exact, from overflowing.
        float result = value;
        if (value >= 1L << 62 || value <= -1L << 62)
        {
            return (uint)SoftFloat<Binary32>.FromSigned(value, rm, ref flags);
        }

        if ((long)result == value)
        {
            return ToBits(result);
        }

        if (rm != RoundingMode.NearestEven)
        {
            return (uint)SoftFloat<Binary32>.FromSigned(value, rm, ref flags);
        }

        flags |= FpFlags.Inexact;
        return ToBits(result);
    }

    /// <summary>fcvt from an unsigned integer of 64 bits, correctly rounded.</summary>
    public static uint FromUInt64(ulong value, RoundingMode rm, ref FpFlags flags)
    {
        // The range keeps the conversion back, which tells whether the result is exact, from overflowing.
        float result = (long)value;
        if (value >= 1UL << 62)
        {
            return (uint)SoftFloat<Binary32>.FromUnsigned(value, rm, ref flags);
        }

        if ((long)result == (long)value)
        {
            return ToBits(result);
        }

        if (rm != RoundingMode.NearestEven)
        {
            return (uint)SoftFloat<Binary32>.FromUnsigned(value, rm, ref flags);
        }

        flags |= FpFlags.Inexact;
        return ToBits(result);
    }

    /// <summary>fcvt.s.d: correctly rounded.</summary>
    public static uint FromFloat64(ulong a, RoundingMode rm, ref FpFlags flags)
    {
        double x = BitConverter.UInt64BitsToDouble(a);
        float result = (float)x;
        if (rm != RoundingMode.NearestEven || !IsSafelyNormal(result))
        {
            return (uint)SoftFloat<Binary32>.From<Binary64>(a, rm, ref flags);
        }

        flags |= result != x ? FpFlags.Inexact : FpFlags.None;
        return ToBits(result);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float FromBits(uint bits) => BitConverter.UInt32BitsToSingle(bits);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint ToBits(float value) => BitConverter.SingleToUInt32Bits(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int BiasedExponent(float value) => (int)(ToBits(value) >> 23) & 0xFF;

    /// <summary>
    /// A result at least twice the smallest normal number, and finite: rounding to nearest came neither near
    /// underflow nor to overflow, and no operand was a NaN or infinite.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsSafelyNormal(float result) => (uint)(BiasedExponent(result) - 2) <= MaxFiniteExponent - 2;

    /// <summary>Finite, and the sum of two such numbers does not overflow, nor do the steps of its error term.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsSummand(uint bits) => ((int)(bits >> 23) & 0xFF) < MaxFiniteExponent - 1;

    /// <summary>The exact difference between x + y and its rounded sum (Knuth's TwoSum).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float SumError(float x, float y, float sum)
    {
        float yRounded = sum - x;
        return (x - (sum - yRounded)) + (y - yRounded);
    }

    /// <summary>Rounded to an integral value; a NaN where the host has no such mode.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float RoundToIntegral(float value, RoundingMode rm) => rm switch
    {
        RoundingMode.TowardZero => MathF.Truncate(value),
        RoundingMode.NearestEven => MathF.Round(value),
        RoundingMode.Down => MathF.Floor(value),
        RoundingMode.Up => MathF.Ceiling(value),
        _ => float.NaN,
    };
}
