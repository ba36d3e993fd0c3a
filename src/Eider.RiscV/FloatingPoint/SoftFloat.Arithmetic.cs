namespace Eider.RiscV.FloatingPoint;

internal static partial class SoftFloat<TFormat>
{
    /// <summary>a + b (IEEE 754-2019, 5.4.1).</summary>
    internal static ulong Add(ulong a, ulong b, RoundingMode rm, ref FpFlags flags)
    {
        if (IsNaN(a) || IsNaN(b))
        {
            return PropagateNaN(a, b, ref flags);
        }

        if (IsInfinity(a) || IsInfinity(b))
        {
            bool opposite = IsInfinity(a) && IsInfinity(b) && a != b;
            return opposite ? Invalid(ref flags) : IsInfinity(a) ? a : b;
        }

        if (IsZero(a) || IsZero(b))
        {
            return AddZero(a, b, rm);
        }

        return AddAndRound(Unpack(a), Unpack(b), rm, ref flags);
    }

    /// <summary>a - b (IEEE 754-2019, 5.4.1).</summary>
    internal static ulong Subtract(ulong a, ulong b, RoundingMode rm, ref FpFlags flags) =>
        Add(a, b ^ SignBit, rm, ref flags);

    /// <summary>a * b (IEEE 754-2019, 5.4.1).</summary>
    internal static ulong Multiply(ulong a, ulong b, RoundingMode rm, ref FpFlags flags)
    {
        if (IsNaN(a) || IsNaN(b))
        {
            return PropagateNaN(a, b, ref flags);
        }

        bool negative = IsNegative(a ^ b);
        if (IsInfinity(a) || IsInfinity(b))
        {
            return IsZero(a) || IsZero(b) ? Invalid(ref flags) : Infinity(negative);
        }

        if (IsZero(a) || IsZero(b))
        {
            return Zero(negative);
        }

        return Round(negative, Product(a, b), Quantum(a) + Quantum(b), rm, ref flags);
    }

    /// <summary>a / b (IEEE 754-2019, 5.4.1).</summary>
    internal static ulong Divide(ulong a, ulong b, RoundingMode rm, ref FpFlags flags)
    {
        if (IsNaN(a) || IsNaN(b))
        {
            return PropagateNaN(a, b, ref flags);
        }

        bool negative = IsNegative(a ^ b);
        if (IsInfinity(a))
        {
            return IsInfinity(b) ? Invalid(ref flags) : Infinity(negative);
        }

        if (IsInfinity(b))
        {
            return Zero(negative);
        }

        if (IsZero(b))
        {
            if (IsZero(a))
            {
                return Invalid(ref flags);
            }

            flags |= FpFlags.DivideByZero;
            return Infinity(negative);
        }

        return IsZero(a) ? Zero(negative) : DivideFinite(negative, a, b, rm, ref flags);
    }

    /// <summary>The square root of a (IEEE 754-2019, 5.4.1); that of -0 is -0.</summary>
    internal static ulong SquareRoot(ulong a, RoundingMode rm, ref FpFlags flags)
    {
        if (IsNaN(a))
        {
            return PropagateNaN(a, 0, ref flags);
        }

        if (IsZero(a))
        {
            return a;
        }

        if (IsNegative(a))
        {
            return Invalid(ref flags);
        }

        if (IsInfinity(a))
        {
            return a;
        }

        // The root of an integer of 2 * (p + 2) bits has p + 2 bits: one below the rounding position, one to spare.
        ulong significand = NormalizedSignificand(a, out int quantum);
        int shift = FractionBits + 3;
        shift += (quantum - shift) & 1;
        UInt128 radicand = (UInt128)significand << shift;
        ulong root = IntegerSquareRoot(radicand);
        UInt128 result = ((UInt128)root << 1) | (Square(root) == radicand ? UInt128.Zero : UInt128.One);
        return Round(negative: false, result, ((quantum - shift) >> 1) - 1, rm, ref flags);
    }

