using Eider.RiscV.Tests.Support;

namespace Eider.RiscV.Tests;

/// <summary>What is around the arithmetic: encodings, boxing, rounding mode, flags, FS. Values are exact cases.</summary>
public sealed class FloatInstructionTests
{
    private const ulong Box = 0xFFFF_FFFF_0000_0000;
    private const ulong FsInitial = 1UL << 13;
    private const ulong FsDirty = (3UL << 13) | (1UL << 63);
    private const uint Nx = 1, Dz = 8, Nv = 16;

    private static readonly ulong One = BitConverter.DoubleToUInt64Bits(1), Two = BitConverter.DoubleToUInt64Bits(2), Three = BitConverter.DoubleToUInt64Bits(3);

    [Theory]
    [InlineData(0x02007053u, 5.0)] // fadd.d
    [InlineData(0x0A007053u, 1.0)] // fsub.d
    [InlineData(0x12007053u, 6.0)] // fmul.d
    [InlineData(0x1A007053u, 1.5)] // fdiv.d
    [InlineData(0x22000053u, 3.0)] // fsgnj.d
    [InlineData(0x22001053u, -3.0)] // fsgnjn.d
    [InlineData(0x2A000053u, 2.0)] // fmin.d
    [InlineData(0x2A001053u, 3.0)] // fmax.d
    [InlineData(0x22007043u, 10.0, 4)] // fmadd.d: rs3 = f4
    [InlineData(0x22007047u, 2.0, 4)] // fmsub.d
    [InlineData(0x2200704Bu, -2.0, 4)] // fnmsub.d
    [InlineData(0x2200704Fu, -10.0, 4)] // fnmadd.d
    public void A_double_instruction_finds_its_operands(uint word, double expected, int rs3 = 0)
    {
        var fused = rs3 != 0;
        using var machine = Make((word & (fused ? 0x0600_707Fu : 0xFE00_707Fu)) | (7 << 7) | (5 << 15) | (6 << 20) | (fused ? (uint)rs3 << 27 : 0u));
        machine.Hart.SetF(5, Three);
        machine.Hart.SetF(6, Two);
        machine.Hart.SetF(4, BitConverter.DoubleToUInt64Bits(4));
        machine.Step();
        Assert.Equal(expected, BitConverter.UInt64BitsToDouble(machine.Hart.F(7)));
        Assert.Equal(FsDirty, machine.Csr(0x300) & FsDirty);
        Assert.Equal(0UL, machine.Csr(1));
    }

    [Theory]
    [InlineData(0x00007053u, 5.0f)] // fadd.s
    [InlineData(0x08007053u, 1.0f)]
    [InlineData(0x10007053u, 6.0f)]
    [InlineData(0x18007053u, 1.5f)]
    [InlineData(0x28000053u, 2.0f)]
    [InlineData(0x20001053u, -3.0f)]
    public void A_single_instruction_boxes_its_result(uint word, float expected)
    {
        using var machine = Make(word | (7 << 7) | (5 << 15) | (6 << 20));
        machine.Hart.SetF(5, Box | BitConverter.SingleToUInt32Bits(3));
        machine.Hart.SetF(6, Box | BitConverter.SingleToUInt32Bits(2));
        machine.Step();
        Assert.Equal(Box | BitConverter.SingleToUInt32Bits(expected), machine.Hart.F(7));
    }

    [Theory]
    [InlineData(0x00007053u, 0x7FC0_0000u)] // fadd.s
    [InlineData(0x20000053u, 0x7FC0_0000u)] // fsgnj.s
    public void A_single_that_is_not_boxed_counts_as_the_canonical_NaN(uint word, uint expected)
    {
        using var machine = Make(word | (7 << 7) | (5 << 15) | (6 << 20));
        machine.Hart.SetF(5, 0x1_0000_0000UL | BitConverter.SingleToUInt32Bits(3));
        machine.Hart.SetF(6, Box | BitConverter.SingleToUInt32Bits(2));
        machine.Step();
        Assert.Equal(Box | expected, machine.Hart.F(7));
    }

