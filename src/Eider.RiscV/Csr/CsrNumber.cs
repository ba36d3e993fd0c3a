namespace Eider.RiscV.Csr;

/// <summary>Numbers of the control and status registers (Privileged ISA, "CSR Listing").</summary>
internal static class CsrNumber
{
    public const uint Fflags = 0x001;
    public const uint Frm = 0x002;
    public const uint Fcsr = 0x003;

    public const uint Sstatus = 0x100;
    public const uint Sie = 0x104;
    public const uint Stvec = 0x105;
    public const uint Scounteren = 0x106;
    public const uint Senvcfg = 0x10A;
    public const uint Sscratch = 0x140;
    public const uint Sepc = 0x141;
    public const uint Scause = 0x142;
    public const uint Stval = 0x143;
    public const uint Sip = 0x144;
    public const uint Stimecmp = 0x14D;
    public const uint Satp = 0x180;

    public const uint Mstatus = 0x300;
    public const uint Misa = 0x301;
    public const uint Medeleg = 0x302;
    public const uint Mideleg = 0x303;
    public const uint Mie = 0x304;
    public const uint Mtvec = 0x305;
    public const uint Mcounteren = 0x306;
    public const uint Menvcfg = 0x30A;
    public const uint Mcountinhibit = 0x320;
    public const uint Mhpmevent3 = 0x323;
    public const uint Mhpmevent31 = 0x33F;
    public const uint Mscratch = 0x340;
    public const uint Mepc = 0x341;
    public const uint Mcause = 0x342;
    public const uint Mtval = 0x343;
    public const uint Mip = 0x344;
    public const uint Pmpcfg0 = 0x3A0;
    public const uint Pmpcfg15 = 0x3AF;
    public const uint Pmpaddr0 = 0x3B0;
    public const uint Pmpaddr63 = 0x3EF;
    public const uint Tselect = 0x7A0;
    public const uint Tdata1 = 0x7A1;
    public const uint Tdata2 = 0x7A2;
    public const uint Tdata3 = 0x7A3;

    public const uint Mcycle = 0xB00;
    public const uint Minstret = 0xB02;
    public const uint Mhpmcounter3 = 0xB03;
    public const uint Mhpmcounter31 = 0xB1F;

    public const uint Cycle = 0xC00;
    public const uint Time = 0xC01;
    public const uint Instret = 0xC02;

    public const uint Mvendorid = 0xF11;
    public const uint Marchid = 0xF12;
    public const uint Mimpid = 0xF13;
    public const uint Mhartid = 0xF14;
    public const uint Mconfigptr = 0xF15;
}
