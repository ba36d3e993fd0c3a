namespace Eider.RiscV.Decoding;

/// <summary>
/// Expands a 16-bit instruction into the 32-bit instruction that it stands for (Unprivileged ISA, "C" extension,
/// "RVC Instruction Set Listings").
/// </summary>
internal static class CompressedExpander
{
    /// <summary>What <see cref="Expand"/> answers for reserved encodings; as a 32-bit instruction it is illegal too.</summary>
    public const uint Illegal = 0;

    private const uint Zero = 0;
    private const uint Ra = 1;
    private const uint Sp = 2;

    /// <summary>The 32-bit form, or <see cref="Illegal"/>.</summary>
    public static uint Expand(uint c) => (c & 3) switch
    {
        0 => Quadrant0(c),
        1 => Quadrant1(c),
        2 => Quadrant2(c),
        _ => Illegal,
    };

    private static uint Quadrant0(uint c)
    {
        var rdShort = 8 + Bits(c, 2, 3);
        var rs1Short = 8 + Bits(c, 7, 3);
        var wordOffset = (Bits(c, 10, 3) << 3) | (Bits(c, 6, 1) << 2) | (Bits(c, 5, 1) << 6);
        var doubleOffset = (Bits(c, 10, 3) << 3) | (Bits(c, 5, 2) << 6);
        var spOffset = (Bits(c, 11, 2) << 4) | (Bits(c, 7, 4) << 6) | (Bits(c, 6, 1) << 2) | (Bits(c, 5, 1) << 3);
        return Bits(c, 13, 3) switch
        {
            0 => spOffset == 0 ? Illegal : IType(0x13, 0, rdShort, Sp, spOffset), // c.addi4spn
            1 => IType(0x07, 3, rdShort, rs1Short, doubleOffset), // c.fld
            2 => IType(0x03, 2, rdShort, rs1Short, wordOffset), // c.lw
            3 => IType(0x03, 3, rdShort, rs1Short, doubleOffset), // c.ld
            5 => SType(0x27, 3, rs1Short, rdShort, doubleOffset), // c.fsd
            6 => SType(0x23, 2, rs1Short, rdShort, wordOffset), // c.sw
            7 => SType(0x23, 3, rs1Short, rdShort, doubleOffset), // c.sd
            _ => Illegal,
        };
    }

    private static uint Quadrant1(uint c)
    {
        var rd = Bits(c, 7, 5);
        var imm = SignExtend((Bits(c, 12, 1) << 5) | Bits(c, 2, 5), 6);
        return Bits(c, 13, 3) switch
        {
            0 => IType(0x13, 0, rd, rd, imm), // c.addi, c.nop
            1 => rd == 0 ? Illegal : IType(0x1B, 0, rd, rd, imm), // c.addiw
            2 => IType(0x13, 0, rd, Zero, imm), // c.li
            3 => LuiOrAddi16Sp(c, rd, imm),
            4 => Arithmetic(c, imm),
            5 => JType(Zero, JumpOffset(c)), // c.j
            6 => BType(0, 8 + Bits(c, 7, 3), BranchOffset(c)), // c.beqz
            _ => BType(1, 8 + Bits(c, 7, 3), BranchOffset(c)), // c.bnez
        };
    }

    private static uint LuiOrAddi16Sp(uint c, uint rd, uint imm)
    {
        if (rd != Sp)
        {
            return imm == 0 ? Illegal : (imm << 12) | (rd << 7) | 0x37;
        }

        var offset = SignExtend(
            (Bits(c, 12, 1) << 9) | (Bits(c, 6, 1) << 4) | (Bits(c, 5, 1) << 6) | (Bits(c, 3, 2) << 7) | (Bits(c, 2, 1) << 5), 10);
        return offset == 0 ? Illegal : IType(0x13, 0, Sp, Sp, offset);
    }

    private static uint Arithmetic(uint c, uint imm)
    {
        var rd = 8 + Bits(c, 7, 3);
        var rs2 = 8 + Bits(c, 2, 3);
        var shift = imm & 0x3F;
        return Bits(c, 10, 2) switch
        {
            0 => IType(0x13, 5, rd, rd, shift), // c.srli
            1 => IType(0x13, 5, rd, rd, shift | 0x400), // c.srai
            2 => IType(0x13, 7, rd, rd, imm), // c.andi
            _ => ((Bits(c, 12, 1) << 2) | Bits(c, 5, 2)) switch
            {
                0 => RType(0x33, 0, 0x20, rd, rd, rs2), // c.sub
                1 => RType(0x33, 4, 0, rd, rd, rs2), // c.xor
                2 => RType(0x33, 6, 0, rd, rd, rs2), // c.or
                3 => RType(0x33, 7, 0, rd, rd, rs2), // c.and
                4 => RType(0x3B, 0, 0x20, rd, rd, rs2), // c.subw
                5 => RType(0x3B, 0, 0, rd, rd, rs2), // c.addw
                _ => Illegal,
            },
        };
    }

