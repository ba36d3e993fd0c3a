using System.Diagnostics.CodeAnalysis;

namespace Eider.RiscV.FloatingPoint;

/// <summary>
/// Double-precision arithmetic as the RISC-V "D" extension defines it, on raw bits. NaN results are canonical,
/// tininess is found after rounding, and flags are only ever set, never cleared.
/// </summary>
[SuppressMessage("Naming", "CA1720", Justification = "The format is what the type stands for.")]
public static class Float64
{
    /// <summary>a + b, correctly rounded.</summary>
    public static ulong Add(ulong a, ulong b, RoundingMode rm, ref FpFlags flags) =>
        SoftFloat<Binary64>.Add(a, b, rm, ref flags);

    /// <summary>a - b, correctly rounded.</summary>
    public static ulong Subtract(ulong a, ulong b, RoundingMode rm, ref FpFlags flags) =>
        SoftFloat<Binary64>.Subtract(a, b, rm, ref flags);

    /// <summary>a * b, correctly rounded.</summary>
    public static ulong Multiply(ulong a, ulong b, RoundingMode rm, ref FpFlags flags) =>
        SoftFloat<Binary64>.Multiply(a, b, rm, ref flags);

    /// <summary>a / b, correctly rounded.</summary>
    public static ulong Divide(ulong a, ulong b, RoundingMode rm, ref FpFlags flags) =>
        SoftFloat<Binary64>.Divide(a, b, rm, ref flags);

    /// <summary>The square root of a, correctly rounded.</summary>
    public static ulong SquareRoot(ulong a, RoundingMode rm, ref FpFlags flags) =>
        SoftFloat<Binary64>.SquareRoot(a, rm, ref flags);

    /// <summary>a * b + c, rounded once.</summary>
    public static ulong FusedMultiplyAdd(ulong a, ulong b, ulong c, RoundingMode rm, ref FpFlags flags) =>
        SoftFloat<Binary64>.FusedMultiplyAdd(a, b, c, rm, ref flags);

    /// <summary>fmin: a NaN loses against a number, -0 is smaller than +0.</summary>
    public static ulong Minimum(ulong a, ulong b, ref FpFlags flags) =>
        SoftFloat<Binary64>.Minimum(a, b, ref flags);

    /// <summary>fmax: a NaN loses against a number, -0 is smaller than +0.</summary>
    public static ulong Maximum(ulong a, ulong b, ref FpFlags flags) =>
        SoftFloat<Binary64>.Maximum(a, b, ref flags);

    /// <summary>feq: quiet, NV only for a signaling NaN.</summary>
    public static bool Equal(ulong a, ulong b, ref FpFlags flags) =>
        SoftFloat<Binary64>.Equal(a, b, ref flags);

    /// <summary>flt: NV for any NaN.</summary>
    public static bool LessThan(ulong a, ulong b, ref FpFlags flags) =>
        SoftFloat<Binary64>.LessThan(a, b, ref flags);

    /// <summary>fle: NV for any NaN.</summary>
    public static bool LessThanOrEqual(ulong a, ulong b, ref FpFlags flags) =>
        SoftFloat<Binary64>.LessThanOrEqual(a, b, ref flags);

    /// <summary>fclass: one bit of ten (see <see cref="SoftFloat{TFormat}.Classify"/>).</summary>
    public static uint Classify(ulong a) =>
        SoftFloat<Binary64>.Classify(a);

    /// <summary>fcvt to a signed integer of 32 bits, saturating with NV.</summary>
    public static int ToInt32(ulong a, RoundingMode rm, ref FpFlags flags) =>
        (int)SoftFloat<Binary64>.ToSigned(a, 32, rm, ref flags);

    /// <summary>fcvt to an unsigned integer of 32 bits, saturating with NV.</summary>
    public static uint ToUInt32(ulong a, RoundingMode rm, ref FpFlags flags) =>
        (uint)SoftFloat<Binary64>.ToUnsigned(a, 32, rm, ref flags);

    /// <summary>fcvt to a signed integer of 64 bits, saturating with NV.</summary>
    public static long ToInt64(ulong a, RoundingMode rm, ref FpFlags flags) =>
        SoftFloat<Binary64>.ToSigned(a, 64, rm, ref flags);

    /// <summary>fcvt to an unsigned integer of 64 bits, saturating with NV.</summary>
    public static ulong ToUInt64(ulong a, RoundingMode rm, ref FpFlags flags) =>
        SoftFloat<Binary64>.ToUnsigned(a, 64, rm, ref flags);

    /// <summary>fcvt from a signed integer of 32 bits.</summary>
    public static ulong FromInt32(int value, RoundingMode rm, ref FpFlags flags) =>
        SoftFloat<Binary64>.FromSigned(value, rm, ref flags);

    /// <summary>fcvt from an unsigned integer of 32 bits.</summary>
    public static ulong FromUInt32(uint value, RoundingMode rm, ref FpFlags flags) =>
        SoftFloat<Binary64>.FromUnsigned(value, rm, ref flags);

    /// <summary>fcvt from a signed integer of 64 bits.</summary>
    public static ulong FromInt64(long value, RoundingMode rm, ref FpFlags flags) =>
        SoftFloat<Binary64>.FromSigned(value, rm, ref flags);

    /// <summary>fcvt from an unsigned integer of 64 bits.</summary>
    public static ulong FromUInt64(ulong value, RoundingMode rm, ref FpFlags flags) =>
        SoftFloat<Binary64>.FromUnsigned(value, rm, ref flags);

    /// <summary>fcvt.d.s: exact; NV for a signaling NaN.</summary>
    public static ulong FromFloat32(uint a, ref FpFlags flags) =>
        SoftFloat<Binary64>.From<Binary32>(a, RoundingMode.NearestEven, ref flags);
}