    [Theory]
    [InlineData(0xE0000553u, 0xFFFF_FFFF_8000_0001UL)] // fmv.x.w sign-extends raw bits
    [InlineData(0xE2000553u, 0x1234_5678_8000_0001UL)] // fmv.x.d
    [InlineData(0xE0001553u, 0x200UL)] // fclass.s of an unboxed register: quiet NaN
    [InlineData(0xE2001553u, 0x40UL)] // fclass.d: positive normal
    public void Moves_take_raw_bits_and_classify_looks_at_the_box(uint word, ulong expected)
    {
        using var machine = Make(word | (5 << 15));
        machine.Hart.SetF(5, 0x1234_5678_8000_0001);
        machine.Step();
        Assert.Equal(expected, machine.Hart.X(10));
    }

    [Fact]
    public void Fmv_from_an_integer_register_boxes_the_single()
    {
        using var machine = Make(0xF0000053 | (7 << 7) | (5 << 15), 0xF2000053 | (8 << 7) | (5 << 15));
        machine.Hart.SetX(5, 0xAAAA_AAAA_1234_5678);
        machine.Step(2);
        Assert.Equal((Box | 0x1234_5678, 0xAAAA_AAAA_1234_5678UL), (machine.Hart.F(7), machine.Hart.F(8)));
    }

    [Theory]
    [InlineData(0u, 0x3FD5_5555_5555_5555UL)] // nearest even
    [InlineData(1u, 0x3FD5_5555_5555_5555UL)] // to zero
    [InlineData(2u, 0x3FD5_5555_5555_5555UL)] // down
    [InlineData(3u, 0x3FD5_5555_5555_5556UL)] // up
    [InlineData(4u, 0x3FD5_5555_5555_5555UL)] // nearest, ties away
    public void The_rounding_mode_is_the_instructions_or_frm(uint mode, ulong third)
    {
        foreach (var dynamic in new[] { false, true })
        {
            using var machine = Make(0x1A000053 | ((dynamic ? 7 : mode) << 12) | (7 << 7) | (5 << 15) | (6 << 20));
            machine.Hart.SetF(5, One);
            machine.Hart.SetF(6, Three);
            machine.SetCsr(2, dynamic ? mode : 0);
            machine.Step();
            Assert.Equal((third, (ulong)Nx), (machine.Hart.F(7), machine.Csr(1)));
        }
    }

    [Theory]
    [InlineData(5u, 0u)]
    [InlineData(6u, 0u)]
    [InlineData(7u, 5u)]
    [InlineData(7u, 7u)]
    public void A_reserved_rounding_mode_is_illegal(uint field, uint frm)
    {
        using var machine = Make(0x02000053 | (field << 12));
        machine.SetCsr(2, frm);
        machine.Step();
        Assert.Equal(2UL, machine.Csr(0x342));
    }

    [Theory]
    [InlineData(0xD2000053u, -5L)] // fcvt.d.w
    [InlineData(0xD2200053u, -5L)] // fcvt.d.l
    public void Integers_become_doubles(uint word, long value)
    {
        using var machine = Make(word | (7 << 7) | (5 << 15));
        machine.Hart.SetX(5, (ulong)value);
        machine.Step();
        Assert.Equal((double)value, BitConverter.UInt64BitsToDouble(machine.Hart.F(7)));
    }

    [Theory]
    [InlineData(0xC2001553u, 2.75, 2UL, Nx)] // fcvt.w.d, rtz
    [InlineData(0xC2101553u, 4294967295.0, ulong.MaxValue, 0u)] // fcvt.wu.d sign-extends
    [InlineData(0xC2101553u, -1.0, 0UL, Nv)]
    [InlineData(0xC2201553u, double.NaN, 0x7FFF_FFFF_FFFF_FFFFUL, Nv)]
    [InlineData(0xC2301553u, -0.5, 0UL, Nx)]
    public void Doubles_become_integers_with_saturation_and_flags(uint word, double value, ulong expected, uint flags)
    {
        using var machine = Make(word | (5 << 15));
        machine.Hart.SetF(5, BitConverter.DoubleToUInt64Bits(value));
        machine.Step();
        Assert.Equal((expected, (ulong)flags), (machine.Hart.X(10), machine.Csr(1)));
    }