    /// <summary>
    /// a * b + c with one rounding (IEEE 754-2019, 5.4.1). Infinity times zero is invalid also when c is a
    /// quiet NaN (RISC-V unprivileged ISA, "F", "Single-Precision Floating-Point Computational Instructions").
    /// </summary>
    internal static ulong FusedMultiplyAdd(ulong a, ulong b, ulong c, RoundingMode rm, ref FpFlags flags)
    {
        if ((IsInfinity(a) && IsZero(b)) || (IsZero(a) && IsInfinity(b)))
        {
            return Invalid(ref flags);
        }

        if (IsNaN(a) || IsNaN(b) || IsNaN(c))
        {
            return IsSignalingNaN(c) ? Invalid(ref flags) : PropagateNaN(a, b, ref flags);
        }

        bool negative = IsNegative(a ^ b);
        if (IsInfinity(a) || IsInfinity(b))
        {
            bool opposite = IsInfinity(c) && IsNegative(c) != negative;
            return opposite ? Invalid(ref flags) : Infinity(negative);
        }

        if (IsInfinity(c))
        {
            return c;
        }

        if (IsZero(a) || IsZero(b))
        {
            return AddZero(Zero(negative), c, rm);
        }

        (bool, UInt128, int) product = (negative, Product(a, b), Quantum(a) + Quantum(b));
        return IsZero(c)
            ? Round(negative, product.Item2, product.Item3, rm, ref flags)
            : AddAndRound(product, Unpack(c), rm, ref flags);
    }

    private static (bool Negative, UInt128 Significand, int Quantum) Unpack(ulong bits) =>
        (IsNegative(bits), Significand(bits), Quantum(bits));

    private static UInt128 Product(ulong a, ulong b)
    {
        ulong high = Math.BigMul(Significand(a), Significand(b), out ulong low);
        return new UInt128(high, low);
    }

    private static UInt128 Square(ulong value)
    {
        ulong high = Math.BigMul(value, value, out ulong low);
        return new UInt128(high, low);
    }

    /// <summary>The sum where at least one operand is a zero: the other one, or the zero of IEEE 754-2019, 6.3.</summary>
    private static ulong AddZero(ulong a, ulong b, RoundingMode rm)
    {
        if (!IsZero(a))
        {
            return a;
        }

        return !IsZero(b) || a == b ? b : Zero(rm == RoundingMode.Down);
    }

    private static ulong DivideFinite(bool negative, ulong a, ulong b, RoundingMode rm, ref FpFlags flags)
    {
        ulong dividend = NormalizedSignificand(a, out int quantumA);
        ulong divisor = NormalizedSignificand(b, out int quantumB);

        // Both have the same length: p + 2 appended zeros give p + 2 bits and more. The remainder is sticky.
        int shift = FractionBits + 3;
        UInt128 scaled = (UInt128)dividend << shift;
        UInt128 quotient;
        bool exact;
        if (FractionBits + shift < 63)
        {
            (ulong narrow, ulong remainder) = Math.DivRem(dividend << shift, divisor);
            quotient = narrow;
            exact = remainder == 0;
        }
        else
        {
            quotient = scaled / divisor;
            exact = quotient * divisor == scaled;
        }

        quotient = (quotient << 1) | (exact ? UInt128.Zero : UInt128.One);
        return Round(negative, quotient, quantumA - quantumB - shift - 1, rm, ref flags);
    }

    /// <summary>The largest integer whose square does not exceed <paramref name="value"/> (below 2^112).</summary>
    private static ulong IntegerSquareRoot(UInt128 value)
    {
        // The estimate is right in some 52 bits; one step of Newton's method makes it right to one unit.
        ulong root = (ulong)Math.Sqrt((double)value);
        root = (root + (ulong)(value / root)) >> 1;
        while (Square(root) > value)
        {
            root--;
        }

        while (Square(root + 1) <= value)
        {
            root++;
        }

        return root;
    }
}
