namespace Eider.RiscV.Csr;

/// <summary>Fields of <c>menvcfg</c> and <c>senvcfg</c> (Privileged ISA, "Machine Environment Configuration").</summary>
internal static class EnvironmentConfiguration
{
    /// <summary>Fence of I/O implies memory; nothing to do here, kept because software reads it back.</summary>
    public const ulong Fiom = 1;

    /// <summary>Hardware updates A and D bits (Svadu).</summary>
    public const ulong Adue = 1UL << 61;

    /// <summary><c>stimecmp</c> exists (Sstc).</summary>
    public const ulong Stce = 1UL << 63;

    /// <summary>What a write of <c>menvcfg</c> may change.</summary>
    public const ulong MachineWritable = Fiom | Adue | Stce;
}