    private static uint Quadrant2(uint c)
    {
        var rd = Bits(c, 7, 5);
        var rs2 = Bits(c, 2, 5);
        var shift = (Bits(c, 12, 1) << 5) | rs2;
        var wordLoad = (Bits(c, 12, 1) << 5) | (Bits(c, 4, 3) << 2) | (Bits(c, 2, 2) << 6);
        var doubleLoad = (Bits(c, 12, 1) << 5) | (Bits(c, 5, 2) << 3) | (Bits(c, 2, 3) << 6);
        var wordStore = (Bits(c, 9, 4) << 2) | (Bits(c, 7, 2) << 6);
        var doubleStore = (Bits(c, 10, 3) << 3) | (Bits(c, 7, 3) << 6);
        return Bits(c, 13, 3) switch
        {
            0 => IType(0x13, 1, rd, rd, shift), // c.slli
            1 => IType(0x07, 3, rd, Sp, doubleLoad), // c.fldsp
            2 => rd == 0 ? Illegal : IType(0x03, 2, rd, Sp, wordLoad), // c.lwsp
            3 => rd == 0 ? Illegal : IType(0x03, 3, rd, Sp, doubleLoad), // c.ldsp
            4 => JumpMoveOrAdd(c, rd, rs2),
            5 => SType(0x27, 3, Sp, rs2, doubleStore), // c.fsdsp
            6 => SType(0x23, 2, Sp, rs2, wordStore), // c.swsp
            _ => SType(0x23, 3, Sp, rs2, doubleStore), // c.sdsp
        };
    }

    private static uint JumpMoveOrAdd(uint c, uint rd, uint rs2) => (Bits(c, 12, 1), rd, rs2) switch
    {
        (0, 0, 0) => Illegal,
        (0, _, 0) => IType(0x67, 0, Zero, rd, 0), // c.jr
        (0, _, _) => RType(0x33, 0, 0, rd, Zero, rs2), // c.mv
        (_, 0, 0) => 0x00100073, // c.ebreak
        (_, _, 0) => IType(0x67, 0, Ra, rd, 0), // c.jalr
        _ => RType(0x33, 0, 0, rd, rd, rs2), // c.add
    };

    private static uint JumpOffset(uint c) => SignExtend(
        (Bits(c, 12, 1) << 11) | (Bits(c, 11, 1) << 4) | (Bits(c, 9, 2) << 8) | (Bits(c, 8, 1) << 10)
        | (Bits(c, 7, 1) << 6) | (Bits(c, 6, 1) << 7) | (Bits(c, 3, 3) << 1) | (Bits(c, 2, 1) << 5), 12);

    private static uint BranchOffset(uint c) => SignExtend(
        (Bits(c, 12, 1) << 8) | (Bits(c, 10, 2) << 3) | (Bits(c, 5, 2) << 6) | (Bits(c, 3, 2) << 1) | (Bits(c, 2, 1) << 5), 9);

    private static uint Bits(uint value, int low, int count) => (value >> low) & ((1u << count) - 1);

    private static uint SignExtend(uint value, int bits) => (uint)((int)(value << (32 - bits)) >> (32 - bits));

    private static uint IType(uint opcode, uint funct3, uint rd, uint rs1, uint imm) =>
        (imm << 20) | (rs1 << 15) | (funct3 << 12) | (rd << 7) | opcode;

    private static uint SType(uint opcode, uint funct3, uint rs1, uint rs2, uint imm) =>
        (Bits(imm, 5, 7) << 25) | (rs2 << 20) | (rs1 << 15) | (funct3 << 12) | (Bits(imm, 0, 5) << 7) | opcode;

    private static uint RType(uint opcode, uint funct3, uint funct7, uint rd, uint rs1, uint rs2) =>
        (funct7 << 25) | (rs2 << 20) | (rs1 << 15) | (funct3 << 12) | (rd << 7) | opcode;

    private static uint BType(uint funct3, uint rs1, uint imm) =>
        (Bits(imm, 12, 1) << 31) | (Bits(imm, 5, 6) << 25) | (rs1 << 15) | (funct3 << 12)
        | (Bits(imm, 1, 4) << 8) | (Bits(imm, 11, 1) << 7) | 0x63;

    private static uint JType(uint rd, uint imm) =>
        (Bits(imm, 20, 1) << 31) | (Bits(imm, 1, 10) << 21) | (Bits(imm, 11, 1) << 20) | (Bits(imm, 12, 8) << 12) | (rd << 7) | 0x6F;
}
