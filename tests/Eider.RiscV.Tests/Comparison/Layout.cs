namespace Eider.RiscV.Tests.Comparison;

/// <summary>Where things lie in the guest's RAM.</summary>
internal static class Layout
{
    public const ulong Ram = 0x8000_0000;
    public const ulong PowerDevice = 0x0010_0000;

    /// <summary>mtimecmp of hart 0 in the CLINT.</summary>
    public const ulong TimerCompare = 0x0200_4000;

    /// <summary>Start-up code and trap handler.</summary>
    public const ulong Handler = Ram;

    /// <summary>What stvec points to: reads the supervisor's trap CSRs and calls M-mode.</summary>
    public const ulong Stub = Ram + 0x4000;

    /// <summary>Both roots map the first GiB of RAM here, for the supervisor, so that a stub is at hand in U-mode too.</summary>
    public const ulong StubAlias = 0x4000_0000;

    /// <summary>Root tables: for S and U, each Sv39, Sv48, Sv57.</summary>
    public const ulong Roots = Ram + 0x1_0000;

    /// <summary>The table of 2 MiB entries under test, and behind it the tables of 4 KiB entries.</summary>
    public const ulong MiddleTable = Ram + 0x2_0000;
    public const ulong LeafTables = MiddleTable + 0x1000;
    public const int LeafTableCount = 256;

    /// <summary>2 MiB that page tables point into: pages of ecall words of both phases and of returns, then of data.</summary>
    public const ulong Data = Ram + 0x20_0000;
    public const ulong EcallPages = Data;
    public const int EcallPageCount = 16;

    /// <summary>From this one on the pages of code hold returns to x1.</summary>
    public const int FirstReturnPage = 10;
    public const ulong DataPages = Data + 0x1_0000;
    public const int DataPageCount = 64;

    public const ulong Code = Ram + 0x40_0000;

    /// <summary>Bytes between block starts: no divisor of a page, so that blocks cross pages.</summary>
    public const int CodeStride = 248;

    /// <summary>Nothing is there on either machine.</summary>
    public const ulong Hole = 0xA000_0000;

    /// <summary>A block's record: next record, x1 to x31, f0 to f31, CSRs, and 256 bytes of memory to play in.</summary>
    public const int RecordBytes = 1024;
    public const int RecordF = 256;
    public const int RecordCsr = 512;
    public const int RecordWindow = 768;
    public const int WindowBytes = 256;

    /// <summary>The virtual addresses under test: root entry 4 is the middle table, 8 to 255 are 1 GiB entries.</summary>
    public const ulong TestVirtual = 4UL << 30;

    /// <summary>CSRs that the handler saves and loads.</summary>
    public static readonly int[] Csrs =
    [
        Csr.Mepc, Csr.Satp, Csr.Medeleg, Csr.Mideleg, Csr.Mie, Csr.Mip, Csr.Mcounteren, Csr.Scounteren, Csr.Stvec,
        Csr.Sscratch, Csr.Sepc, Csr.Scause, Csr.Stval, Csr.Pmpcfg0, Csr.Pmpaddr0, Csr.Pmpaddr0 + 1, Csr.Pmpaddr0 + 2,
        Csr.Mstatus, Csr.Mcause, Csr.Mtval,
    ];

    public static readonly string[] CsrNames =
    [
        "mepc", "satp", "medeleg", "mideleg", "mie", "mip", "mcounteren", "scounteren", "stvec", "sscratch", "sepc", "scause",
        "stval", "pmpcfg0", "pmpaddr0", "pmpaddr1", "pmpaddr2", "mstatus", "mcause", "mtval", "fcsr",
    ];

    /// <summary>fcsr stands behind the others: it can be accessed only once mstatus.FS is on.</summary>
    public static readonly int FcsrSlot = Csrs.Length;

    public static ulong CodeOf(int block) => Code + ((ulong)block * CodeStride);

    public static ulong Records(int blocks) => (CodeOf(blocks) + 0xFFFF) & ~0xFFFFUL;

    public static ulong RecordOf(int blocks, int block) => Records(blocks) + ((ulong)block * RecordBytes);

    public static ulong RamBytes(int blocks) => (RecordOf(blocks, blocks + 4) - Ram + 0xFFFFF) & ~0xFFFFFUL;

    /// <summary>The physical address of a root table.</summary>
    public static ulong Root(bool user, int levels) => Roots + ((ulong)((levels - 3) + (user ? 3 : 0)) * 0x1000);
}
