namespace Eider.RiscV.Tests.Comparison;

/// <summary>
/// CSR instructions in M-mode, with values that the specification lets every implementation keep. What a
/// machine may choose (counters, identification, WARL fields that differ) is not read.
/// </summary>
internal static class CsrBlocks
{
    private static readonly ulong[] VectorMasks = [Layout.Stub, Layout.Stub | 1, 0xFFFF_FFC0_0000_0000, 0x100, 0x8000_0101];

    /// <summary>The bits of mstatus that may be written freely; MPP is chosen among U, S and M.</summary>
    private const ulong StatusBits = Csr.StatusSie | Csr.StatusSpie | Csr.StatusMpie | Csr.StatusSpp | Csr.StatusFs
        | Csr.StatusSum | Csr.StatusMxr | Csr.StatusTvm | Csr.StatusTw | Csr.StatusTsr;

    private const ulong SupervisorStatusBits =
        Csr.StatusSie | Csr.StatusSpie | Csr.StatusSpp | Csr.StatusFs | Csr.StatusSum | Csr.StatusMxr;

    private static readonly (string Name, int Number, Func<GuestRandom, ulong> Value)[] Registers =
    [
        ("fflags", Csr.Fflags, random => random.Next()),
        ("frm", Csr.Frm, random => random.Next()),
        ("fcsr", Csr.Fcsr, random => random.Next()),
        ("sstatus", Csr.Sstatus, random => SupervisorStatus(random)),
        ("sie", Csr.Sie, random => random.Next() & Csr.SupervisorInterrupts),
        ("stvec", Csr.Stvec, random => random.Pick(VectorMasks)),
        ("scounteren", Csr.Scounteren, random => random.Bits(3)),
        ("sscratch", Csr.Sscratch, random => random.Next()),
        ("sepc", Csr.Sepc, random => random.Next() & ~1UL), // QEMU keeps bit 0 of both, which is always 0
        ("scause", Csr.Scause, random => (random.Next() & (1UL << 63)) | random.Bits(4)),
        ("stval", Csr.Stval, random => random.Next()),
        ("sip", Csr.Sip, random => random.Next() & 2),
        ("satp", Csr.Satp, TranslationRoot),
        ("mstatus", Csr.Mstatus, random => Csr.StatusXl | (random.Next() & StatusBits) | PreviousMode(random)),
        ("medeleg", Csr.Medeleg, random => random.Next() & Csr.DelegableExceptions),
        ("mideleg", Csr.Mideleg, random => random.Next() & Csr.SupervisorInterrupts),
        ("mie", Csr.Mie, random => random.Next() & 0xAAA),
        ("mip", Csr.Mip, random => random.Next() & Csr.SupervisorInterrupts),
        ("mcounteren", Csr.Mcounteren, random => random.Bits(3)),
        ("mepc", Csr.Mepc, random => random.Next() & ~1UL),
        ("mcause", Csr.Mcause, random => (random.Next() & (1UL << 63)) | random.Bits(4)),
        ("mtval", Csr.Mtval, random => random.Next()),
        ("pmpcfg0", Csr.Pmpcfg0, PmpConfiguration),
        ("pmpaddr0", Csr.Pmpaddr0, random => random.Next() >> 20 << 10),
        ("pmpaddr1", Csr.Pmpaddr0 + 1, random => random.Next() >> 20 << 10),
        ("pmpaddr2", Csr.Pmpaddr0 + 2, random => random.Next() >> 20 << 10),
    ];

    public static void Fill(BlockBuilder builder)
    {
        GuestRandom random = builder.Random;
        builder.Block[Csr.Pmpcfg0] = 0;
        builder.Block[Csr.Pmpaddr0 + 2] = 0;
        int count = 6 + random.Next(12);
        for (int i = 0; i < count && !builder.IsFull; i++)
        {
            if (random.Chance(8))
            {
                EmitSwap(builder);
            }
            else
            {
                EmitAccess(builder, i);
            }

            if (random.Chance(30))
            {
                IntegerBlocks.EmitPlain(builder);
            }
        }
    }

