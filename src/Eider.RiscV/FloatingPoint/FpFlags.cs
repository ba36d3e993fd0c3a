using System.Diagnostics.CodeAnalysis;

namespace Eider.RiscV.FloatingPoint;

/// <summary>
/// The accrued exception flags, bit for bit as in the fflags CSR (RISC-V unprivileged ISA, "F" extension,
/// "Floating-Point Control and Status Register"). Operations only ever set bits.
/// </summary>
[Flags]
[SuppressMessage("Naming", "CA1711", Justification = "Flags is what the architecture calls them: fflags.")]
public enum FpFlags : byte
{
    /// <summary>No exception.</summary>
    None = 0,

    /// <summary>NX: the result differs from the infinitely precise one.</summary>
    Inexact = 1,

    /// <summary>UF: the result is inexact and tiny, found after rounding.</summary>
    Underflow = 2,

    /// <summary>OF: the rounded result exceeds the largest finite number.</summary>
    Overflow = 4,

    /// <summary>DZ: a finite number other than zero was divided by zero.</summary>
    DivideByZero = 8,

    /// <summary>NV: the operation has no defined result, or an operand is a signaling NaN.</summary>
    Invalid = 16,
}