    [Fact]
    public void Formats_convert_into_each_other()
    {
        using var machine = Make(0x40107053 | (7 << 7) | (5 << 15), 0x42000053 | (8 << 7) | (7 << 15));
        machine.Hart.SetF(5, BitConverter.DoubleToUInt64Bits(1.5));
        machine.Step(2);
        Assert.Equal((Box | BitConverter.SingleToUInt32Bits(1.5f), BitConverter.DoubleToUInt64Bits(1.5)), (machine.Hart.F(7), machine.Hart.F(8)));
    }

    [Theory]
    [InlineData(0xA2002553u, 0UL, 0u)] // feq.d: quiet for a quiet NaN
    [InlineData(0xA2001553u, 0UL, Nv)] // flt.d
    [InlineData(0xA2000553u, 0UL, Nv)] // fle.d
    public void Comparisons_with_a_quiet_NaN_are_false(uint word, ulong expected, uint flags)
    {
        using var machine = Make(word | (5 << 15) | (6 << 20));
        machine.Hart.SetF(5, 0x7FF8_0000_0000_0000);
        machine.Hart.SetF(6, One);
        machine.Step();
        Assert.Equal((expected, (ulong)flags), (machine.Hart.X(10), machine.Csr(1)));
    }

    [Fact]
    public void Flags_accumulate_and_results_for_x0_go_nowhere()
    {
        using var machine = Make(0x1A007053 | (7 << 7) | (5 << 15) | (6 << 20), 0x1A007053 | (7 << 7) | (5 << 15) | (8 << 20), 0xA2002053 | (5 << 15) | (5 << 20));
        machine.Hart.SetF(5, One);
        machine.Hart.SetF(6, 0);
        machine.Hart.SetF(8, Three);
        machine.Step(3);
        Assert.Equal((Dz | (ulong)Nx, 0UL), (machine.Csr(1), machine.Hart.X(0)));
    }

    [Fact]
    public void Loads_box_and_dirty_the_state_and_stores_do_not()
    {
        const ulong Data = TestMachine.RamBase + 0x4000;
        var program = new Assembler(TestMachine.RamBase);
        program.S(0x27, 3, 5, 6, 0).S(0x27, 2, 5, 6, 8).I(0x07, 2, 7, 5, 0).I(0x07, 3, 8, 5, 0).I(0x07, 3, 9, 5, 0);
        using var machine = new TestMachine();
        machine.Load(program);
        machine.SetCsr(0x300, FsInitial);
        machine.Hart.SetX(5, Data);
        machine.Hart.SetF(6, 0x1122_3344_5566_7788);
        machine.Step(2);
        Assert.Equal(FsInitial, machine.Csr(0x300) & FsDirty);
        Assert.Equal(0x5566_7788UL, machine.Read64(Data + 8));
        machine.Step(3);
        Assert.Equal((Box | 0x5566_7788, 0x1122_3344_5566_7788UL, 0x1122_3344_5566_7788UL), (machine.Hart.F(7), machine.Hart.F(8), machine.Hart.F(9)));
        Assert.Equal(FsDirty, machine.Csr(0x300) & FsDirty);
    }

    [Theory]
    [InlineData(0x58100053u | (2 << 15))] // fsqrt.s with rs2 = 1
    [InlineData(0x04007053u)] // a format of 16 bits
    [InlineData(0x20003053u)] // fsgnj, funct3 3
    [InlineData(0x28002053u)] // fmin, funct3 2
    [InlineData(0xA0003053u)] // fle, funct3 3
    [InlineData(0xC0407053u)] // fcvt with rs2 = 4
    [InlineData(0xE0002053u)] // fmv.x.w, funct3 2
    [InlineData(0xF0001053u)] // fmv.w.x, funct3 1
    [InlineData(0x40007053u)] // fcvt.s.s
    [InlineData(0x00001007u)] // a load of 16 bits
    public void A_reserved_encoding_is_illegal(uint word)
    {
        using var machine = Make(word);
        machine.Step();
        Assert.Equal((2UL, (ulong)word), (machine.Csr(0x342), machine.Csr(0x343)));
    }

    private static TestMachine Make(params uint[] words)
    {
        var machine = new TestMachine();
        var program = new Assembler(TestMachine.RamBase);
        foreach (var word in words)
        {
            program.Word(word);
        }

        machine.Load(program);
        machine.SetCsr(0x300, FsInitial);
        return machine;
    }
}
