using Eider.RiscV.Memory;

namespace Eider.RiscV.Execution;

/// <summary>
/// Everything architectural of a hart, and what its interpreter looks at in every block, in one block of memory
/// that does not move. A snapshot copies it.
/// </summary>
internal unsafe struct HartState
{
    /// <summary>x0 to x31; one more swallows what is written to x0.</summary>
    public fixed ulong X[33];

    /// <summary>The program counter, valid while the interpreter is not inside a block.</summary>
    public ulong Pc;

    /// <summary>Not 0: leave the block chain and look for interrupts, stops and dropped code. Set from any thread.</summary>
    public int Attention;

    /// <summary>Current privilege mode.</summary>
    public PrivilegeMode Privilege;

    /// <summary>Cause of the trap that a slow path reported.</summary>
    public TrapCause TrapCause;

    /// <summary>What goes to stval or mtval with it.</summary>
    public ulong TrapValue;

    /// <summary>The data TLB of the mode that loads and stores are made in.</summary>
    public DataTlbEntry* DataTlb;

    /// <summary>The fetch TLB of the current mode.</summary>
    public FetchTlbEntry* FetchTlb;

    /// <summary>f0 to f31; a single is boxed in ones.</summary>
    public fixed ulong F[32];

    /// <summary>Instructions retired; exact whenever the interpreter calls out for a system instruction.</summary>
    public ulong Retired;

    public ulong Mstatus;
    public ulong Medeleg;
    public ulong Mideleg;
    public ulong Mie;

    /// <summary>Interrupt bits that software or a timer of the engine sets; the pins are apart.</summary>
    public ulong MipLatched;

    public ulong Mtvec;
    public ulong Mcounteren;
    public ulong Menvcfg;
    public ulong Mcountinhibit;
    public ulong Mscratch;
    public ulong Mepc;
    public ulong Mcause;
    public ulong Mtval;
    public ulong Stvec;
    public ulong Scounteren;
    public ulong Senvcfg;
    public ulong Sscratch;
    public ulong Sepc;
    public ulong Scause;
    public ulong Stval;
    public ulong Stimecmp;
    public ulong Satp;
    public uint Fflags;
    public uint Frm;

    /// <summary>mcycle minus <see cref="Retired"/>, or its value while it is inhibited.</summary>
    public ulong CycleBase;

    /// <summary>minstret minus <see cref="Retired"/>, or its value while it is inhibited.</summary>
    public ulong InstretBase;

    /// <summary>Physical address that the last lr reserved.</summary>
    public ulong ReservationAddress;

    /// <summary>What it read there.</summary>
    public ulong ReservationValue;

    /// <summary>True between an lr and the sc, trap or turn of another hart that ends it.</summary>
    public bool HasReservation;

    /// <summary>pmpcfg0 to pmpcfg15, one byte an entry.</summary>
    public fixed byte PmpConfig[16];

    /// <summary>pmpaddr0 to pmpaddr15.</summary>
    public fixed ulong PmpAddress[16];
}
