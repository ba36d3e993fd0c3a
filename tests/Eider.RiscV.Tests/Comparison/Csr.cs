namespace Eider.RiscV.Tests.Comparison;

/// <summary>CSR numbers and bits that the comparison uses (privileged ISA, "CSR Listing").</summary>
internal static class Csr
{
    public const int Fflags = 0x001;
    public const int Frm = 0x002;
    public const int Fcsr = 0x003;
    public const int Sstatus = 0x100;
    public const int Sie = 0x104;
    public const int Stvec = 0x105;
    public const int Scounteren = 0x106;
    public const int Sscratch = 0x140;
    public const int Sepc = 0x141;
    public const int Scause = 0x142;
    public const int Stval = 0x143;
    public const int Sip = 0x144;
    public const int Satp = 0x180;
    public const int Mstatus = 0x300;
    public const int Medeleg = 0x302;
    public const int Mideleg = 0x303;
    public const int Mie = 0x304;
    public const int Mtvec = 0x305;
    public const int Mcounteren = 0x306;
    public const int Menvcfg = 0x30A;
    public const int Mscratch = 0x340;
    public const int Mepc = 0x341;
    public const int Mcause = 0x342;
    public const int Mtval = 0x343;
    public const int Mip = 0x344;
    public const int Pmpcfg0 = 0x3A0;
    public const int Pmpaddr0 = 0x3B0;

    public const ulong StatusSie = 1UL << 1;
    public const ulong StatusMie = 1UL << 3;
    public const ulong StatusSpie = 1UL << 5;
    public const ulong StatusMpie = 1UL << 7;
    public const ulong StatusSpp = 1UL << 8;
    public const ulong StatusFs = 3UL << 13;
    public const ulong StatusMprv = 1UL << 17;
    public const ulong StatusSum = 1UL << 18;
    public const ulong StatusMxr = 1UL << 19;
    public const ulong StatusTvm = 1UL << 20;
    public const ulong StatusTw = 1UL << 21;
    public const ulong StatusTsr = 1UL << 22;
    public const ulong StatusXl = (2UL << 32) | (2UL << 34);

    public const int StatusMppShift = 11;

    /// <summary>Breakpoints, misaligned, access and page faults, illegal instructions, ecall from U and S.</summary>
    public const ulong DelegableExceptions = 0xB3FF;

    public const ulong SupervisorInterrupts = 0x222;
}
