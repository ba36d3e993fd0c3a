namespace Eider.RiscV.FloatingPoint;

internal static partial class SoftFloat<TFormat>
{
    /// <summary>
    /// The smaller of two numbers, -0 before +0; of a number and a NaN the number, of two NaNs the canonical
    /// one; NV for a signaling NaN (IEEE 754-2019, 9.6 minimumNumber).
    /// </summary>
    internal static ulong Minimum(ulong a, ulong b, ref FpFlags flags) =>
        IsNaN(a) || IsNaN(b) ? NumberOf(a, b, ref flags) : Precedes(a, b) ? a : b;

    /// <summary>As <see cref="Minimum"/> for the larger one.</summary>
    internal static ulong Maximum(ulong a, ulong b, ref FpFlags flags) =>
        IsNaN(a) || IsNaN(b) ? NumberOf(a, b, ref flags) : Precedes(a, b) ? b : a;

    /// <summary>a == b; NV only for a signaling NaN (quiet comparison: IEEE 754-2019, 5.11).</summary>
    internal static bool Equal(ulong a, ulong b, ref FpFlags flags)
    {
        if (IsNaN(a) || IsNaN(b))
        {
            PropagateNaN(a, b, ref flags);
            return false;
        }

        return a == b || (IsZero(a) && IsZero(b));
    }

    /// <summary>a &lt; b; NV for any NaN (signaling comparison: IEEE 754-2019, 5.11).</summary>
    internal static bool LessThan(ulong a, ulong b, ref FpFlags flags) =>
        IsOrdered(a, b, ref flags) && Precedes(a, b) && !(IsZero(a) && IsZero(b));

    /// <summary>a &lt;= b; NV for any NaN (signaling comparison: IEEE 754-2019, 5.11).</summary>
    internal static bool LessThanOrEqual(ulong a, ulong b, ref FpFlags flags) =>
        IsOrdered(a, b, ref flags) && (!Precedes(b, a) || (IsZero(a) && IsZero(b)));

    /// <summary>
    /// One bit that tells the kind (RISC-V unprivileged ISA, "F", "Single-Precision Floating-Point Classify
    /// Instruction"): 0 -inf, 1 -normal, 2 -subnormal, 3 -0, 4 +0, 5 +subnormal, 6 +normal, 7 +inf,
    /// 8 signaling NaN, 9 quiet NaN.
    /// </summary>
    internal static uint Classify(ulong a)
    {
        if (IsNaN(a))
        {
            return IsSignalingNaN(a) ? 1u << 8 : 1u << 9;
        }

        int magnitude = IsZero(a) ? 0 : IsInfinity(a) ? 3 : (a & PositiveInfinity) == 0 ? 1 : 2;
        return IsNegative(a) ? 1u << (3 - magnitude) : 1u << (4 + magnitude);
    }

    private static ulong NumberOf(ulong a, ulong b, ref FpFlags flags)
    {
        ulong neither = PropagateNaN(a, b, ref flags);
        return !IsNaN(a) ? a : !IsNaN(b) ? b : neither;
    }

    private static bool IsOrdered(ulong a, ulong b, ref FpFlags flags)
    {
        if (!IsNaN(a) && !IsNaN(b))
        {
            return true;
        }

        flags |= FpFlags.Invalid;
        return false;
    }

    /// <summary>The strict order of the numbers in which -0 stands before +0.</summary>
    private static bool Precedes(ulong a, ulong b)
    {
        bool negative = IsNegative(a);
        return negative != IsNegative(b) ? negative : negative ? a > b : a < b;
    }
}
