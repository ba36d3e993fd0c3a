namespace Eider.RiscV.Tests.Comparison;

/// <summary>Words that are no instruction, or may be one: major opcodes whose legal words touch registers only.</summary>
internal static class IllegalBlocks
{
    private static readonly uint[] RegisterOpcodes = [0x33, 0x3B, 0x13, 0x1B, 0x53, 0x43, 0x47, 0x4B, 0x4F];

    private static readonly uint[] UnusedOpcodes = [0x0B, 0x2B, 0x5B, 0x7B, 0x6B, 0x77, 0x57, 0x1F, 0x3F, 0x5F, 0x7F];

    private static readonly int[] UnknownCsrs =
        [0x004, 0x0C0, 0x180 + 1, 0x1FF, 0x2FF, 0x5C0, 0x7FF, 0x8FF, 0xABC, 0xC85, 0xCFF, 0xFFF, 0x3EF + 1, 0x015, 0x7C0, 0xBC0];

    private static readonly int[] ReadOnlyCsrs = [0xC00, 0xC01, 0xC02, 0xF11, 0xF12, 0xF13, 0xF14];

    public static void Fill(BlockBuilder builder)
    {
        GuestRandom random = builder.Random;
        int pointer = builder.Prepare(builder.Window + 64);
        int before = random.Next(8);
        for (int i = 0; i < before; i++)
        {
            IntegerBlocks.EmitPlain(builder);
        }

        EmitWord(builder, pointer);
    }

    private static void EmitWord(BlockBuilder builder, int pointer)
    {
        GuestRandom random = builder.Random;
        uint any = random.Bits(32);
        switch (random.Next(11))
        {
            case 0 or 1 or 2:
                builder.Emit((any & ~0x7Fu) | random.Pick(RegisterOpcodes), "(any word of an opcode that computes)");
                break;
            case 3:
                builder.Emit((any & ~0x7Fu) | random.Pick(UnusedOpcodes), "(opcode that is not used)");
                break;
            case 4:
                builder.Emit(WithFunct3(any, pointer, random), "(funct3 that is not used)");
                break;
            case 5:
                // A reservation has no effect beyond the block: any function of AMO.
                builder.Emit((any & 0xFE00_7F80) | ((uint)pointer << 15) | (random.Bits(5) << 20) | 0x2F, "(any function of AMO)");
                break;
            case 6:
                builder.Emit(SystemWord(any), "(SYSTEM with operands that are not zero)");
                break;
            case 7:
                int unknown = random.Pick(UnknownCsrs);
                builder.Emit(Encoder.Csrrs(5, unknown, 0), $"csrr x5, 0x{unknown:x} (unknown)");
                break;
            case 8:
                int readOnly = random.Pick(ReadOnlyCsrs);
                int bits = builder.Prepare(random.Next() | 1); // QEMU lets a write of no bit pass
                builder.Emit(Encoder.I(0x1073 + (random.Bits(1) << 12), 0, bits, readOnly), $"csrw or csrs 0x{readOnly:x} (read-only)");
                break;
            case 9:
                builder.EmitCompressed(CompressedReserved(random), "(compressed, reserved)");
                break;
            default:
                builder.Emit(random.Chance(50) ? Encoder.Ebreak : 0x0000_4073 | (any & 0xFFF0_8F80), "ebreak or SYSTEM funct3 4");
                break;
        }
    }

    /// <summary>The functions that LOAD, STORE, BRANCH, JALR, MISC-MEM and the loads and stores of F leave open.</summary>
    private static uint WithFunct3(uint any, int pointer, GuestRandom random)
    {
        (uint opcode, uint funct3) = random.Next(7) switch
        {
            0 => (0x03u, 7u),
            1 => (0x23u, 4 + random.Bits(2)),
            2 => (0x63u, 2 + random.Bits(1)),
            3 => (0x67u, 1 + random.Bits(8) % 7),
            4 => (0x0Fu, 3 + random.Bits(8) % 5),
            5 => (0x07u, random.Pick<uint>([0, 1, 4, 5, 6, 7])),
            _ => (0x27u, random.Pick<uint>([0, 1, 4, 5, 6, 7])),
        };
        return (any & 0xFFF0_0F80) | ((uint)pointer << 15) | (funct3 << 12) | opcode;
    }

    /// <summary>Privileged instructions want rd and rs1 zero; with other operands there is no instruction.</summary>
    private static uint SystemWord(uint any)
    {
        uint[] functions = [0x000, 0x001, 0x002, 0x102, 0x202, 0x302, 0x105, 0x7B2];
        return (functions[any & 7] << 20) | (any & 0xF8F80) | 0x8000 | 0x73;
    }

    private static uint CompressedReserved(GuestRandom random) => random.Next(9) switch
    {
        0 => 0x0000,
        1 => random.Bits(3) << 2, // c.addi4spn, immediate 0
        2 => 0x8000 | (random.Bits(11) << 2), // quadrant 0, funct3 100
        3 => 0x2001 | (random.Bits(5) << 2), // c.addiw, rd 0
        4 => 0x4002 | (random.Bits(5) << 2), // c.lwsp, rd 0
        5 => 0x6002 | (random.Bits(5) << 2), // c.ldsp, rd 0
        6 => 0x8002, // c.jr, rs1 0
        7 => 0x6001 | (random.Bits(5) << 7), // c.lui and c.addi16sp, immediate 0
        _ => 0x9C41 | (random.Bits(3) << 7) | (random.Bits(1) << 5) | (random.Bits(3) << 2), // 100 with 1, 11, 1x
    };
}
