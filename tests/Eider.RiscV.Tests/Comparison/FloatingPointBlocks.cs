namespace Eider.RiscV.Tests.Comparison;

/// <summary>Arithmetic of F and D, with the flags of each instruction looked at.</summary>
internal static class FloatingPointBlocks
{
    public static void Fill(BlockBuilder builder)
    {
        GuestRandom random = builder.Random;
        if (random.Chance(2))
        {
            // frm 5 to 7 make every instruction with a dynamic mode illegal.
            builder.Block.Fcsr = (builder.Block.Fcsr & 0x1F) | ((5 + random.Bits(8) % 3) << 5);
        }

        int pointer = builder.Prepare(builder.Window + 64);
        int count = 16 + random.Next(40);
        for (int i = 0; i < count && !builder.IsFull; i++)
        {
            switch (random.Next(16))
            {
                case 0:
                    MemoryBlocks.EmitAccess(builder, pointer);
                    break;
                case 1:
                    IntegerBlocks.EmitPlain(builder);
                    break;
                case 2 when random.Chance(40):
                    EmitModeChange(builder);
                    break;
                default:
                    EmitWithFlags(builder);
                    break;
            }
        }

        if (random.Chance(3))
        {
            builder.Emit(random.Pick(InstructionForms.FloatingPoint), 5 + random.Next(2));
        }
    }

    /// <summary>mstatus.FS off, initial or clean: what traps then, and what makes it dirty.</summary>
    public static void FillWithStatus(BlockBuilder builder)
    {
        GuestRandom random = builder.Random;
        ulong state = random.Chance(40) ? 0 : 1 + (ulong)random.Next(2);
        builder.Block[Csr.Mstatus] = (builder.Block[Csr.Mstatus] & ~Csr.StatusFs) | (state << 13);
        int pointer = builder.Prepare(builder.Window + 64, 8, 15);
        switch (random.Next(5))
        {
            case 0:
                builder.Emit(0x07 | (3 << 12) | ((uint)pointer << 15), $"fld f0, (x{pointer})");
                break;
            case 1:
                builder.Emit(0x27 | (3 << 12) | ((uint)pointer << 15), $"fsd f0, (x{pointer})");
                break;
            case 2:
                builder.EmitCompressed(0x2000u | ((uint)(pointer - 8) << 7), $"c.fld f8, (x{pointer})");
                break;
            case 3:
                builder.Emit(Encoder.Csrrs(5, random.Pick([Csr.Fcsr, Csr.Frm, Csr.Fflags]), 0), "csrr x5, fcsr");
                break;
            default:
                // Where only flags may change, Eider says dirty and QEMU does not.
                InstructionForm[] forms = [.. InstructionForms.FloatingPoint.Where(form => state == 0 || form.Operands[0] == 'D')];
                builder.Emit(random.Pick(forms));
                break;
        }

        builder.Emit(Encoder.Csrrs(6, Csr.Mstatus, 0), "csrr x6, mstatus");
    }

    private static void EmitWithFlags(BlockBuilder builder)
    {
        builder.Emit(builder.Random.Pick(InstructionForms.FloatingPoint));
        if (builder.Random.Chance(60))
        {
            int rd = builder.Destination();
            builder.Emit(Encoder.I(0x5073, rd, 0, Csr.Fflags), $"csrrwi x{rd}, fflags, 0");
        }
    }

    private static void EmitModeChange(BlockBuilder builder)
    {
        int rd = builder.Destination();
        int mode = builder.Random.Next(5);
        builder.Emit(Encoder.I(0x5073, rd, mode, Csr.Frm), $"csrrwi x{rd}, frm, {mode}");
    }
}
