using System.Numerics;

namespace Eider.RiscV.Tests.FloatingPoint;

/// <summary>An exact rational number; the denominator is positive, common factors are not removed.</summary>
internal readonly record struct Fraction(BigInteger Numerator, BigInteger Denominator)
{
    public bool IsZero => Numerator.IsZero;

    public int Sign => Numerator.Sign;

    /// <summary>factor * 2^exponent.</summary>
    public static Fraction Scaled(BigInteger factor, int exponent) =>
        exponent >= 0 ? new(factor << exponent, BigInteger.One) : new(factor, BigInteger.One << -exponent);

    public static Fraction operator +(Fraction a, Fraction b) =>
        new((a.Numerator * b.Denominator) + (b.Numerator * a.Denominator), a.Denominator * b.Denominator);

    public static Fraction operator *(Fraction a, Fraction b) =>
        new(a.Numerator * b.Numerator, a.Denominator * b.Denominator);

    public static Fraction operator /(Fraction a, Fraction b) =>
        new(a.Numerator * b.Denominator * b.Sign, a.Denominator * BigInteger.Abs(b.Numerator));

    public Fraction Abs() => new(BigInteger.Abs(Numerator), Denominator);

    public int CompareTo(Fraction other) =>
        (Numerator * other.Denominator).CompareTo(other.Numerator * Denominator);
}
