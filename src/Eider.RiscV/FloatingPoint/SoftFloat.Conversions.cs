namespace Eider.RiscV.FloatingPoint;

internal static partial class SoftFloat<TFormat>
{
    /// <summary>A signed integer in the format.</summary>
    internal static ulong FromSigned(long value, RoundingMode rm, ref FpFlags flags) =>
        FromMagnitude(value < 0, value < 0 ? 0 - (ulong)value : (ulong)value, rm, ref flags);

    /// <summary>An unsigned integer in the format.</summary>
    internal static ulong FromUnsigned(ulong value, RoundingMode rm, ref FpFlags flags) =>
        FromMagnitude(negative: false, value, rm, ref flags);

    /// <summary>
    /// Rounds to a signed integer of 32 or 64 bits. Out of range saturates; NaN counts as plus infinity; both
    /// set NV and not NX (RISC-V unprivileged ISA, "F", table "Domains of float-to-integer conversions").
    /// </summary>
    internal static long ToSigned(ulong a, int bits, RoundingMode rm, ref FpFlags flags)
    {
        ulong limit = 1UL << (bits - 1);
        bool negative = IsNegative(a) && !IsNaN(a);
        ulong max = negative ? limit : limit - 1;
        ulong magnitude = ToMagnitude(a, negative, max, rm, ref flags);
        return negative ? (long)(0 - magnitude) : (long)magnitude;
    }

    /// <summary>As <see cref="ToSigned"/> for an unsigned integer; what rounds to -1 and below gives 0 and NV.</summary>
    internal static ulong ToUnsigned(ulong a, int bits, RoundingMode rm, ref FpFlags flags)
    {
        bool negative = IsNegative(a) && !IsNaN(a);
        ulong max = negative ? 0 : ulong.MaxValue >> (64 - bits);
        return ToMagnitude(a, negative, max, rm, ref flags);
    }

    /// <summary>A number of another format in this one (IEEE 754-2019, 5.4.2 formatOf-convertFormat).</summary>
    internal static ulong From<TSource>(ulong a, RoundingMode rm, ref FpFlags flags)
        where TSource : struct, IBinaryFormat
    {
        if (SoftFloat<TSource>.IsNaN(a))
        {
            return SoftFloat<TSource>.IsSignalingNaN(a) ? Invalid(ref flags) : CanonicalNaN;
        }

        bool negative = SoftFloat<TSource>.IsNegative(a);
        if (SoftFloat<TSource>.IsInfinity(a))
        {
            return Infinity(negative);
        }

        return SoftFloat<TSource>.IsZero(a)
            ? Zero(negative)
            : Round(negative, SoftFloat<TSource>.Significand(a), SoftFloat<TSource>.Quantum(a), rm, ref flags);
    }

    private static ulong FromMagnitude(bool negative, ulong magnitude, RoundingMode rm, ref FpFlags flags) =>
        magnitude == 0 ? 0 : Round(negative, magnitude, quantum: 0, rm, ref flags);

    /// <summary>The magnitude rounded to an integer, or <paramref name="max"/> and NV where it exceeds that.</summary>
    private static ulong ToMagnitude(ulong a, bool negative, ulong max, RoundingMode rm, ref FpFlags flags)
    {
        if (IsZero(a))
        {
            return 0;
        }

        // From 2^64 on (infinity and NaN with it) no integer type fits, and the shift below would not either.
        bool inexact = false;
        int quantum = Quantum(a);
        bool outOfRange = quantum + FractionBits >= 64;
        ulong rounded = outOfRange ? 0 : RoundToQuantum(negative, Significand(a), -quantum, rm, out inexact);
        if (outOfRange || rounded > max)
        {
            flags |= FpFlags.Invalid;
            return max;
        }

        flags |= inexact ? FpFlags.Inexact : FpFlags.None;
        return rounded;
    }
}
