using System.Numerics;
using Eider.RiscV.Tests.Support;

namespace Eider.RiscV.Tests;

/// <summary>
/// Every register-register and register-immediate instruction of RV64IM, Zba, Zbb and Zbs against the definitions of
/// the manuals, written down here over unbounded integers, for all pairs of edge operands.
/// </summary>
public sealed class IntegerInstructionTests
{
    private static readonly ulong[] Operands =
    [
        0, 1, 2, 7, 31, 32, 63, 64, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000, 0x8000_0001, 0xFFFF_FFFF,
        0x1_0000_0000, 0x0123_4567_89AB_CDEF, 0x00FF_0100_0080_7F00, 0x7FFF_FFFF_FFFF_FFFF, 0x8000_0000_0000_0000,
        0xFFFF_FFFF_8000_0000, 0xFFFF_FFFF_FFFF_FFFE, 0xFFFF_FFFF_FFFF_FFFF,
    ];

    public static TheoryData<string, uint, uint, uint> RegisterForms => new()
    {
        { "add", 0x33, 0, 0x00 }, { "sub", 0x33, 0, 0x20 }, { "sll", 0x33, 1, 0x00 }, { "slt", 0x33, 2, 0x00 },
        { "sltu", 0x33, 3, 0x00 }, { "xor", 0x33, 4, 0x00 }, { "srl", 0x33, 5, 0x00 }, { "sra", 0x33, 5, 0x20 },
        { "or", 0x33, 6, 0x00 }, { "and", 0x33, 7, 0x00 },
        { "addw", 0x3B, 0, 0x00 }, { "subw", 0x3B, 0, 0x20 }, { "sllw", 0x3B, 1, 0x00 }, { "srlw", 0x3B, 5, 0x00 }, { "sraw", 0x3B, 5, 0x20 },
        { "mul", 0x33, 0, 0x01 }, { "mulh", 0x33, 1, 0x01 }, { "mulhsu", 0x33, 2, 0x01 }, { "mulhu", 0x33, 3, 0x01 },
        { "div", 0x33, 4, 0x01 }, { "divu", 0x33, 5, 0x01 }, { "rem", 0x33, 6, 0x01 }, { "remu", 0x33, 7, 0x01 },
        { "mulw", 0x3B, 0, 0x01 }, { "divw", 0x3B, 4, 0x01 }, { "divuw", 0x3B, 5, 0x01 }, { "remw", 0x3B, 6, 0x01 }, { "remuw", 0x3B, 7, 0x01 },
        { "add.uw", 0x3B, 0, 0x04 }, { "sh1add", 0x33, 2, 0x10 }, { "sh2add", 0x33, 4, 0x10 }, { "sh3add", 0x33, 6, 0x10 },
        { "sh1add.uw", 0x3B, 2, 0x10 }, { "sh2add.uw", 0x3B, 4, 0x10 }, { "sh3add.uw", 0x3B, 6, 0x10 },
        { "andn", 0x33, 7, 0x20 }, { "orn", 0x33, 6, 0x20 }, { "xnor", 0x33, 4, 0x20 },
        { "min", 0x33, 4, 0x05 }, { "minu", 0x33, 5, 0x05 }, { "max", 0x33, 6, 0x05 }, { "maxu", 0x33, 7, 0x05 },
        { "rol", 0x33, 1, 0x30 }, { "ror", 0x33, 5, 0x30 }, { "rolw", 0x3B, 1, 0x30 }, { "rorw", 0x3B, 5, 0x30 },
        { "bclr", 0x33, 1, 0x24 }, { "bext", 0x33, 5, 0x24 }, { "binv", 0x33, 1, 0x34 }, { "bset", 0x33, 1, 0x14 },
    };

    public static TheoryData<string, uint> UnaryForms => new()
    {
        { "clz", 0x60001013 }, { "ctz", 0x60101013 }, { "cpop", 0x60201013 }, { "sext.b", 0x60401013 }, { "sext.h", 0x60501013 },
        { "clzw", 0x6000101B }, { "ctzw", 0x6010101B }, { "cpopw", 0x6020101B }, { "zext.h", 0x0800403B }, { "orc.b", 0x28705013 }, { "rev8", 0x6B805013 },
    };

