namespace Eider.RiscV.FloatingPoint;

/// <summary>Double precision (IEEE 754-2019, binary64).</summary>
internal readonly struct Binary64 : IBinaryFormat
{
    /// <inheritdoc/>
    public static int FractionBits => 52;

    /// <inheritdoc/>
    public static int ExponentBits => 11;
}
