using Eider.RiscV.FloatingPoint;
using D = Eider.RiscV.FloatingPoint.SoftFloat<Eider.RiscV.FloatingPoint.Binary64>;
using S = Eider.RiscV.FloatingPoint.SoftFloat<Eider.RiscV.FloatingPoint.Binary32>;

namespace Eider.RiscV.Tests.FloatingPoint;

/// <summary>The host's floating point, where it is used, gives the bits and flags of the integer arithmetic.</summary>
public sealed class FastPathTests
{
    private const int Cases = 150_000;

    private static readonly RoundingMode[] Modes = Enum.GetValues<RoundingMode>();

    private delegate ulong Operation(ulong a, ulong b, ulong c, RoundingMode rm, ref FpFlags flags);

    private static readonly (string Name, Operation Fast, Operation Soft)[] Doubles =
    [
        ("add", (a, b, _, rm, ref f) => Float64.Add(a, b, rm, ref f), (a, b, _, rm, ref f) => D.Add(a, b, rm, ref f)),
        ("sub", (a, b, _, rm, ref f) => Float64.Subtract(a, b, rm, ref f), (a, b, _, rm, ref f) => D.Subtract(a, b, rm, ref f)),
        ("mul", (a, b, _, rm, ref f) => Float64.Multiply(a, b, rm, ref f), (a, b, _, rm, ref f) => D.Multiply(a, b, rm, ref f)),
        ("div", (a, b, _, rm, ref f) => Float64.Divide(a, b, rm, ref f), (a, b, _, rm, ref f) => D.Divide(a, b, rm, ref f)),
        ("sqrt", (a, _, _, rm, ref f) => Float64.SquareRoot(a, rm, ref f), (a, _, _, rm, ref f) => D.SquareRoot(a, rm, ref f)),
        ("fma", Float64.FusedMultiplyAdd, D.FusedMultiplyAdd),
        ("min", (a, b, _, _, ref f) => Float64.Minimum(a, b, ref f), (a, b, _, _, ref f) => D.Minimum(a, b, ref f)),
        ("max", (a, b, _, _, ref f) => Float64.Maximum(a, b, ref f), (a, b, _, _, ref f) => D.Maximum(a, b, ref f)),
        ("eq", (a, b, _, _, ref f) => Bit(Float64.Equal(a, b, ref f)), (a, b, _, _, ref f) => Bit(D.Equal(a, b, ref f))),
        ("lt", (a, b, _, _, ref f) => Bit(Float64.LessThan(a, b, ref f)), (a, b, _, _, ref f) => Bit(D.LessThan(a, b, ref f))),
        ("le", (a, b, _, _, ref f) => Bit(Float64.LessThanOrEqual(a, b, ref f)),
            (a, b, _, _, ref f) => Bit(D.LessThanOrEqual(a, b, ref f))),
        ("to int", (a, _, _, rm, ref f) => (ulong)Float64.ToInt32(a, rm, ref f),
            (a, _, _, rm, ref f) => (ulong)D.ToSigned(a, 32, rm, ref f)),
        ("to uint", (a, _, _, rm, ref f) => Float64.ToUInt32(a, rm, ref f), (a, _, _, rm, ref f) => D.ToUnsigned(a, 32, rm, ref f)),
        ("to long", (a, _, _, rm, ref f) => (ulong)Float64.ToInt64(a, rm, ref f),
            (a, _, _, rm, ref f) => (ulong)D.ToSigned(a, 64, rm, ref f)),
        ("to ulong", (a, _, _, rm, ref f) => Float64.ToUInt64(a, rm, ref f), (a, _, _, rm, ref f) => D.ToUnsigned(a, 64, rm, ref f)),
        ("from long", (a, _, _, rm, ref f) => Float64.FromInt64((long)a, rm, ref f),
            (a, _, _, rm, ref f) => D.FromSigned((long)a, rm, ref f)),
        ("from ulong", (a, _, _, rm, ref f) => Float64.FromUInt64(a, rm, ref f),
            (a, _, _, rm, ref f) => D.FromUnsigned(a, rm, ref f)),
        ("to single", (a, _, _, rm, ref f) => Float32.FromFloat64(a, rm, ref f), (a, _, _, rm, ref f) => S.From<Binary64>(a, rm, ref f)),
    ];

