namespace Eider.RiscV.FloatingPoint;

/// <summary>
/// The parameters of a binary interchange format (IEEE 754-2019, 3.4 and table 3.5). Implemented by empty
/// structs, so that the JIT compiles <see cref="SoftFloat{TFormat}"/> once per format with these as constants.
/// </summary>
internal interface IBinaryFormat
{
    /// <summary>Bits of the trailing significand: p - 1.</summary>
    static abstract int FractionBits { get; }

    /// <summary>Bits of the biased exponent.</summary>
    static abstract int ExponentBits { get; }
}
