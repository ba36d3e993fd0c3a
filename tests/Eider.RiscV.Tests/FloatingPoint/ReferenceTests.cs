using System.Numerics;
using Eider.RiscV.FloatingPoint;

namespace Eider.RiscV.Tests.FloatingPoint;

/// <summary>Every operation against exact fractions: edges with edges, and random operands, in all modes.</summary>
public sealed class ReferenceTests
{
    private const int RandomCases = 4_000;

    private static readonly RoundingMode[] Modes = Enum.GetValues<RoundingMode>();

    private static readonly ReferenceFormat S = ReferenceFormat.Single;
    private static readonly ReferenceFormat D = ReferenceFormat.Double;

    private delegate ulong Operation(ulong a, ulong b, ulong c, RoundingMode rm, ref FpFlags flags);

    [Fact]
    public void Double_sums_and_differences_are_exact_sums_rounded_once()
    {
        CheckBinary(Operands.Double(1), D.Add, (a, b, _, rm, ref f) => Float64.Add(a, b, rm, ref f));
        CheckBinary(
            Operands.Double(2), (a, b, rm) => SubtractReference(D, a, b, rm), (a, b, _, rm, ref f) => Float64.Subtract(a, b, rm, ref f));
    }

    [Fact]
    public void Single_sums_and_differences_are_exact_sums_rounded_once()
    {
        CheckBinary(Operands.Single(3), S.Add, (a, b, _, rm, ref f) => Float32.Add((uint)a, (uint)b, rm, ref f));
        CheckBinary(
            Operands.Single(4),
            (a, b, rm) => SubtractReference(S, a, b, rm),
            (a, b, _, rm, ref f) => Float32.Subtract((uint)a, (uint)b, rm, ref f));
    }

    [Fact]
    public void Double_products_are_exact_products_rounded_once() =>
        CheckBinary(Operands.Double(5), D.Multiply, (a, b, _, rm, ref f) => Float64.Multiply(a, b, rm, ref f));

    [Fact]
    public void Single_products_are_exact_products_rounded_once() =>
        CheckBinary(Operands.Single(6), S.Multiply, (a, b, _, rm, ref f) => Float32.Multiply((uint)a, (uint)b, rm, ref f));

    [Fact]
    public void Double_quotients_are_exact_quotients_rounded_once() =>
        CheckBinary(Operands.Double(7), D.Divide, (a, b, _, rm, ref f) => Float64.Divide(a, b, rm, ref f));

    [Fact]
    public void Single_quotients_are_exact_quotients_rounded_once() =>
        CheckBinary(Operands.Single(8), S.Divide, (a, b, _, rm, ref f) => Float32.Divide((uint)a, (uint)b, rm, ref f));

    [Fact]
    public void Square_roots_are_exact_roots_rounded_once()
    {
        CheckUnary(Operands.Double(9), D.SquareRoot, (a, _, _, rm, ref f) => Float64.SquareRoot(a, rm, ref f));
        CheckUnary(Operands.Single(10), S.SquareRoot, (a, _, _, rm, ref f) => Float32.SquareRoot((uint)a, rm, ref f));
    }

    [Fact]
    public void Double_fused_multiply_add_rounds_once() =>
        CheckTernary(Operands.Double(11), D.FusedMultiplyAdd, Float64.FusedMultiplyAdd);

    [Fact]
    public void Single_fused_multiply_add_rounds_once() => CheckTernary(
        Operands.Single(12),
        S.FusedMultiplyAdd,
        (a, b, c, rm, ref f) => Float32.FusedMultiplyAdd((uint)a, (uint)b, (uint)c, rm, ref f));

    [Fact]
    public void Conversions_between_the_formats_round_once()
    {
        CheckUnary(
            Operands.Double(13), (a, rm) => S.ConvertFrom(D, a, rm), (a, _, _, rm, ref f) => Float32.FromFloat64(a, rm, ref f));
        CheckUnary(
            Operands.Single(14), (a, rm) => D.ConvertFrom(S, a, rm), (a, _, _, _, ref f) => Float64.FromFloat32((uint)a, ref f));
    }

    [Fact]
    public void Doubles_become_integers_rounded_and_saturated()
    {
        Operands operands = Operands.Double(15);
        CheckToInteger(operands, D, int.MinValue, int.MaxValue, (a, _, _, rm, ref f) => (uint)Float64.ToInt32(a, rm, ref f));
        CheckToInteger(operands, D, 0, uint.MaxValue, (a, _, _, rm, ref f) => Float64.ToUInt32(a, rm, ref f));
        CheckToInteger(operands, D, long.MinValue, long.MaxValue, (a, _, _, rm, ref f) => (ulong)Float64.ToInt64(a, rm, ref f));
        CheckToInteger(operands, D, 0, ulong.MaxValue, (a, _, _, rm, ref f) => Float64.ToUInt64(a, rm, ref f));
    }

    [Fact]
    public void Singles_become_integers_rounded_and_saturated()
    {
        Operands operands = Operands.Single(16);
        CheckToInteger(operands, S, int.MinValue, int.MaxValue, (a, _, _, rm, ref f) => (uint)Float32.ToInt32((uint)a, rm, ref f));
        CheckToInteger(operands, S, 0, uint.MaxValue, (a, _, _, rm, ref f) => Float32.ToUInt32((uint)a, rm, ref f));
        CheckToInteger(
            operands, S, long.MinValue, long.MaxValue, (a, _, _, rm, ref f) => (ulong)Float32.ToInt64((uint)a, rm, ref f));
        CheckToInteger(operands, S, 0, ulong.MaxValue, (a, _, _, rm, ref f) => Float32.ToUInt64((uint)a, rm, ref f));
    }