    private static readonly (string Name, Operation Fast, Operation Soft)[] Singles =
    [
        ("add", (a, b, _, rm, ref f) => Float32.Add((uint)a, (uint)b, rm, ref f), (a, b, _, rm, ref f) => S.Add(a, b, rm, ref f)),
        ("sub", (a, b, _, rm, ref f) => Float32.Subtract((uint)a, (uint)b, rm, ref f),
            (a, b, _, rm, ref f) => S.Subtract(a, b, rm, ref f)),
        ("mul", (a, b, _, rm, ref f) => Float32.Multiply((uint)a, (uint)b, rm, ref f),
            (a, b, _, rm, ref f) => S.Multiply(a, b, rm, ref f)),
        ("div", (a, b, _, rm, ref f) => Float32.Divide((uint)a, (uint)b, rm, ref f), (a, b, _, rm, ref f) => S.Divide(a, b, rm, ref f)),
        ("sqrt", (a, _, _, rm, ref f) => Float32.SquareRoot((uint)a, rm, ref f), (a, _, _, rm, ref f) => S.SquareRoot(a, rm, ref f)),
        ("fma", (a, b, c, rm, ref f) => Float32.FusedMultiplyAdd((uint)a, (uint)b, (uint)c, rm, ref f), S.FusedMultiplyAdd),
        ("min", (a, b, _, _, ref f) => Float32.Minimum((uint)a, (uint)b, ref f), (a, b, _, _, ref f) => S.Minimum(a, b, ref f)),
        ("max", (a, b, _, _, ref f) => Float32.Maximum((uint)a, (uint)b, ref f), (a, b, _, _, ref f) => S.Maximum(a, b, ref f)),
        ("eq", (a, b, _, _, ref f) => Bit(Float32.Equal((uint)a, (uint)b, ref f)), (a, b, _, _, ref f) => Bit(S.Equal(a, b, ref f))),
        ("lt", (a, b, _, _, ref f) => Bit(Float32.LessThan((uint)a, (uint)b, ref f)),
            (a, b, _, _, ref f) => Bit(S.LessThan(a, b, ref f))),
        ("le", (a, b, _, _, ref f) => Bit(Float32.LessThanOrEqual((uint)a, (uint)b, ref f)),
            (a, b, _, _, ref f) => Bit(S.LessThanOrEqual(a, b, ref f))),
        ("to int", (a, _, _, rm, ref f) => (ulong)Float32.ToInt32((uint)a, rm, ref f),
            (a, _, _, rm, ref f) => (ulong)S.ToSigned(a, 32, rm, ref f)),
        ("to uint", (a, _, _, rm, ref f) => Float32.ToUInt32((uint)a, rm, ref f), (a, _, _, rm, ref f) => S.ToUnsigned(a, 32, rm, ref f)),
        ("to long", (a, _, _, rm, ref f) => (ulong)Float32.ToInt64((uint)a, rm, ref f),
            (a, _, _, rm, ref f) => (ulong)S.ToSigned(a, 64, rm, ref f)),
        ("to ulong", (a, _, _, rm, ref f) => Float32.ToUInt64((uint)a, rm, ref f),
            (a, _, _, rm, ref f) => S.ToUnsigned(a, 64, rm, ref f)),
        ("from int", (a, _, _, rm, ref f) => Float32.FromInt32((int)a, rm, ref f), (a, _, _, rm, ref f) => S.FromSigned((int)a, rm, ref f)),
        ("from uint", (a, _, _, rm, ref f) => Float32.FromUInt32((uint)a, rm, ref f), (a, _, _, rm, ref f) => S.FromUnsigned((uint)a, rm, ref f)),
        ("to double", (a, _, _, _, ref f) => Float64.FromFloat32((uint)a, ref f), (a, _, _, rm, ref f) => D.From<Binary32>(a, rm, ref f)),
    ];

    [Fact]
    public void Double_operations_equal_the_integer_arithmetic() => Check(Doubles, Operands.Double(101));

    [Fact]
    public void Single_operations_equal_the_integer_arithmetic() => Check(Singles, Operands.Single(102));

    [Fact]
    public void To_nearest_the_results_are_the_hosts_but_for_the_NaN()
    {
        Operands operands = Operands.Double(103);
        for (int i = 0; i < Cases; i++)
        {
            ulong a = operands.Next();
            ulong b = operands.NextNear(a);
            ulong c = operands.NextNear(a);
            double x = BitConverter.UInt64BitsToDouble(a);
            double y = BitConverter.UInt64BitsToDouble(b);
            double z = BitConverter.UInt64BitsToDouble(c);
            FpFlags flags = 0;
            CheckHost(x + y, D.Add(a, b, RoundingMode.NearestEven, ref flags));
            CheckHost(x * y, D.Multiply(a, b, RoundingMode.NearestEven, ref flags));
            CheckHost(x / y, D.Divide(a, b, RoundingMode.NearestEven, ref flags));
            CheckHost(Math.Sqrt(x), D.SquareRoot(a, RoundingMode.NearestEven, ref flags));
            CheckHost(Math.FusedMultiplyAdd(x, y, z), D.FusedMultiplyAdd(a, b, c, RoundingMode.NearestEven, ref flags));
        }
    }

    private static void CheckHost(double expected, ulong actual) => Assert.Equal(
        double.IsNaN(expected) ? 0x7FF8_0000_0000_0000UL : BitConverter.DoubleToUInt64Bits(expected), actual);

    private static ulong Bit(bool value) => value ? 1UL : 0;

    private static void Check((string Name, Operation Fast, Operation Soft)[] operations, Operands operands)
    {
        ulong[] edges = operands.Edges();
        foreach (ulong a in edges)
        {
            foreach (ulong b in edges)
            {
                Check(operations, a, b, edges[(int)((a ^ b) % (ulong)edges.Length)]);
            }
        }

        for (int i = 0; i < Cases; i++)
        {
            ulong a = operands.Next();
            ulong b = operands.NextNear(a);
            FpFlags ignored = 0;
            Check(operations, a, b, operands.NextNear(operations[2].Soft(a, b, 0, RoundingMode.NearestEven, ref ignored)));
        }
    }

    private static void Check((string Name, Operation Fast, Operation Soft)[] operations, ulong a, ulong b, ulong c)
    {
        foreach ((string name, Operation fast, Operation soft) in operations)
        {
            foreach (RoundingMode rm in Modes)
            {
                FpFlags expectedFlags = 0;
                ulong expected = soft(a, b, c, rm, ref expectedFlags);
                FpFlags flags = 0;
                ulong actual = fast(a, b, c, rm, ref flags);
                FpFlags sticky = FpFlags.Inexact;
                ulong again = fast(a, b, c, rm, ref sticky);
                if (actual != expected || again != expected || flags != expectedFlags
                    || sticky != (expectedFlags | FpFlags.Inexact))
                {
                    Assert.Fail(
                        $"{name} {a:x} {b:x} {c:x} {rm}: {actual:x} {flags} and {again:x} {sticky}, "
                        + $"expected {expected:x} {expectedFlags}");
                }
            }
        }
    }
}
