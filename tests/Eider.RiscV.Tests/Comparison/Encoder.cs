namespace Eider.RiscV.Tests.Comparison;

/// <summary>The instruction formats (unprivileged ISA, "Base Instruction Formats") and what the trap handler is made of.</summary>
internal static class Encoder
{
    public const uint Ecall = 0x0000_0073;
    public const uint Ebreak = 0x0010_0073;
    public const uint Mret = 0x3020_0073;
    public const uint Sret = 0x1020_0073;
    public const uint Wfi = 0x1050_0073;
    public const uint FenceI = 0x0000_100F;
    public const uint SfenceVma = 0x1200_0073;

    public static uint I(uint match, int rd, int rs1, int imm) =>
        match | ((uint)rd << 7) | ((uint)rs1 << 15) | ((uint)imm << 20);

    public static uint R(uint match, int rd, int rs1, int rs2) =>
        match | ((uint)rd << 7) | ((uint)rs1 << 15) | ((uint)rs2 << 20);

    public static uint S(uint match, int rs1, int rs2, int imm) =>
        match | (((uint)imm & 0x1F) << 7) | ((uint)rs1 << 15) | ((uint)rs2 << 20) | (((uint)imm >> 5) << 25);

    public static uint B(uint match, int rs1, int rs2, int offset)
    {
        uint imm = (uint)offset;
        return match | ((uint)rs1 << 15) | ((uint)rs2 << 20)
            | (((imm >> 11) & 1) << 7) | (((imm >> 1) & 0xF) << 8) | (((imm >> 5) & 0x3F) << 25) | (((imm >> 12) & 1) << 31);
    }

    public static uint J(int rd, int offset)
    {
        uint imm = (uint)offset;
        return 0x6F | ((uint)rd << 7)
            | (imm & 0xFF000) | (((imm >> 11) & 1) << 20) | (((imm >> 1) & 0x3FF) << 21) | (((imm >> 20) & 1) << 31);
    }

    public static uint Lui(int rd, uint upper) => 0x37 | ((uint)rd << 7) | (upper & 0xFFFF_F000);

    public static uint Auipc(int rd) => 0x17 | ((uint)rd << 7);

    public static uint Addi(int rd, int rs1, int imm) => I(0x13, rd, rs1, imm);

    public static uint Ld(int rd, int rs1, int imm) => I(0x3003, rd, rs1, imm);

    public static uint Sd(int rs2, int rs1, int imm) => S(0x3023, rs1, rs2, imm);

    public static uint Sw(int rs2, int rs1, int imm) => S(0x2023, rs1, rs2, imm);

    public static uint Fld(int rd, int rs1, int imm) => I(0x3007, rd, rs1, imm);

    public static uint Fsd(int rs2, int rs1, int imm) => S(0x3027, rs1, rs2, imm);

    public static uint Csrrw(int rd, int csr, int rs1) => I(0x1073, rd, rs1, csr);

    public static uint Csrrs(int rd, int csr, int rs1) => I(0x2073, rd, rs1, csr);
}
