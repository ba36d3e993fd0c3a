namespace Eider.RiscV.Tests.Comparison;

/// <summary>The register-to-register instructions of RV64IMFD, Zba, Zbb and Zbs (unprivileged ISA, "RV32/64G Instruction Set Listings").</summary>
internal static class InstructionForms
{
    public static readonly InstructionForm[] Integer = [.. Base(), .. Immediates(), .. BitManipulation()];

    public static readonly InstructionForm[] FloatingPoint = [.. FloatingPointOf(0, "s"), .. FloatingPointOf(1, "d"), .. Conversions()];

    /// <summary>
    /// Apart from the others, because QEMU 7.2 gives more than 32 where the low word is zero: it comes behind a bset
    /// of the source.
    /// </summary>
    public const uint Ctzw = 0x6010_101B;

    private static InstructionForm Op(string name, uint funct7, uint funct3, string operands = "dst", uint opcode = 0x33) =>
        new(name, opcode | (funct3 << 12) | (funct7 << 25), operands);

    private static IEnumerable<InstructionForm> Base()
    {
        string[] plain = ["add", "sll", "slt", "sltu", "xor", "srl", "or", "and"];
        string[] multiply = ["mul", "mulh", "mulhsu", "mulhu", "div", "divu", "rem", "remu"];
        for (uint funct3 = 0; funct3 < 8; funct3++)
        {
            yield return Op(plain[funct3], 0, funct3);
            yield return Op(multiply[funct3], 1, funct3);
            if (funct3 is 0 or > 3)
            {
                yield return Op(multiply[funct3] + "w", 1, funct3, opcode: 0x3B);
            }
        }

        yield return Op("sub", 0x20, 0);
        yield return Op("sra", 0x20, 5);
        yield return Op("addw", 0, 0, opcode: 0x3B);
        yield return Op("subw", 0x20, 0, opcode: 0x3B);
        yield return Op("sllw", 0, 1, opcode: 0x3B);
        yield return Op("srlw", 0, 5, opcode: 0x3B);
        yield return Op("sraw", 0x20, 5, opcode: 0x3B);
    }

    private static IEnumerable<InstructionForm> Immediates()
    {
        yield return new("addi", 0x13, "dsi");
        yield return new("slti", 0x2013, "dsi");
        yield return new("sltiu", 0x3013, "dsi");
        yield return new("xori", 0x4013, "dsi");
        yield return new("ori", 0x6013, "dsi");
        yield return new("andi", 0x7013, "dsi");
        yield return new("addiw", 0x1B, "dsi");
        yield return new("slli", 0x1013, "dsh");
        yield return new("srli", 0x5013, "dsh");
        yield return new("srai", 0x4000_5013, "dsh");
        yield return new("slliw", 0x101B, "dsw");
        yield return new("srliw", 0x501B, "dsw");
        yield return new("sraiw", 0x4000_501B, "dsw");
        yield return new("lui", 0x37, "du");
        yield return new("auipc", 0x17, "du");
    }

    private static IEnumerable<InstructionForm> BitManipulation()
    {
        for (uint shift = 1; shift < 4; shift++)
        {
            yield return Op($"sh{shift}add", 0x10, shift * 2);
            yield return Op($"sh{shift}add.uw", 0x10, shift * 2, opcode: 0x3B);
        }

        yield return Op("add.uw", 4, 0, opcode: 0x3B);
        yield return Op("zext.h", 4, 4, "ds", opcode: 0x3B);
        yield return Op("rolw", 0x30, 1, opcode: 0x3B);
        yield return Op("rorw", 0x30, 5, opcode: 0x3B);
        yield return Op("rol", 0x30, 1);
        yield return Op("ror", 0x30, 5);
        yield return Op("andn", 0x20, 7);
        yield return Op("orn", 0x20, 6);
        yield return Op("xnor", 0x20, 4);
        yield return Op("min", 5, 4);
        yield return Op("minu", 5, 5);
        yield return Op("max", 5, 6);
        yield return Op("maxu", 5, 7);
        yield return Op("bclr", 0x24, 1);
        yield return Op("bext", 0x24, 5);
        yield return Op("binv", 0x34, 1);
        yield return Op("bset", 0x14, 1);
        yield return new("bclri", 0x4800_1013, "dsh");
        yield return new("bexti", 0x4800_5013, "dsh");
        yield return new("binvi", 0x6800_1013, "dsh");
        yield return new("bseti", 0x2800_1013, "dsh");
        yield return new("rori", 0x6000_5013, "dsh");
        yield return new("slli.uw", 0x0800_101B, "dsh");
        yield return new("roriw", 0x6000_501B, "dsw");
        yield return new("clz", 0x6000_1013, "ds");
        yield return new("ctz", 0x6010_1013, "ds");
        yield return new("cpop", 0x6020_1013, "ds");
        yield return new("sext.b", 0x6040_1013, "ds");
        yield return new("sext.h", 0x6050_1013, "ds");
        yield return new("orc.b", 0x2870_5013, "ds");
        yield return new("rev8", 0x6B80_5013, "ds");
        yield return new("clzw", 0x6000_101B, "ds");
        yield return new("cpopw", 0x6020_101B, "ds");
    }

