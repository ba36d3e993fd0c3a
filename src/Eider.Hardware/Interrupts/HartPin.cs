namespace Eider.Hardware.Interrupts;

/// <summary>
/// The interrupt inputs of a RISC-V hart, numbered as the bits of <c>mip</c> (Privileged ISA, "Machine
/// Interrupt Registers").
/// </summary>
public enum HartPin
{
    /// <summary>Supervisor software interrupt.</summary>
    Ssip = 1,

    /// <summary>Machine software interrupt (CLINT msip).</summary>
    Msip = 3,

    /// <summary>Supervisor timer interrupt.</summary>
    Stip = 5,

    /// <summary>Machine timer interrupt (CLINT mtimecmp).</summary>
    Mtip = 7,

    /// <summary>Supervisor external interrupt (PLIC context S).</summary>
    Seip = 9,

    /// <summary>Machine external interrupt (PLIC context M).</summary>
    Meip = 11,
}