    [Fact]
    public void Integers_become_numbers_rounded_once()
    {
        foreach (ulong value in Integers())
        {
            foreach (RoundingMode rm in Modes)
            {
                CheckFrom(D.FromInteger((int)value, rm), rm, (ref f) => Float64.FromInt32((int)value, rm, ref f));
                CheckFrom(D.FromInteger((uint)value, rm), rm, (ref f) => Float64.FromUInt32((uint)value, rm, ref f));
                CheckFrom(D.FromInteger((long)value, rm), rm, (ref f) => Float64.FromInt64((long)value, rm, ref f));
                CheckFrom(D.FromInteger(value, rm), rm, (ref f) => Float64.FromUInt64(value, rm, ref f));
                CheckFrom(S.FromInteger((int)value, rm), rm, (ref f) => Float32.FromInt32((int)value, rm, ref f));
                CheckFrom(S.FromInteger((uint)value, rm), rm, (ref f) => Float32.FromUInt32((uint)value, rm, ref f));
                CheckFrom(S.FromInteger((long)value, rm), rm, (ref f) => Float32.FromInt64((long)value, rm, ref f));
                CheckFrom(S.FromInteger(value, rm), rm, (ref f) => Float32.FromUInt64(value, rm, ref f));
            }
        }
    }

    private delegate ulong Conversion(ref FpFlags flags);

    private static void CheckFrom((ulong Bits, FpFlags Flags) expected, RoundingMode rm, Conversion actual)
    {
        FpFlags flags = 0;
        ulong bits = actual(ref flags);
        Assert.True((bits, flags) == expected, $"{rm}: {bits:x} {flags}, expected {expected.Bits:x} {expected.Flags}");
    }

    private static IEnumerable<ulong> Integers()
    {
        Random random = new(17);
        for (int bit = 0; bit < 64; bit++)
        {
            for (int delta = -2; delta <= 2; delta++)
            {
                yield return unchecked((1UL << bit) + (ulong)delta);
                yield return unchecked(0 - (1UL << bit) + (ulong)delta);
            }
        }

        for (int i = 0; i < RandomCases; i++)
        {
            yield return unchecked((ulong)random.NextInt64(long.MinValue, long.MaxValue)) >> random.Next(64);
        }
    }

    private static (ulong Bits, FpFlags Flags) SubtractReference(ReferenceFormat format, ulong a, ulong b, RoundingMode rm) =>
        format.Add(a, format.Negate(b), rm);

    private static void CheckUnary(Operands operands, Func<ulong, RoundingMode, (ulong, FpFlags)> reference, Operation operation)
    {
        IEnumerable<ulong> random = Enumerable.Range(0, RandomCases).Select(_ => operands.Next());
        foreach (ulong a in operands.Edges().Concat(random))
        {
            CheckModes(a, 0, 0, rm => reference(a, rm), operation);
        }
    }

    private static void CheckBinary(
        Operands operands, Func<ulong, ulong, RoundingMode, (ulong, FpFlags)> reference, Operation operation)
    {
        ulong[] edges = operands.Edges();
        foreach (ulong a in edges)
        {
            foreach (ulong b in edges)
            {
                CheckModes(a, b, 0, rm => reference(a, b, rm), operation);
            }
        }

        for (int i = 0; i < RandomCases; i++)
        {
            ulong a = operands.Next();
            ulong b = operands.NextNear(a);
            CheckModes(a, b, 0, rm => reference(a, b, rm), operation);
        }
    }

    private static void CheckTernary(
        Operands operands, Func<ulong, ulong, ulong, RoundingMode, (ulong, FpFlags)> reference, Operation operation)
    {
        ulong[] edges = operands.Edges();
        Random random = new(18);
        for (int i = 0; i < 3 * RandomCases; i++)
        {
            ulong a = random.Next(3) == 0 ? edges[random.Next(edges.Length)] : operands.Next();
            ulong b = random.Next(3) == 0 ? edges[random.Next(edges.Length)] : operands.NextNear(a);
            FpFlags ignored = 0;
            ulong c = random.Next(3) switch
            {
                0 => edges[random.Next(edges.Length)],
                1 => operands.Next(),

                // Near the negated product: cancellation down to the last bits of the exact product.
                _ => operands.NextNear(operation(a, b, 0, RoundingMode.NearestEven, ref ignored)),
            };
            CheckModes(a, b, c, rm => reference(a, b, c, rm), operation);
        }
    }

    private static void CheckToInteger(
        Operands operands, ReferenceFormat format, BigInteger min, BigInteger max, Operation operation)
    {
        BigInteger mask = max - min;
        CheckUnary(
            operands,
            (a, rm) =>
            {
                (BigInteger value, FpFlags flags) = format.ToInteger(a, min, max, rm);
                return ((ulong)(value & mask), flags);
            },
            operation);
    }

    private static void CheckModes(
        ulong a, ulong b, ulong c, Func<RoundingMode, (ulong Bits, FpFlags Flags)> reference, Operation operation)
    {
        foreach (RoundingMode rm in Modes)
        {
            (ulong Bits, FpFlags Flags) expected = reference(rm);
            FpFlags flags = 0;
            ulong bits = operation(a, b, c, rm, ref flags);
            if ((bits, flags) != expected)
            {
                Assert.Fail($"{a:x} {b:x} {c:x} {rm}: {bits:x} {flags}, expected {expected.Bits:x} {expected.Flags}");
            }

            // A flag that is set already stays, and changes nothing else.
            flags = FpFlags.Inexact;
            Assert.Equal(expected.Bits, operation(a, b, c, rm, ref flags));
            Assert.Equal(expected.Flags | FpFlags.Inexact, flags);
        }
    }
}
