using System.Numerics;
using System.Runtime.CompilerServices;

namespace Eider.RiscV.FloatingPoint;

/// <summary>
/// IEEE 754-2019 binary arithmetic on raw bits with integers only: the definition of what the engine computes.
/// <see cref="Float32"/> and <see cref="Float64"/> use the host's floating point where that provably gives the
/// same bits and flags, and come here for the rest.
/// </summary>
/// <remarks>
/// Every operation forms its exact result as sign, integer significand and exponent, of which only bits far
/// below the rounding position may be jammed into a sticky bit, and rounds once, in <see cref="Round"/>.
/// </remarks>
/// <typeparam name="TFormat">The format of operands and result; raw bits stand in the low bits of a ulong.</typeparam>
internal static partial class SoftFloat<TFormat>
    where TFormat : struct, IBinaryFormat
{
    /// <summary>Where the leading one of a significand stands before two of them are added: a carry fits above.</summary>
    private const int AlignedBit = 125;

    private static int FractionBits => TFormat.FractionBits;

    private static int ExponentMask => (1 << TFormat.ExponentBits) - 1;

    private static int Bias => ExponentMask >> 1;

    /// <summary>The exponent of the least significant bit of subnormal numbers.</summary>
    private static int MinQuantum => 1 - Bias - FractionBits;

    private static ulong FractionMask => (1UL << FractionBits) - 1;

    private static ulong HiddenBit => 1UL << FractionBits;

    private static ulong QuietBit => 1UL << (FractionBits - 1);

    private static ulong SignBit => 1UL << (FractionBits + TFormat.ExponentBits);

    private static ulong PositiveInfinity => (ulong)ExponentMask << FractionBits;

    private static ulong CanonicalNaN => PositiveInfinity | QuietBit;

    /// <summary>Whether <paramref name="bits"/> is a NaN of either kind.</summary>
    internal static bool IsNaN(ulong bits) => (bits & ~SignBit) > PositiveInfinity;

    /// <summary>Whether <paramref name="bits"/> is a NaN whose quiet bit is clear.</summary>
    internal static bool IsSignalingNaN(ulong bits) => IsNaN(bits) && (bits & QuietBit) == 0;

    private static bool IsInfinity(ulong bits) => (bits & ~SignBit) == PositiveInfinity;

    private static bool IsZero(ulong bits) => (bits & ~SignBit) == 0;

    private static bool IsNegative(ulong bits) => (bits & SignBit) != 0;

    /// <summary>Invalid operation: NV, and the canonical NaN.</summary>
    private static ulong Invalid(ref FpFlags flags)
    {
        flags |= FpFlags.Invalid;
        return CanonicalNaN;
    }

    /// <summary>The NaN that comes of NaN operands: canonical always, NV if one of them signals.</summary>
    private static ulong PropagateNaN(ulong a, ulong b, ref FpFlags flags) =>
        IsSignalingNaN(a) || IsSignalingNaN(b) ? Invalid(ref flags) : CanonicalNaN;

    private static ulong Zero(bool negative) => negative ? SignBit : 0;

    private static ulong Infinity(bool negative) => Zero(negative) | PositiveInfinity;

    /// <summary>The significand of a finite number as an integer; its exponent is <see cref="Quantum"/>.</summary>
    private static ulong Significand(ulong bits)
    {
        ulong fraction = bits & FractionMask;
        return (bits & PositiveInfinity) == 0 ? fraction : fraction | HiddenBit;
    }

    /// <summary>The exponent of the least significant bit of a finite number.</summary>
    private static int Quantum(ulong bits)
    {
        int biased = (int)(bits >> FractionBits) & ExponentMask;
        return Math.Max(biased, 1) - Bias - FractionBits;
    }

    /// <summary>As <see cref="Significand"/>, shifted so that bit <see cref="FractionBits"/> is set.</summary>
    private static ulong NormalizedSignificand(ulong bits, out int quantum)
    {
        ulong significand = Significand(bits);
        int shift = BitOperations.LeadingZeroCount(significand) - (63 - FractionBits);
        quantum = Quantum(bits) - shift;
        return significand << shift;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int BitLength(UInt128 value)
    {
        ulong high = (ulong)(value >> 64);
        return high != 0
            ? 128 - BitOperations.LeadingZeroCount(high)
            : 64 - BitOperations.LeadingZeroCount((ulong)value);
    }

    /// <summary>Shifts right; any one that falls out is kept as the lowest bit.</summary>
    private static UInt128 ShiftRightJam(UInt128 value, int shift)
    {
        if (shift >= 128)
        {
            return value == 0 ? UInt128.Zero : UInt128.One;
        }

        UInt128 kept = value >> shift;
        return kept << shift == value ? kept : kept | 1;
    }

    /// <summary>
    /// The sum of two numbers other than zero, each sign, significand and quantum, rounded. A sum of exactly
    /// zero is +0, but -0 when rounding down (IEEE 754-2019, 6.3).
    /// </summary>
    private static ulong AddAndRound(
        (bool Negative, UInt128 Significand, int Quantum) x,
        (bool Negative, UInt128 Significand, int Quantum) y,
        RoundingMode rm,
        ref FpFlags flags)
    {
        int shiftX = AlignedBit + 1 - BitLength(x.Significand);
        int shiftY = AlignedBit + 1 - BitLength(y.Significand);
        x = (x.Negative, x.Significand << shiftX, x.Quantum - shiftX);
        y = (y.Negative, y.Significand << shiftY, y.Quantum - shiftY);
        if (x.Quantum < y.Quantum || (x.Quantum == y.Quantum && x.Significand < y.Significand))
        {
            (x, y) = (y, x);
        }

        // Bits are lost only when the exponents differ by 20 and more: then nothing cancels, and they stand
        // far below the rounding position, where one sticky bit tells all.
        UInt128 smaller = ShiftRightJam(y.Significand, x.Quantum - y.Quantum);
        UInt128 sum = x.Negative == y.Negative ? x.Significand + smaller : x.Significand - smaller;
        return sum == 0 ? Zero(rm == RoundingMode.Down) : Round(x.Negative, sum, x.Quantum, rm, ref flags);
    }

    /// <summary>
    /// Rounds significand * 2^quantum to the format and sets NX, UF (tininess after rounding: RISC-V
    /// unprivileged ISA, "F", "Floating-Point Control and Status Register") and OF.
    /// </summary>
    /// <param name="negative">The sign.</param>
    /// <param name="significand">Not zero; its lowest bit may be a sticky one.</param>
    /// <param name="quantum">The exponent of the significand's lowest bit.</param>
    /// <param name="rm">The rounding mode.</param>
    /// <param name="flags">Receives the exceptions.</param>
    internal static ulong Round(bool negative, UInt128 significand, int quantum, RoundingMode rm, ref FpFlags flags)
    {
        int unboundedQuantum = quantum + BitLength(significand) - (FractionBits + 1);
        int resultQuantum = Math.Max(unboundedQuantum, MinQuantum);
        ulong rounded = RoundToQuantum(negative, significand, resultQuantum - quantum, rm, out bool inexact);
        if (rounded > (FractionMask | HiddenBit))
        {
            rounded >>= 1;
            resultQuantum++;
        }

        int biased = rounded < HiddenBit ? 0 : resultQuantum - MinQuantum + 1;
        if (biased >= ExponentMask)
        {
            flags |= FpFlags.Overflow | FpFlags.Inexact;
            return Overflowed(negative, rm);
        }

        if (inexact)
        {
            bool tiny = unboundedQuantum < MinQuantum
                && IsTinyAfterRounding(negative, significand, unboundedQuantum, quantum, rm);
            flags |= tiny ? FpFlags.Inexact | FpFlags.Underflow : FpFlags.Inexact;
        }

        return Zero(negative) | ((ulong)biased << FractionBits) | (rounded & FractionMask);
    }

    /// <summary>Whether rounding with an unbounded exponent stays below the smallest normal number.</summary>
    private static bool IsTinyAfterRounding(
        bool negative, UInt128 significand, int unboundedQuantum, int quantum, RoundingMode rm)
    {
        if (unboundedQuantum < MinQuantum - 1)
        {
            return true;
        }

        ulong rounded = RoundToQuantum(negative, significand, unboundedQuantum - quantum, rm, out _);
        return rounded <= (FractionMask | HiddenBit);
    }

    /// <summary>Infinity, or the largest finite number where the mode rounds towards zero (IEEE 754-2019, 7.4).</summary>
    private static ulong Overflowed(bool negative, RoundingMode rm)
    {
        bool finite = rm == RoundingMode.TowardZero
            || (rm == RoundingMode.Down && !negative)
            || (rm == RoundingMode.Up && negative);
        return finite ? Infinity(negative) - 1 : Infinity(negative);
    }

    /// <summary>Drops <paramref name="shift"/> low bits (or appends zeros if negative), rounding.</summary>
    private static ulong RoundToQuantum(
        bool negative, UInt128 significand, int shift, RoundingMode rm, out bool inexact)
    {
        if (shift <= 0)
        {
            inexact = false;
            return (ulong)(significand << -shift);
        }

        // Beyond 127 dropped bits everything is less than a half: significands have at most 127 bits.
        UInt128 kept = shift < 128 ? significand >> shift : UInt128.Zero;
        UInt128 dropped = shift < 128 ? significand - (kept << shift) : significand;
        inexact = dropped != 0;
        if (!inexact)
        {
            return (ulong)kept;
        }

        int toHalf = shift < 129 ? dropped.CompareTo(UInt128.One << (shift - 1)) : -1;
        bool up = rm switch
        {
            RoundingMode.TowardZero => false,
            RoundingMode.Down => negative,
            RoundingMode.Up => !negative,
            RoundingMode.NearestMaxMagnitude => toHalf >= 0,
            _ => toHalf > 0 || (toHalf == 0 && ((ulong)kept & 1) != 0),
        };
        return (ulong)kept + (up ? 1UL : 0);
    }
}
