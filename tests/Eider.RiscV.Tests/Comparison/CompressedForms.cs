namespace Eider.RiscV.Tests.Comparison;

/// <summary>
/// The compressed instructions (unprivileged ISA, "C", "RVC Instruction Set Listings") but loads, stores and
/// jumps. Hints are among them; reserved encodings are not.
/// </summary>
internal static class CompressedForms
{
    private static readonly string[] AluNames = ["c.sub", "c.xor", "c.or", "c.and", "c.subw", "c.addw"];

    public const int Count = 13;

    /// <summary>Emits the form of that number, or nothing if no register is free for it.</summary>
    public static void Emit(BlockBuilder builder, int form)
    {
        GuestRandom random = builder.Random;
        uint imm = random.Bits(6);
        uint shamt = (imm >> 5 << 12) | ((imm & 31) << 2);
        int rd = builder.Destination();
        int small = builder.CompressedDestination();
        uint smallField = (uint)(small - 8) << 7;
        int signed = (int)(imm << 26) >> 26;
        switch (form)
        {
            case 0:
                builder.EmitCompressed(0x0001u | (uint)rd << 7 | shamt, $"c.addi x{rd}, {signed}");
                break;
            case 1 when rd != 0:
                builder.EmitCompressed(0x2001u | (uint)rd << 7 | shamt, $"c.addiw x{rd}, {signed}");
                break;
            case 2:
                builder.EmitCompressed(0x4001u | (uint)rd << 7 | shamt, $"c.li x{rd}, {signed}");
                break;
            case 3 when rd != 2 && imm != 0:
                builder.EmitCompressed(0x6001u | (uint)rd << 7 | shamt, $"c.lui x{rd}, {signed}");
                break;
            case 4 when !builder.IsLocked(2) && imm != 0:
                builder.MarkWritten(2);
                builder.EmitCompressed(0x6101u | shamt, $"c.addi16sp bits {imm:x}");
                break;
            case 5 when small >= 0:
                builder.EmitCompressed(0x8001u | smallField | shamt, $"c.srli x{small}, {imm}");
                break;
            case 6 when small >= 0:
                builder.EmitCompressed(0x8401u | smallField | shamt, $"c.srai x{small}, {imm}");
                break;
            case 7 when small >= 0:
                builder.EmitCompressed(0x8801u | smallField | shamt, $"c.andi x{small}, {signed}");
                break;
            case 8 when small >= 0:
                int alu = random.Next(6);
                uint rs2 = random.Bits(3);
                uint word = 0x8C01u | ((uint)(alu & 3) << 5) | (alu > 3 ? 0x1000u : 0) | smallField | (rs2 << 2);
                builder.EmitCompressed(word, $"{AluNames[alu]} x{small}, x{rs2 + 8}");
                break;
            case 9:
                builder.EmitCompressed(0x0002u | (uint)rd << 7 | shamt, $"c.slli x{rd}, {imm}");
                break;
            case 10:
                int source = 1 + random.Next(31);
                builder.EmitCompressed(0x8002u | (uint)rd << 7 | (uint)source << 2, $"c.mv x{rd}, x{source}");
                break;
            case 11:
                int addend = 1 + random.Next(31);
                builder.EmitCompressed(0x9002u | (uint)rd << 7 | (uint)addend << 2, $"c.add x{rd}, x{addend}");
                break;
            case 12 when small >= 0:
                uint wide = random.Bits(8) | (random.Chance(50) ? 1u : 128u);
                builder.EmitCompressed((wide << 5) | ((uint)(small - 8) << 2), $"c.addi4spn x{small}, bits {wide:x}");
                break;
            default:
                break;
        }
    }
}
