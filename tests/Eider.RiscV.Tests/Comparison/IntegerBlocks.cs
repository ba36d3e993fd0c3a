namespace Eider.RiscV.Tests.Comparison;

/// <summary>Computation and jumps in registers only.</summary>
internal static class IntegerBlocks
{
    private static readonly string[] BranchNames = ["beq", "bne", "?", "?", "blt", "bge", "bltu", "bgeu"];

    public static void Fill(BlockBuilder builder)
    {
        int count = 16 + builder.Random.Next(40);
        for (int i = 0; i < count && !builder.IsFull; i++)
        {
            EmitAny(builder);
        }
    }

    public static void EmitAny(BlockBuilder builder)
    {
        switch (builder.Random.Next(32))
        {
            case 0:
                EmitBranch(builder);
                break;
            case 1:
                EmitJump(builder);
                break;
            case 2 when builder.Random.Chance(30):
                EmitLoop(builder);
                break;
            default:
                EmitPlain(builder);
                break;
        }
    }

    public static void EmitPlain(BlockBuilder builder)
    {
        if (builder.Random.Chance(1))
        {
            int rs1 = builder.Destination();
            int bit = builder.Random.Next(32);
            builder.Emit(Encoder.I(0x2800_1013, rs1, rs1, bit), $"bseti x{rs1}, x{rs1}, {bit}");
            int rd = rs1 == 0 ? 0 : builder.Destination();
            builder.Emit(Encoder.I(InstructionForms.Ctzw, rd, rs1, 0), $"ctzw x{rd}, x{rs1}");
            return;
        }

        if (builder.Random.Chance(25))
        {
            CompressedForms.Emit(builder, builder.Random.Next(CompressedForms.Count));
        }
        else
        {
            builder.Emit(builder.Random.Pick(InstructionForms.Integer));
        }
    }

    /// <summary>A branch over the next instruction, of every kind.</summary>
    private static void EmitBranch(BlockBuilder builder)
    {
        GuestRandom random = builder.Random;
        int rs1 = builder.Source();
        int rs2 = random.Chance(20) ? rs1 : builder.Source();
        int at = builder.Block.Code.Count;
        uint funct3 = random.Pick<uint>([0, 1, 4, 5, 6, 7]);
        int small = 8 + random.Next(8);
        bool compressed = random.Chance(30);
        builder.Emit(builder.Random.Pick(InstructionForms.Integer));
        int skipped = builder.Block.CodeBytes - BytesBefore(builder.Block, at);
        GuestInstruction over = builder.Block.Code[at];
        builder.Block.Code.RemoveAt(at);
        if (compressed)
        {
            uint offset = (uint)skipped + 2;
            uint bits = ((offset >> 3) & 3) << 10 | ((offset >> 1) & 3) << 3 | (uint)(small - 8) << 7;
            bool zero = random.Chance(50);
            builder.EmitCompressed((zero ? 0xC001u : 0xE001u) | bits, $"c.b{(zero ? "eqz" : "nez")} x{small}, .+{offset}");
        }
        else
        {
            builder.Emit(Encoder.B(0x63 | (funct3 << 12), rs1, rs2, skipped + 4), $"{BranchNames[funct3]} x{rs1}, x{rs2}, .+{skipped + 4}");
        }

        builder.Block.Code.Add(over);
    }

    /// <summary>jal, jalr or their compressed forms, over one instruction.</summary>
    private static void EmitJump(BlockBuilder builder)
    {
        GuestRandom random = builder.Random;
        int rd = builder.Destination();
        switch (random.Next(4))
        {
            case 0:
                builder.Emit(Encoder.J(rd, 8), $"jal x{rd}, .+8");
                builder.Emit(InstructionForms.Integer[0]);
                break;
            case 1:
                builder.EmitCompressed(0xA001 | (6 >> 1 << 3), "c.j .+6");
                builder.Emit(InstructionForms.Integer[0]);
                break;
            default:
                EmitIndirectJump(builder, rd);
                break;
        }
    }

    private static void EmitIndirectJump(BlockBuilder builder, int rd)
    {
        int target = builder.Destination();
        if (target == 0)
        {
            return;
        }

        // The lowest bit of the target is dropped; rd may be the base.
        bool same = builder.Random.Chance(30) && !builder.IsLocked(target);
        int link = same ? target : rd;
        builder.Emit(Encoder.Auipc(target), $"auipc x{target}, 0");
        switch (builder.Random.Next(3))
        {
            case 0:
                builder.Emit(Encoder.Addi(target, target, 11), $"addi x{target}, x{target}, 11");
                builder.Emit(Encoder.I(0x67, link, target, 4), $"jalr x{link}, 4(x{target})");
                builder.EmitCompressed(0x0001, "c.nop");
                break;
            case 1 when !builder.IsLocked(1):
                builder.MarkWritten(1);
                builder.Emit(Encoder.Addi(target, target, 12), $"addi x{target}, x{target}, 12");
                builder.EmitCompressed(0x9002u | (uint)target << 7, $"c.jalr x{target}");
                builder.EmitCompressed(0x0001, "c.nop");
                break;
            default:
                builder.Emit(Encoder.Addi(target, target, 12), $"addi x{target}, x{target}, 12");
                builder.EmitCompressed(0x8002u | (uint)target << 7, $"c.jr x{target}");
                builder.EmitCompressed(0x0001, "c.nop");
                break;
        }
    }

    /// <summary>A short loop that runs 2 to 17 times.</summary>
    private static void EmitLoop(BlockBuilder builder)
    {
        int counter = builder.Destination();
        if (counter == 0)
        {
            return;
        }

        int rounds = 2 + builder.Random.Next(16);
        builder.Emit(Encoder.Addi(counter, 0, rounds), $"addi x{counter}, x0, {rounds}");
        builder.Lock(counter);
        int start = builder.Block.CodeBytes;
        for (int i = 0; i < 3; i++)
        {
            EmitPlain(builder);
        }

        builder.Emit(Encoder.Addi(counter, counter, -1), $"addi x{counter}, x{counter}, -1");
        int back = start - builder.Block.CodeBytes;
        builder.Emit(Encoder.B(0x1063, counter, 0, back), $"bne x{counter}, x0, .{back}");
        builder.Unlock(counter);
    }

    private static int BytesBefore(Block block, int index) => block.Code.Take(index).Sum(instruction => instruction.LengthBytes);
}