    private static InstructionForm Fp(string name, uint funct5, uint format, uint rs2, uint funct3, string operands) =>
        new(name, 0x53 | (funct3 << 12) | (rs2 << 20) | (format << 25) | (funct5 << 27), operands);

    private static IEnumerable<InstructionForm> FloatingPointOf(uint format, string suffix)
    {
        yield return Fp($"fadd.{suffix}", 0, format, 0, 0, "DSTm");
        yield return Fp($"fsub.{suffix}", 1, format, 0, 0, "DSTm");
        yield return Fp($"fmul.{suffix}", 2, format, 0, 0, "DSTm");
        yield return Fp($"fdiv.{suffix}", 3, format, 0, 0, "DSTm");
        yield return Fp($"fsqrt.{suffix}", 0xB, format, 0, 0, "DSm");
        yield return Fp($"fsgnj.{suffix}", 4, format, 0, 0, "DST");
        yield return Fp($"fsgnjn.{suffix}", 4, format, 0, 1, "DST");
        yield return Fp($"fsgnjx.{suffix}", 4, format, 0, 2, "DST");
        yield return Fp($"fmin.{suffix}", 5, format, 0, 0, "DST");
        yield return Fp($"fmax.{suffix}", 5, format, 0, 1, "DST");
        yield return Fp($"fle.{suffix}", 0x14, format, 0, 0, "dST");
        yield return Fp($"flt.{suffix}", 0x14, format, 0, 1, "dST");
        yield return Fp($"feq.{suffix}", 0x14, format, 0, 2, "dST");
        yield return Fp($"fclass.{suffix}", 0x1C, format, 0, 1, "dS");
        string[] fused = ["fmadd", "fmsub", "fnmsub", "fnmadd"];
        for (uint i = 0; i < 4; i++)
        {
            yield return new($"{fused[i]}.{suffix}", 0x43 | (i << 2) | (format << 25), "DSTRm");
        }
    }

    private static IEnumerable<InstructionForm> Conversions()
    {
        string[] integers = ["w", "wu", "l", "lu"];
        for (uint format = 0; format < 2; format++)
        {
            string suffix = format == 0 ? "s" : "d";
            for (uint kind = 0; kind < 4; kind++)
            {
                yield return Fp($"fcvt.{integers[kind]}.{suffix}", 0x18, format, kind, 0, "dSm");
                yield return Fp($"fcvt.{suffix}.{integers[kind]}", 0x1A, format, kind, 0, "Dsm");
            }
        }

        yield return Fp("fcvt.s.d", 8, 0, 1, 0, "DSm");
        yield return Fp("fcvt.d.s", 8, 1, 0, 0, "DSm");
        yield return Fp("fmv.x.w", 0x1C, 0, 0, 0, "dS");
        yield return Fp("fmv.x.d", 0x1C, 1, 0, 0, "dS");
        yield return Fp("fmv.w.x", 0x1E, 0, 0, 0, "Ds");
        yield return Fp("fmv.d.x", 0x1E, 1, 0, 0, "Ds");
    }
}
