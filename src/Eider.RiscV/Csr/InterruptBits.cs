namespace Eider.RiscV.Csr;

/// <summary>Bits of <c>mip</c> and <c>mie</c> (Privileged ISA, "Machine Interrupt Registers").</summary>
internal static class InterruptBits
{
    public const ulong Ssip = 1UL << 1;
    public const ulong Msip = 1UL << 3;
    public const ulong Stip = 1UL << 5;
    public const ulong Mtip = 1UL << 7;
    public const ulong Seip = 1UL << 9;
    public const ulong Meip = 1UL << 11;

    /// <summary>The three that can be delegated to S-mode.</summary>
    public const ulong Supervisor = Ssip | Stip | Seip;

    /// <summary>All that exist.</summary>
    public const ulong All = Supervisor | Msip | Mtip | Meip;
}
