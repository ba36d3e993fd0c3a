using System.Diagnostics.CodeAnalysis;

namespace Eider.RiscV.FloatingPoint;

/// <summary>
/// Single-precision arithmetic as the RISC-V "F" extension defines it, on raw bits. NaN results are canonical,
/// tininess is found after rounding, and flags are only ever set, never cleared.
/// </summary>
[SuppressMessage("Naming", "CA1720", Justification = "The format is what the type stands for.")]
public static class Float32
{
    /// <summary>a + b, correctly rounded.</summary>
    public static uint Add(uint a, uint b, RoundingMode rm, ref FpFlags flags) =>
        (uint)SoftFloat<Binary32>.Add(a, b, rm, ref flags);

    /// <summary>a - b, correctly rounded.</summary>
    public static uint Subtract(uint a, uint b, RoundingMode rm, ref FpFlags flags) =>
        (uint)SoftFloat<Binary32>.Subtract(a, b, rm, ref flags);

    /// <summary>a * b, correctly rounded.</summary>
    public static uint Multiply(uint a, uint b, RoundingMode rm, ref FpFlags flags) =>
        (uint)SoftFloat<Binary32>.Multiply(a, b, rm, ref flags);

    /// <summary>a / b, correctly rounded.</summary>
    public static uint Divide(uint a, uint b, RoundingMode rm, ref FpFlags flags) =>
        (uint)SoftFloat<Binary32>.Divide(a, b, rm, ref flags);

    /// <summary>The square root of a, correctly rounded.</summary>
    public static uint SquareRoot(uint a, RoundingMode rm, ref FpFlags flags) =>
        (uint)SoftFloat<Binary32>.SquareRoot(a, rm, ref flags);

    /// <summary>a * b + c, rounded once.</summary>
    public static uint FusedMultiplyAdd(uint a, uint b, uint c, RoundingMode rm, ref FpFlags flags) =>
        (uint)SoftFloat<Binary32>.FusedMultiplyAdd(a, b, c, rm, ref flags);

    /// <summary>fmin: a NaN loses against a number, -0 is smaller than +0.</summary>
    public static uint Minimum(uint a, uint b, ref FpFlags flags) =>
        (uint)SoftFloat<Binary32>.Minimum(a, b, ref flags);

    /// <summary>fmax: a NaN loses against a number, -0 is smaller than +0.</summary>
    public static uint Maximum(uint a, uint b, ref FpFlags flags) =>
        (uint)SoftFloat<Binary32>.Maximum(a, b, ref flags);

    /// <summary>feq: quiet, NV only for a signaling NaN.</summary>
    public static bool Equal(uint a, uint b, ref FpFlags flags) =>
        SoftFloat<Binary32>.Equal(a, b, ref flags);

    /// <summary>flt: NV for any NaN.</summary>
    public static bool LessThan(uint a, uint b, ref FpFlags flags) =>
        SoftFloat<Binary32>.LessThan(a, b, ref flags);

    /// <summary>fle: NV for any NaN.</summary>
    public static bool LessThanOrEqual(uint a, uint b, ref FpFlags flags) =>
        SoftFloat<Binary32>.LessThanOrEqual(a, b, ref flags);

    /// <summary>fclass: one bit of ten (see <see cref="SoftFloat{TFormat}.Classify"/>).</summary>
    public static uint Classify(uint a) =>
        SoftFloat<Binary32>.Classify(a);

    /// <summary>fcvt to a signed integer of 32 bits, saturating with NV.</summary>
    public static int ToInt32(uint a, RoundingMode rm, ref FpFlags flags) =>
        (int)SoftFloat<Binary32>.ToSigned(a, 32, rm, ref flags);

    /// <summary>fcvt to an unsigned integer of 32 bits, saturating with NV.</summary>
    public static uint ToUInt32(uint a, RoundingMode rm, ref FpFlags flags) =>
        (uint)SoftFloat<Binary32>.ToUnsigned(a, 32, rm, ref flags);

    /// <summary>fcvt to a signed integer of 64 bits, saturating with NV.</summary>
    public static long ToInt64(uint a, RoundingMode rm, ref FpFlags flags) =>
        SoftFloat<Binary32>.ToSigned(a, 64, rm, ref flags);

    /// <summary>fcvt to an unsigned integer of 64 bits, saturating with NV.</summary>
    public static ulong ToUInt64(uint a, RoundingMode rm, ref FpFlags flags) =>
        SoftFloat<Binary32>.ToUnsigned(a, 64, rm, ref flags);

    /// <summary>fcvt from a signed integer of 32 bits.</summary>
    public static uint FromInt32(int value, RoundingMode rm, ref FpFlags flags) =>
        (uint)SoftFloat<Binary32>.FromSigned(value, rm, ref flags);

    /// <summary>fcvt from an unsigned integer of 32 bits.</summary>
    public static uint FromUInt32(uint value, RoundingMode rm, ref FpFlags flags) =>
        (uint)SoftFloat<Binary32>.FromUnsigned(value, rm, ref flags);

    /// <summary>fcvt from a signed integer of 64 bits.</summary>
    public static uint FromInt64(long value, RoundingMode rm, ref FpFlags flags) =>
        (uint)SoftFloat<Binary32>.FromSigned(value, rm, ref flags);

    /// <summary>fcvt from an unsigned integer of 64 bits.</summary>
    public static uint FromUInt64(ulong value, RoundingMode rm, ref FpFlags flags) =>
        (uint)SoftFloat<Binary32>.FromUnsigned(value, rm, ref flags);

    /// <summary>fcvt.s.d: rounded.</summary>
    public static uint FromFloat64(ulong a, RoundingMode rm, ref FpFlags flags) =>
        (uint)SoftFloat<Binary32>.From<Binary64>(a, rm, ref flags);
}
