namespace Eider.RiscV.FloatingPoint;

/// <summary>Single precision (IEEE 754-2019, binary32).</summary>
internal readonly struct Binary32 : IBinaryFormat
{
    /// <inheritdoc/>
    public static int FractionBits => 23;

    /// <inheritdoc/>
    public static int ExponentBits => 8;
}
