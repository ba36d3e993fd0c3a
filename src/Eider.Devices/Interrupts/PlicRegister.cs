namespace Eider.Devices.Interrupts;

/// <summary>
/// Where the register blocks of the PLIC start, in bytes (RISC-V Platform-Level Interrupt Controller
/// Specification 1.0.0, "Memory Map"). Every register is 32 bits wide.
/// </summary>
public enum PlicRegister : uint
{
    /// <summary>Interrupt source priority ("Interrupt Priorities"): one register a source.</summary>
    Priority = 0x0,

    /// <summary>Interrupt pending bits ("Interrupt Pending Bits"): one bit a source, read-only.</summary>
    Pending = 0x1000,

    /// <summary>Interrupt enables ("Interrupt Enables"): one bit a source, 0x80 bytes a context.</summary>
    Enable = 0x2000,

    /// <summary>Priority threshold ("Priority Thresholds"): 0x1000 bytes a context.</summary>
    Threshold = 0x20_0000,

    /// <summary>Claim and complete ("Interrupt Claim Process", "Interrupt Completion"): 4 bytes above the threshold.</summary>
    ClaimComplete = 0x20_0004,
}
