namespace Eider.RiscV.FloatingPoint;

/// <summary>
/// The rounding modes of the rm and frm fields (RISC-V unprivileged ISA, "F" extension, table "Rounding
/// mode encoding"). The encodings 5 and 6 are reserved and 7 stands for frm: the decoder resolves them, the
/// operations of this namespace take only the five values below.
/// </summary>
public enum RoundingMode : byte
{
    /// <summary>RNE: to nearest, ties to even.</summary>
    NearestEven = 0,

    /// <summary>RTZ: towards zero.</summary>
    TowardZero = 1,

    /// <summary>RDN: towards minus infinity.</summary>
    Down = 2,

    /// <summary>RUP: towards plus infinity.</summary>
    Up = 3,

    /// <summary>RMM: to nearest, ties away from zero.</summary>
    NearestMaxMagnitude = 4,
}