    /// <summary>The registers that the handler lives on: written, read, and given back before anything can trap.</summary>
    private static void EmitSwap(BlockBuilder builder)
    {
        GuestRandom random = builder.Random;
        (int csr, ulong value) = random.Chance(50) ? (Csr.Mscratch, random.Next()) : (Csr.Mtvec, random.Pick(VectorMasks));
        int written = builder.Prepare(value);
        int old = builder.Destination();
        if (old == 0)
        {
            return;
        }

        builder.Emit(Encoder.Csrrw(old, csr, written), $"csrrw x{old}, 0x{csr:x}, x{written}");
        builder.Lock(old);
        int read = builder.Destination();
        builder.Emit(Encoder.Csrrs(read, csr, 0), $"csrr x{read}, 0x{csr:x}");
        builder.Emit(Encoder.Csrrw(0, csr, old), $"csrw 0x{csr:x}, x{old}");
        builder.Unlock(old);
    }

    private static ulong SupervisorStatus(GuestRandom random) => (2UL << 32) | (random.Next() & SupervisorStatusBits);

    private static ulong PreviousMode(GuestRandom random) => random.Pick<ulong>([0, 1, 3]) << Csr.StatusMppShift;

    /// <summary>A defined mode with any ASID and page number, or a reserved mode, which makes the write do nothing.</summary>
    private static ulong TranslationRoot(GuestRandom random)
    {
        ulong mode = random.Pick<ulong>([0, 8, 9, 10, 8, 9, 1, 5, 11, 15]);
        return mode == 0 ? 0 : (mode << 60) | (random.Next() & 0x0FFF_FFFF_FFFF_FFFF);
    }

    /// <summary>
    /// Eight entries, none locked, none writable without being readable. The grain is a choice (QEMU 4 bytes, Eider
    /// a page): no NA4, and no NAPOT where the address is read, as its low bits tell the grain then.
    /// </summary>
    private static ulong PmpConfiguration(GuestRandom random)
    {
        ulong value = 0;
        for (int i = 0; i < 8; i++)
        {
            ulong permission = random.Pick<ulong>([0, 1, 3, 4, 5, 7]);
            ulong matching = i > 2 ? random.Pick<ulong>([0, 8, 0x18]) : random.Pick<ulong>([0, 8]);
            value |= (permission | matching) << (8 * i);
        }

        return value;
    }

    private static void EmitAccess(BlockBuilder builder, int number)
    {
        GuestRandom random = builder.Random;
        (string name, int csr, Func<GuestRandom, ulong> value) = random.Pick(Registers);
        int rd = builder.Destination();
        bool floatingPoint = csr is Csr.Fflags or Csr.Frm or Csr.Fcsr;
        if (floatingPoint && random.Chance(30))
        {
            int immediate = random.Next(32);
            uint funct3 = 5 + random.Bits(8) % 3;
            builder.Emit(Encoder.I(0x73 | (funct3 << 12), rd, immediate, csr), $"csrr?i({funct3}) x{rd}, {name}, {immediate}");
            return;
        }

        if (number > 8 || random.Chance(25))
        {
            builder.Emit(Encoder.Csrrs(rd, csr, 0), $"csrr x{rd}, {name}");
            return;
        }

        int rs1 = builder.Prepare(value(random));
        uint operation = csr is Csr.Satp or Csr.Stvec or Csr.Pmpcfg0 ? 1 : 1 + random.Bits(8) % 3;
        if (operation != 1 && csr is Csr.Mstatus or Csr.Sstatus)
        {
            // Setting or clearing must not touch MPP (a reserved value could arise) nor the fixed XL fields.
            builder.Block.X[rs1] &= ~(Csr.StatusXl | (3UL << Csr.StatusMppShift));
        }

        string[] names = ["?", "csrrw", "csrrs", "csrrc"];
        int result = random.Chance(10) && !builder.IsLocked(rd) ? rd : builder.Destination();
        builder.Emit(Encoder.I(0x73 | (operation << 12), result, rs1, csr), $"{names[operation]} x{result}, {name}, x{rs1}");
    }
}