    [Theory]
    [MemberData(nameof(RegisterForms))]
    public void A_register_form_gives_what_its_definition_says(string name, uint opcode, uint funct3, uint funct7)
    {
        using var machine = new TestMachine();
        machine.Load(new Assembler(TestMachine.RamBase).R(opcode, funct3, funct7, 7, 5, 6));
        foreach (var a in Operands)
        {
            foreach (var b in Operands)
            {
                machine.Hart.SetX(5, a);
                machine.Hart.SetX(6, b);
                machine.Hart.Pc = TestMachine.RamBase;
                machine.Step();
                Assert.True(Define(name, a, b) == machine.Hart.X(7), $"{name} 0x{a:x} 0x{b:x}: 0x{machine.Hart.X(7):x}, not 0x{Define(name, a, b):x}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(UnaryForms))]
    public void A_unary_form_gives_what_its_definition_says(string name, uint word)
    {
        using var machine = new TestMachine();
        machine.Load(new Assembler(TestMachine.RamBase).Word(word | (7 << 7) | (5 << 15)));
        foreach (var a in Operands)
        {
            machine.Hart.SetX(5, a);
            machine.Hart.Pc = TestMachine.RamBase;
            machine.Step();
            Assert.True(DefineUnary(name, a) == machine.Hart.X(7), $"{name} 0x{a:x}: 0x{machine.Hart.X(7):x}, not 0x{DefineUnary(name, a):x}");
        }
    }

    [Theory]
    [InlineData("add", 0x13u, 0u, 0)]
    [InlineData("slt", 0x13u, 2u, 0)]
    [InlineData("sltu", 0x13u, 3u, 0)]
    [InlineData("xor", 0x13u, 4u, 0)]
    [InlineData("or", 0x13u, 6u, 0)]
    [InlineData("and", 0x13u, 7u, 0)]
    [InlineData("addw", 0x1Bu, 0u, 0)]
    [InlineData("sll", 0x13u, 1u, 6)]
    [InlineData("srl", 0x13u, 5u, 6)]
    [InlineData("sra", 0x13u, 5u, 6, 0x400)]
    [InlineData("ror", 0x13u, 5u, 6, 0x600)]
    [InlineData("bclr", 0x13u, 1u, 6, 0x480)]
    [InlineData("bext", 0x13u, 5u, 6, 0x480)]
    [InlineData("binv", 0x13u, 1u, 6, 0x680)]
    [InlineData("bset", 0x13u, 1u, 6, 0x280)]
    [InlineData("sllw", 0x1Bu, 1u, 5)]
    [InlineData("srlw", 0x1Bu, 5u, 5)]
    [InlineData("sraw", 0x1Bu, 5u, 5, 0x400)]
    [InlineData("rorw", 0x1Bu, 5u, 5, 0x600)]
    [InlineData("slli.uw", 0x1Bu, 1u, 6, 0x080)]
    public void An_immediate_form_gives_what_its_definition_says(string name, uint opcode, uint funct3, int shiftBits, int fixedBits = 0)
    {
        int[] immediates = shiftBits == 0 ? [0, 1, -1, 31, 2047, -2048] : [0, 1, 5, 31, .. shiftBits == 6 ? (int[])[32, 63] : []];
        foreach (var immediate in immediates)
        {
            using var machine = new TestMachine();
            machine.Load(new Assembler(TestMachine.RamBase).I(opcode, funct3, 7, 5, immediate | fixedBits));
            foreach (var a in Operands)
            {
                machine.Hart.SetX(5, a);
                machine.Hart.Pc = TestMachine.RamBase;
                machine.Step();
                Assert.True(
                    Define(name, a, (ulong)immediate) == machine.Hart.X(7),
                    $"{name} 0x{a:x} {immediate}: 0x{machine.Hart.X(7):x}, not 0x{Define(name, a, (ulong)immediate):x}");
            }
        }
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(1u)]
    [InlineData(4u)]
    [InlineData(5u)]
    [InlineData(6u)]
    [InlineData(7u)]
    public void A_branch_is_taken_exactly_when_its_condition_holds(uint funct3)
    {
        using var machine = new TestMachine();
        machine.Load(new Assembler(TestMachine.RamBase).Branch(funct3, 5, 6, "target").Nop().Nop().Label("target").Nop());
        foreach (var a in Operands)
        {
            foreach (var b in Operands)
            {
                machine.Hart.SetX(5, a);
                machine.Hart.SetX(6, b);
                machine.Hart.Pc = TestMachine.RamBase;
                machine.Step();
                var taken = funct3 switch
                {
                    0 => a == b,
                    1 => a != b,
                    4 => Signed(a) < Signed(b),
                    5 => Signed(a) >= Signed(b),
                    6 => new BigInteger(a) < b,
                    _ => new BigInteger(a) >= b,
                };
                Assert.Equal(TestMachine.RamBase + (taken ? 12UL : 4UL), machine.Hart.Pc);
            }
        }
    }

    [Fact]
    public void Lui_and_auipc_sign_extend_their_upper_immediate()
    {
        using var machine = new TestMachine();
        machine.Load(new Assembler(TestMachine.RamBase).Lui(5, 0x80000).Auipc(6, 0xFFFFF).Lui(7, 0x7FFFF)).Step(3);

        Assert.Equal(0xFFFF_FFFF_8000_0000UL, machine.Hart.X(5));
        Assert.Equal(TestMachine.RamBase + 4 - 0x1000, machine.Hart.X(6));
        Assert.Equal(0x7FFF_F000UL, machine.Hart.X(7));
    }

    [Fact]
    public void Jalr_computes_its_target_before_it_writes_the_link_and_clears_bit_0()
    {
        using var machine = new TestMachine();
        machine.Load(new Assembler(TestMachine.RamBase).Jalr(5, 5, 3));
        machine.Hart.SetX(5, TestMachine.RamBase + 0x100);
        machine.Step();

        Assert.Equal(TestMachine.RamBase + 0x102, machine.Hart.Pc);
        Assert.Equal(TestMachine.RamBase + 4, machine.Hart.X(5));
    }

    private static ulong Define(string name, ulong a, ulong b)
    {
        var low = (int)(b & 63);
        var lowWord = (int)(b & 31);
        return name switch
        {
            "add" => Wrap(new BigInteger(a) + b),
            "sub" => Wrap(new BigInteger(a) - b),
            "sll" => Wrap(new BigInteger(a) << low),
            "slt" => Signed(a) < Signed(b) ? 1UL : 0,
            "sltu" => a.CompareTo(b) < 0 ? 1UL : 0,
            "xor" => Wrap(new BigInteger(a) ^ b),
            "srl" => Wrap(new BigInteger(a) >> low),
            "sra" => Wrap(Signed(a) >> low),
            "or" => Wrap(new BigInteger(a) | b),
            "and" => Wrap(new BigInteger(a) & b),
            "addw" => WrapWord(new BigInteger(a) + b),
            "subw" => WrapWord(new BigInteger(a) - b),
            "sllw" => WrapWord(new BigInteger(a) << lowWord),
            "srlw" => WrapWord(new BigInteger(a & 0xFFFF_FFFF) >> lowWord),
            "sraw" => WrapWord(SignedWord(a) >> lowWord),
            "mul" => Wrap(new BigInteger(a) * b),
            "mulh" => Wrap((Signed(a) * Signed(b)) >> 64),
            "mulhsu" => Wrap((Signed(a) * b) >> 64),
            "mulhu" => Wrap((new BigInteger(a) * b) >> 64),
            "div" => b == 0 ? ulong.MaxValue : Wrap(BigInteger.Divide(Signed(a), Signed(b))),
            "divu" => b == 0 ? ulong.MaxValue : Wrap(BigInteger.Divide(a, b)),
            "rem" => b == 0 ? a : Wrap(BigInteger.Remainder(Signed(a), Signed(b))),
            "remu" => b == 0 ? a : Wrap(BigInteger.Remainder(a, b)),
            "mulw" => WrapWord(new BigInteger(a) * b),
            "divw" => (uint)b == 0 ? ulong.MaxValue : WrapWord(BigInteger.Divide(SignedWord(a), SignedWord(b))),
            "divuw" => (uint)b == 0 ? ulong.MaxValue : WrapWord(BigInteger.Divide((uint)a, (uint)b)),
            "remw" => (uint)b == 0 ? WrapWord(a) : WrapWord(BigInteger.Remainder(SignedWord(a), SignedWord(b))),
            "remuw" => (uint)b == 0 ? WrapWord(a) : WrapWord(BigInteger.Remainder((uint)a, (uint)b)),
            _ => DefineBits(name, a, b),
        };
    }

    private static ulong DefineBits(string name, ulong a, ulong b)
    {
        var low = (int)(b & 63);
        var lowWord = (int)(b & 31);
        return name switch
        {
            "add.uw" => Wrap(new BigInteger((uint)a) + b),
            "sh1add" => Wrap((new BigInteger(a) * 2) + b),
            "sh2add" => Wrap((new BigInteger(a) * 4) + b),
            "sh3add" => Wrap((new BigInteger(a) * 8) + b),
            "sh1add.uw" => Wrap((new BigInteger((uint)a) * 2) + b),
            "sh2add.uw" => Wrap((new BigInteger((uint)a) * 4) + b),
            "sh3add.uw" => Wrap((new BigInteger((uint)a) * 8) + b),
            "slli.uw" => Wrap(new BigInteger((uint)a) << low),
            "andn" => a & (ulong.MaxValue - b),
            "orn" => a | (ulong.MaxValue - b),
            "xnor" => ulong.MaxValue - (a ^ b),
            "min" => Signed(a) < Signed(b) ? a : b,
            "minu" => a < b ? a : b,
            "max" => Signed(a) < Signed(b) ? b : a,
            "maxu" => a < b ? b : a,
            "rol" => Wrap((new BigInteger(a) << low) | (new BigInteger(a) >> (64 - low))),
            "ror" => Wrap((new BigInteger(a) >> low) | (new BigInteger(a) << (64 - low))),
            "rolw" => WrapWord((new BigInteger((uint)a) << lowWord) | (new BigInteger((uint)a) >> (32 - lowWord))),
            "rorw" => WrapWord((new BigInteger((uint)a) >> lowWord) | (new BigInteger((uint)a) << (32 - lowWord))),
            "bclr" => Wrap(new BigInteger(a) - (new BigInteger(a) & BigInteger.Pow(2, low))),
            "bext" => (new BigInteger(a) & BigInteger.Pow(2, low)).IsZero ? 0UL : 1,
            "binv" => Wrap(new BigInteger(a) ^ BigInteger.Pow(2, low)),
            "bset" => Wrap(new BigInteger(a) | BigInteger.Pow(2, low)),
            _ => throw new ArgumentException(name, nameof(name)),
        };
    }

    private static ulong DefineUnary(string name, ulong a)
    {
        var bits = Convert.ToString((long)a, 2).PadLeft(64, '0');
        var bytes = BitConverter.GetBytes(a);
        return name switch
        {
            "clz" => (ulong)(64 - bits.TrimStart('0').Length),
            "clzw" => (ulong)(32 - bits[32..].TrimStart('0').Length),
            "ctz" => (ulong)(64 - bits.TrimEnd('0').Length),
            "ctzw" => (ulong)(32 - bits[32..].TrimEnd('0').Length),
            "cpop" => (ulong)bits.Count(bit => bit == '1'),
            "cpopw" => (ulong)bits[32..].Count(bit => bit == '1'),
            "sext.b" => bits[56] == '1' ? (a & 0xFF) | 0xFFFF_FFFF_FFFF_FF00 : a & 0xFF,
            "sext.h" => bits[48] == '1' ? (a & 0xFFFF) | 0xFFFF_FFFF_FFFF_0000 : a & 0xFFFF,
            "zext.h" => a & 0xFFFF,
            "orc.b" => BitConverter.ToUInt64([.. bytes.Select(each => each == 0 ? (byte)0 : (byte)0xFF)]),
            "rev8" => BitConverter.ToUInt64([.. bytes.Reverse()]),
            _ => throw new ArgumentException(name, nameof(name)),
        };
    }

    private static BigInteger Signed(ulong value) => unchecked((long)value);

    private static BigInteger SignedWord(ulong value) => unchecked((int)value);

    private static ulong Wrap(BigInteger value) => (ulong)(value & ulong.MaxValue);

    private static ulong WrapWord(BigInteger value)
    {
        var word = (uint)(value & uint.MaxValue);
        return word >= 0x8000_0000 ? word | 0xFFFF_FFFF_0000_0000 : word;
    }
}
