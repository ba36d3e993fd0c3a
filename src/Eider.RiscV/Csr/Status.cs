namespace Eider.RiscV.Csr;

/// <summary>Fields of <c>mstatus</c> and <c>sstatus</c> (Privileged ISA, "Machine Status Registers").</summary>
internal static class Status
{
    public const ulong Sie = 1UL << 1;
    public const ulong Mie = 1UL << 3;
    public const ulong Spie = 1UL << 5;
    public const ulong Mpie = 1UL << 7;
    public const ulong Spp = 1UL << 8;
    public const int MppShift = 11;
    public const ulong Mpp = 3UL << MppShift;
    public const ulong Fs = 3UL << 13;
    public const ulong Mprv = 1UL << 17;
    public const ulong Sum = 1UL << 18;
    public const ulong Mxr = 1UL << 19;
    public const ulong Tvm = 1UL << 20;
    public const ulong Tw = 1UL << 21;
    public const ulong Tsr = 1UL << 22;
    public const ulong Sd = 1UL << 63;

    /// <summary>UXL and SXL: 64 bits, read-only.</summary>
    public const ulong XlenFields = (2UL << 32) | (2UL << 34);

    /// <summary>UXL alone, as <c>sstatus</c> shows it.</summary>
    public const ulong UserXlen = 2UL << 32;

    /// <summary>What a write of <c>mstatus</c> may change.</summary>
    public const ulong MachineWritable = Sie | Mie | Spie | Mpie | Spp | Mpp | Fs | Mprv | Sum | Mxr | Tvm | Tw | Tsr;

    /// <summary>What a write of <c>sstatus</c> may change.</summary>
    public const ulong SupervisorWritable = Sie | Spie | Spp | Fs | Sum | Mxr;
}
