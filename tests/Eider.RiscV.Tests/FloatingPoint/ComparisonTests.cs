using Eider.RiscV.FloatingPoint;

namespace Eider.RiscV.Tests.FloatingPoint;

/// <summary>What the "F" chapter of the unprivileged ISA says of fmin, fmax, feq, flt, fle and fclass.</summary>
public sealed class ComparisonTests
{
    private const uint QuietNaN = 0xFFC0_1234;
    private const uint SignalingNaN = 0x7F80_0001;
    private const uint CanonicalNaN = 0x7FC0_0000;
    private const uint NegativeZero = 0x8000_0000;

    [Theory]
    [InlineData(NegativeZero, 0u, NegativeZero, 0u, FpFlags.None)]
    [InlineData(0u, NegativeZero, NegativeZero, 0u, FpFlags.None)]
    [InlineData(0x3F80_0000u, 0xC000_0000u, 0xC000_0000u, 0x3F80_0000u, FpFlags.None)]
    [InlineData(0xBF80_0000u, 0xC000_0000u, 0xC000_0000u, 0xBF80_0000u, FpFlags.None)]
    [InlineData(0x3F80_0000u, QuietNaN, 0x3F80_0000u, 0x3F80_0000u, FpFlags.None)]
    [InlineData(SignalingNaN, 0x3F80_0000u, 0x3F80_0000u, 0x3F80_0000u, FpFlags.Invalid)]
    [InlineData(QuietNaN, QuietNaN, CanonicalNaN, CanonicalNaN, FpFlags.None)]
    [InlineData(QuietNaN, SignalingNaN, CanonicalNaN, CanonicalNaN, FpFlags.Invalid)]
    [InlineData(0xFF80_0000u, 0x7F80_0000u, 0xFF80_0000u, 0x7F80_0000u, FpFlags.None)]
    public void Minimum_and_maximum_prefer_numbers_and_order_the_zeros(
        uint a, uint b, uint minimum, uint maximum, FpFlags expected)
    {
        FpFlags flags = 0;
        Assert.Equal(minimum, Float32.Minimum(a, b, ref flags));
        Assert.Equal(expected, flags);
        flags = 0;
        Assert.Equal(maximum, Float32.Maximum(a, b, ref flags));
        Assert.Equal(expected, flags);
    }

    [Theory]
    [InlineData(QuietNaN, 0u, FpFlags.None, FpFlags.Invalid)]
    [InlineData(0u, QuietNaN, FpFlags.None, FpFlags.Invalid)]
    [InlineData(SignalingNaN, 0u, FpFlags.Invalid, FpFlags.Invalid)]
    [InlineData(QuietNaN, QuietNaN, FpFlags.None, FpFlags.Invalid)]
    public void Comparisons_with_NaN_are_false_and_the_ordered_ones_invalid(
        uint a, uint b, FpFlags quiet, FpFlags signaling)
    {
        FpFlags flags = 0;
        Assert.False(Float32.Equal(a, b, ref flags));
        Assert.Equal(quiet, flags);
        flags = 0;
        Assert.False(Float32.LessThan(a, b, ref flags));
        Assert.Equal(signaling, flags);
        flags = 0;
        Assert.False(Float32.LessThanOrEqual(a, b, ref flags));
        Assert.Equal(signaling, flags);
    }

    [Fact]
    public void Comparisons_of_numbers_order_them_as_fractions_and_raise_nothing()
    {
        ReferenceFormat format = ReferenceFormat.Double;
        ulong[] finite = [.. Operands.Double(201).Edges().Where(format.IsFinite)];
        FpFlags flags = 0;
        foreach (ulong a in finite)
        {
            foreach (ulong b in finite)
            {
                int order = format.Value(a).CompareTo(format.Value(b));
                Assert.Equal(order == 0, Float64.Equal(a, b, ref flags));
                Assert.Equal(order < 0, Float64.LessThan(a, b, ref flags));
                Assert.Equal(order <= 0, Float64.LessThanOrEqual(a, b, ref flags));
                if (order != 0)
                {
                    Assert.Equal(order < 0 ? a : b, Float64.Minimum(a, b, ref flags));
                    Assert.Equal(order < 0 ? b : a, Float64.Maximum(a, b, ref flags));
                }
            }

            Assert.True(Float64.LessThan(a, format.Infinity, ref flags));
            Assert.True(Float64.LessThan(format.Negate(format.Infinity), a, ref flags));
        }

        Assert.True(Float64.Equal(format.Infinity, format.Infinity, ref flags));
        Assert.False(Float64.Equal(format.Infinity, format.Negate(format.Infinity), ref flags));
        Assert.Equal(FpFlags.None, flags);
    }

    [Theory]
    [InlineData(0xFF80_0000u, 0xFFF0_0000_0000_0000, 0)]
    [InlineData(0xFF7F_FFFFu, 0xFFEF_FFFF_FFFF_FFFF, 1)]
    [InlineData(0x8080_0000u, 0x8010_0000_0000_0000, 1)]
    [InlineData(0x807F_FFFFu, 0x800F_FFFF_FFFF_FFFF, 2)]
    [InlineData(NegativeZero, 0x8000_0000_0000_0000, 3)]
    [InlineData(0u, 0UL, 4)]
    [InlineData(1u, 1UL, 5)]
    [InlineData(0x3F80_0000u, 0x3FF0_0000_0000_0000, 6)]
    [InlineData(0x7F80_0000u, 0x7FF0_0000_0000_0000, 7)]
    [InlineData(SignalingNaN, 0x7FF0_0000_0000_0001, 8)]
    [InlineData(0xFFBF_FFFFu, 0xFFF7_FFFF_FFFF_FFFF, 8)]
    [InlineData(CanonicalNaN, 0x7FF8_0000_0000_0000, 9)]
    [InlineData(QuietNaN, 0xFFF8_0000_0000_0001, 9)]
    public void Classes_are_one_bit_of_ten(uint narrow, ulong wide, int bit)
    {
        Assert.Equal(1u << bit, Float32.Classify(narrow));
        Assert.Equal(1u << bit, Float64.Classify(wide));
    }

    [Fact]
    public void Infinity_times_zero_is_invalid_even_when_a_quiet_NaN_is_added()
    {
        FpFlags flags = 0;
        Assert.Equal(CanonicalNaN, Float32.FusedMultiplyAdd(0x7F80_0000, 0, QuietNaN, RoundingMode.NearestEven, ref flags));
        Assert.Equal(FpFlags.Invalid, flags);
        flags = 0;
        Assert.Equal(
            0x7FF8_0000_0000_0000UL, Float64.FusedMultiplyAdd(0, 0xFFF0_0000_0000_0000, 0x7FF8_0000_0000_0000, RoundingMode.Up, ref flags));
        Assert.Equal(FpFlags.Invalid, flags);
    }

    [Theory]
    [InlineData(0xBE99_999Au, 0u, FpFlags.Inexact)] // -0.3
    [InlineData(0xBF80_0000u, 0u, FpFlags.Invalid)] // -1
    [InlineData(0x4F80_0000u, uint.MaxValue, FpFlags.Invalid)] // 2^32
    [InlineData(QuietNaN, uint.MaxValue, FpFlags.Invalid)]
    [InlineData(0xFF80_0000u, 0u, FpFlags.Invalid)] // -infinity
    public void Out_of_range_conversions_saturate_with_invalid_alone(uint a, uint expected, FpFlags expectedFlags)
    {
        FpFlags flags = 0;
        Assert.Equal(expected, Float32.ToUInt32(a, RoundingMode.TowardZero, ref flags));
        Assert.Equal(expectedFlags, flags);
    }
}
