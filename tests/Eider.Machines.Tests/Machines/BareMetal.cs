using System.Buffers.Binary;
using Eider.Machines.Tests.Kernels;

namespace Eider.Machines.Tests.Machines;

/// <summary>Small bare-metal programs, instruction by instruction (Unprivileged ISA, "RV32/64G Instruction Set Listings").</summary>
internal sealed class BareMetal
{
    public const int Zero = 0;
    public const int T0 = 5;
    public const int T1 = 6;
    public const int T2 = 7;
    public const int A0 = 10;
    public const int A1 = 11;

    private const ulong Start = 0x8000_0000;

    private readonly List<uint> _code = [];

    public int Here => _code.Count * 4;

    public BareMetal Lui(int rd, uint upper20) => Emit((upper20 << 12) | Rd(rd) | 0x37);

    public BareMetal Addi(int rd, int rs, int immediate) => Emit(Immediate(immediate) | Rs1(rs) | Rd(rd) | 0x13);

    public BareMetal Andi(int rd, int rs, int immediate) => Emit(Immediate(immediate) | Rs1(rs) | (7 << 12) | Rd(rd) | 0x13);

    public BareMetal Lbu(int rd, int rs, int offset) => Emit(Immediate(offset) | Rs1(rs) | (4 << 12) | Rd(rd) | 0x03);

    public BareMetal Lwu(int rd, int rs, int offset) => Emit(Immediate(offset) | Rs1(rs) | (6 << 12) | Rd(rd) | 0x03);

    public BareMetal Sb(int value, int rs, int offset) => Store(value, rs, offset, 0);

    public BareMetal Sw(int value, int rs, int offset) => Store(value, rs, offset, 2);

    public BareMetal Ld(int rd, int rs, int offset) => Emit(Immediate(offset) | Rs1(rs) | (3 << 12) | Rd(rd) | 0x03);

    public BareMetal Sd(int value, int rs, int offset) => Store(value, rs, offset, 3);

    /// <summary>Branches to <paramref name="target"/>, an offset from the start, if the register is zero.</summary>
    public BareMetal BranchIfZero(int rs, int target)
    {
        var distance = unchecked((uint)(target - Here));
        return Emit(
            ((distance >> 12 & 1) << 31) | ((distance >> 5 & 0x3F) << 25) | Rs1(rs)
            | ((distance >> 1 & 0xF) << 8) | ((distance >> 11 & 1) << 7) | 0x63);
    }

    /// <summary>csrr rd, mhartid.</summary>
    public BareMetal ReadHartId(int rd) => Emit((0xF14U << 20) | (2 << 12) | Rd(rd) | 0x73);

    /// <summary>csrs mie, rs.</summary>
    public BareMetal EnableInterrupts(int rs) => Emit((0x304U << 20) | Rs1(rs) | (2 << 12) | 0x73);

    public BareMetal Wfi() => Emit(0x1050_0073);

    public BareMetal Jump(int target)
    {
        var distance = unchecked((uint)(target - Here));
        return Emit(
            ((distance >> 20 & 1) << 31) | ((distance >> 1 & 0x3FF) << 21) | ((distance >> 11 & 1) << 20) | (distance & 0xF_F000) | 0x6F);
    }

    /// <summary>Writes characters to the serial port at 0x10000000; uses t0 and a0.</summary>
    public BareMetal Print(string text)
    {
        Lui(T0, 0x10000);
        foreach (var character in text)
        {
            Addi(A0, Zero, character).Sb(A0, T0, 0);
        }

        return this;
    }

    /// <summary>Writes a command to the power device at 0x100000 and stays there; uses t1 and t2.</summary>
    public BareMetal Finish(ushort command, ushort code = 0)
    {
        var value = ((uint)code << 16) | command;
        Lui(T1, 0x100).Lui(T2, (value + 0x800) >> 12 & 0xF_FFFF).Addi(T2, T2, unchecked((int)(value << 20)) >> 20).Sw(T2, T1, 0);
        return Jump(Here);
    }

    public byte[] ToElf()
    {
        var elf = TestImages.Elf(Start, memoryBytes: (ulong)Here, fileBytes: (ulong)Here, fileOffset: 0x88);
        var file = new byte[elf.Length + Here];
        elf.CopyTo(file, 0);
        for (var i = 0; i < _code.Count; i++)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(elf.Length + (i * 4)), _code[i]);
        }

        return file;
    }

    private static uint Rd(int register) => (uint)register << 7;

    private static uint Rs1(int register) => (uint)register << 15;

    private static uint Immediate(int value) => unchecked((uint)value << 20);

    private BareMetal Store(int value, int rs, int offset, uint width)
    {
        var bits = unchecked((uint)offset);
        return Emit(((bits >> 5 & 0x7F) << 25) | ((uint)value << 20) | Rs1(rs) | (width << 12) | ((bits & 0x1F) << 7) | 0x23);
    }

    public BareMetal Emit(uint instruction)
    {
        _code.Add(instruction);
        return this;
    }
}
