namespace Eider.RiscV.Tests.Support;

/// <summary>
/// Emits instruction words (Unprivileged ISA, "RV32/64G Instruction Set Listings"). Labels are resolved when the
/// program is taken. Registers are plain numbers.
/// </summary>
public sealed class Assembler(ulong origin)
{
    private readonly List<byte> _bytes = [];
    private readonly Dictionary<string, ulong> _labels = [];
    private readonly List<(int At, string Label, char Kind)> _fixups = [];

    public ulong Here => origin + (ulong)_bytes.Count;

    public ulong AddressOf(string label) => _labels[label];

    public Assembler Label(string name)
    {
        _labels.Add(name, Here);
        return this;
    }

    public Assembler Align(int bytes)
    {
        while (_bytes.Count % bytes != 0)
        {
            _bytes.Add(0);
        }

        return this;
    }

    public Assembler Word(uint word) => Half((ushort)word).Half((ushort)(word >> 16));

    public Assembler Half(ushort half)
    {
        _bytes.Add((byte)half);
        _bytes.Add((byte)(half >> 8));
        return this;
    }

    public Assembler Quad(ulong value) => Word((uint)value).Word((uint)(value >> 32));

    public byte[] ToArray()
    {
        foreach (var (at, label, kind) in _fixups)
        {
            var offset = (int)(_labels[label] - (origin + (ulong)at));
            var word = BitConverter.ToUInt32([.. _bytes.Skip(at).Take(4)]);
            word |= kind == 'b' ? BranchBits(offset) : JumpBits(offset);
            for (var i = 0; i < 4; i++)
            {
                _bytes[at + i] = (byte)(word >> (8 * i));
            }
        }

        _fixups.Clear();
        return [.. _bytes];
    }

    // Formats.
    public Assembler R(uint opcode, uint funct3, uint funct7, int rd, int rs1, int rs2) =>
        Word((funct7 << 25) | ((uint)rs2 << 20) | ((uint)rs1 << 15) | (funct3 << 12) | ((uint)rd << 7) | opcode);

    public Assembler I(uint opcode, uint funct3, int rd, int rs1, int imm) =>
        Word(((uint)imm << 20) | ((uint)rs1 << 15) | (funct3 << 12) | ((uint)rd << 7) | opcode);

    public Assembler S(uint opcode, uint funct3, int rs1, int rs2, int imm) =>
        Word((((uint)imm >> 5) << 25) | ((uint)rs2 << 20) | ((uint)rs1 << 15) | (funct3 << 12) | (((uint)imm & 31) << 7) | opcode);

    public Assembler Branch(uint funct3, int rs1, int rs2, string label)
    {
        _fixups.Add((_bytes.Count, label, 'b'));
        return Word(((uint)rs2 << 20) | ((uint)rs1 << 15) | (funct3 << 12) | 0x63);
    }

    // RV64I by name.
    public Assembler Lui(int rd, uint upper) => Word((upper << 12) | ((uint)rd << 7) | 0x37);

    public Assembler Auipc(int rd, uint upper) => Word((upper << 12) | ((uint)rd << 7) | 0x17);

    public Assembler Addi(int rd, int rs1, int imm) => I(0x13, 0, rd, rs1, imm);

    public Assembler Add(int rd, int rs1, int rs2) => R(0x33, 0, 0, rd, rs1, rs2);

    public Assembler Sub(int rd, int rs1, int rs2) => R(0x33, 0, 0x20, rd, rs1, rs2);

    public Assembler Slli(int rd, int rs1, int shift) => I(0x13, 1, rd, rs1, shift);

    public Assembler Load(uint funct3, int rd, int rs1, int imm) => I(0x03, funct3, rd, rs1, imm);

    public Assembler Ld(int rd, int rs1, int imm) => Load(3, rd, rs1, imm);

    public Assembler Lw(int rd, int rs1, int imm) => Load(2, rd, rs1, imm);

    public Assembler Store(uint funct3, int rs2, int rs1, int imm) => S(0x23, funct3, rs1, rs2, imm);

    public Assembler Sd(int rs2, int rs1, int imm) => Store(3, rs2, rs1, imm);

    public Assembler Sw(int rs2, int rs1, int imm) => Store(2, rs2, rs1, imm);

    public Assembler Beq(int rs1, int rs2, string label) => Branch(0, rs1, rs2, label);

    public Assembler Bne(int rs1, int rs2, string label) => Branch(1, rs1, rs2, label);

    public Assembler Jal(int rd, string label)
    {
        _fixups.Add((_bytes.Count, label, 'j'));
        return Word(((uint)rd << 7) | 0x6F);
    }

    public Assembler J(string label) => Jal(0, label);

    public Assembler Jalr(int rd, int rs1, int imm) => I(0x67, 0, rd, rs1, imm);

    public Assembler Nop() => Addi(0, 0, 0);

    // Loads any 64-bit constant from a literal that stands in the code: auipc, ld, jump over it.
    public Assembler Li(int rd, ulong value)
    {
        if ((long)value is >= -2048 and < 2048)
        {
            return Addi(rd, 0, (int)(long)value);
        }

        return Auipc(rd, 0).Ld(rd, rd, 12).I(0x6F, 0, 0, 0, 0).PatchJumpOver().Quad(value);
    }

    // System.
    public Assembler Csrrw(int rd, uint csr, int rs1) => I(0x73, 1, rd, rs1, (int)csr);

    public Assembler Csrrs(int rd, uint csr, int rs1) => I(0x73, 2, rd, rs1, (int)csr);

    public Assembler Csrrc(int rd, uint csr, int rs1) => I(0x73, 3, rd, rs1, (int)csr);

    public Assembler Csrrwi(int rd, uint csr, int imm) => I(0x73, 5, rd, imm, (int)csr);

    public Assembler Csrrsi(int rd, uint csr, int imm) => I(0x73, 6, rd, imm, (int)csr);

    public Assembler Csrrci(int rd, uint csr, int imm) => I(0x73, 7, rd, imm, (int)csr);

    public Assembler Csrr(int rd, uint csr) => Csrrs(rd, csr, 0);

    public Assembler Csrw(uint csr, int rs1) => Csrrw(0, csr, rs1);

    public Assembler Ecall() => Word(0x00000073);

    public Assembler Ebreak() => Word(0x00100073);

    public Assembler Sret() => Word(0x10200073);

    public Assembler Mret() => Word(0x30200073);

    public Assembler Wfi() => Word(0x10500073);

    public Assembler FenceI() => Word(0x0000100F);

    public Assembler SfenceVma(int rs1, int rs2) => R(0x73, 0, 9, 0, rs1, rs2);

    public Assembler Amo(uint funct5, uint width, int rd, int rs1, int rs2) => R(0x2F, width, funct5 << 2, rd, rs1, rs2);

    private Assembler PatchJumpOver()
    {
        // The placeholder becomes a jump over the eight bytes of the literal behind it.
        _bytes.RemoveRange(_bytes.Count - 4, 4);
        return Word(JumpBits(12) | 0x6F);
    }

    private static uint BranchBits(int offset)
    {
        var imm = (uint)offset;
        return (((imm >> 12) & 1) << 31) | (((imm >> 5) & 0x3F) << 25) | (((imm >> 1) & 0xF) << 8) | (((imm >> 11) & 1) << 7);
    }

    private static uint JumpBits(int offset)
    {
        var imm = (uint)offset;
        return (((imm >> 20) & 1) << 31) | (((imm >> 1) & 0x3FF) << 21) | (((imm >> 11) & 1) << 20) | (((imm >> 12) & 0xFF) << 12);
    }
}
