namespace Eider.Devices.Interrupts;

/// <summary>
/// Where the registers of the core-local interruptor stand, in bytes (SiFive FU540 manual, "CLINT Memory Map";
/// the same as the RISC-V ACLINT specification's MSWI and MTIMER devices put next to each other).
/// </summary>
public enum ClintRegister : uint
{
    /// <summary>Software interrupt of hart h: 32 bits at 4 h, bit 0.</summary>
    Msip = 0x0,

    /// <summary>Timer compare of hart h: 64 bits at 8 h above this.</summary>
    Mtimecmp = 0x4000,

    /// <summary>The timer: 64 bits, read-only here.</summary>
    Mtime = 0xBFF8,
}
