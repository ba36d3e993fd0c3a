namespace Eider.RiscV.Tests.Comparison;

/// <summary>S- and U-mode without translation: what they may not do, returns, delegation, interrupts.</summary>
internal static class PrivilegeBlocks
{
    /// <summary>Never ecall from S: the stub that takes delegated traps leaves by it. Nor breakpoints: QEMU's stval is 0.</summary>
    private const ulong Delegable = Csr.DelegableExceptions & ~(1UL << 9) & ~(1UL << 3);

    private static readonly ulong[] TrapBits =
        [0, Csr.StatusTvm, Csr.StatusTw, Csr.StatusTsr, Csr.StatusTvm | Csr.StatusTw | Csr.StatusTsr];

    private static readonly int[] PrivilegedCsrs =
    [
        0x100, 0x104, 0x105, 0x106, 0x140, 0x141, 0x142, 0x143, 0x144, 0x180, 0x300, 0x301, 0x302, 0x303, 0x304, 0x305, 0x306,
        0x340, 0x341, 0x342, 0x343, 0x344, 0x3A0, 0x3B0, 0xB00, 0xB02, 0xF11, 0xF14, 0x30A, 0x10A,
    ];

    public static void Fill(BlockBuilder builder)
    {
        GuestRandom random = builder.Random;
        ulong mode = (ulong)random.Next(2);
        builder.SetMode(mode, random.Pick(TrapBits));
        builder.Block[Csr.Medeleg] = random.Chance(50) ? random.Next() & Delegable : 0;
        builder.Block[Csr.Stvec] = Layout.Stub | random.Bits(1);
        builder.Block[Csr.Mcounteren] = random.Bits(3);
        builder.Block[Csr.Scounteren] = random.Bits(3);
        int pointer = builder.Prepare(builder.Window + 64);
        int before = random.Next(10);
        for (int i = 0; i < before; i++)
        {
            IntegerBlocks.EmitAny(builder);
        }

        EmitPrivileged(builder, pointer);
    }

    public static void FillInterrupt(BlockBuilder builder)
    {
        GuestRandom random = builder.Random;
        ulong mode = random.Pick<ulong>([0, 1, 1, 3]);
        ulong status = random.Next() & (Csr.StatusSie | Csr.StatusSpie | Csr.StatusMpie | Csr.StatusSpp);
        builder.SetMode(mode, status);

        // One at a time: of several, QEMU takes the lowest number, the specification has another order.
        builder.Block[Csr.Mip] = random.Pick<ulong>([0, 2, 32, 512]);
        builder.Block[Csr.Mie] = random.Next() & Csr.SupervisorInterrupts;
        builder.Block[Csr.Mideleg] = random.Next() & Csr.SupervisorInterrupts;
        builder.Block[Csr.Stvec] = Layout.Stub | random.Bits(1);
        if (mode == 3 && random.Chance(50))
        {
            // Nothing is taken with MIE off, but what is pending and enabled wakes wfi.
            builder.SetMode(mode, status & ~Csr.StatusMpie);
            builder.Block[Csr.Mie] |= 2;
            builder.Block[Csr.Mip] = 2;
            builder.Emit(Encoder.Wfi, "wfi");
        }

        for (int i = 0; i < 4; i++)
        {
            IntegerBlocks.EmitPlain(builder);
        }

        if (mode == 1)
        {
            // Enables, or raises, what was not there when the block began.
            int bits = builder.Prepare(2);
            int[] registers = builder.Block[Csr.Mip] > 2 ? [Csr.Sstatus, Csr.Sie] : [Csr.Sstatus, Csr.Sie, Csr.Sip];
            builder.Emit(Encoder.Csrrs(0, random.Pick(registers), bits), "csrs sstatus, sie or sip, 2");
            IntegerBlocks.EmitPlain(builder);
            IntegerBlocks.EmitPlain(builder);
        }
    }

    private static void EmitPrivileged(BlockBuilder builder, int pointer)
    {
        GuestRandom random = builder.Random;
        switch (random.Next(8))
        {
            case 0 or 1:
                int csr = random.Pick(PrivilegedCsrs);
                int rd = csr is 0xB00 or 0xB02 or 0x301 or 0xF11 or 0x30A or 0x10A ? 0 : builder.Destination();
                builder.Emit(Encoder.Csrrs(rd, csr, 0), $"csrr x{rd}, 0x{csr:x}");
                break;
            case 2:
                // The value is not compared; whether it may be read is.
                builder.Emit(Encoder.Csrrs(0, 0xC00 + (random.Next(3)), 0), "csrr x0, cycle, time or instret");
                break;
            case 3:
                builder.Emit(random.Pick([Encoder.Mret, Encoder.Ebreak]), "mret or ebreak");
                break;
            case 4:
                EmitSupervisorReturn(builder);
                break;
            case 5:
                builder.Emit(Encoder.SfenceVma, "sfence.vma");
                int rs1 = builder.Source();
                int rs2 = builder.Source();
                builder.Emit(Encoder.R(Encoder.SfenceVma, 0, rs1, rs2), $"sfence.vma x{rs1}, x{rs2}");
                break;
            case 6:
                EmitWait(builder);
                break;
            default:
                MemoryBlocks.EmitAccess(builder, pointer);
                builder.Emit(Encoder.Csrrw(0, Csr.Satp, 0), "csrw satp, x0");
                break;
        }
    }

    /// <summary>sret to the next instruction, into the mode that SPP says.</summary>
    private static void EmitSupervisorReturn(BlockBuilder builder)
    {
        int target = builder.Prepare(0);
        builder.Block.X[target] = builder.Pc + 8;
        builder.Block[Csr.Sepc] = builder.Pc + 8;
        builder.Block[Csr.Mstatus] |= builder.Random.Next() & (Csr.StatusSpp | Csr.StatusSpie | Csr.StatusSie);
        builder.Emit(Encoder.Csrrw(0, Csr.Sepc, target), $"csrw sepc, x{target}");
        builder.Emit(Encoder.Sret, "sret");
        builder.Emit(Encoder.Csrrs(5, Csr.Sstatus, 0), "csrr x5, sstatus");
    }

    /// <summary>wfi with an interrupt pending that S has delegated to itself and disabled.</summary>
    private static void EmitWait(BlockBuilder builder)
    {
        ulong mode = (builder.Block[Csr.Mstatus] >> Csr.StatusMppShift) & 3;
        if (mode == 1)
        {
            builder.Block[Csr.Mideleg] = 2;
            builder.Block[Csr.Mip] = 2;
            builder.Block[Csr.Mie] = 2;
        }

        builder.Emit(Encoder.Wfi, "wfi");
    }
}
