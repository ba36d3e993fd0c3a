namespace Eider.RiscV.Decoding;

/// <summary>
/// Decodes one 32-bit instruction (Unprivileged ISA, "RV32/64G Instruction Set Listings" and the listings of
/// Zba, Zbb and Zbs; Privileged ISA, "RISC-V Privileged Instruction Set Listings"). Whatever is reserved, or of an
/// extension that is not built in, becomes <see cref="OpCode.Illegal"/>.
/// </summary>
internal static class Decoder
{
    /// <summary>Set in the immediate of an <see cref="OpCode.Atomic"/> for the 64-bit forms; below it is funct5.</summary>
    public const int AtomicDouble = 0x20;

    /// <summary>Where the immediate of a CSR operation holds funct3; below it is the CSR's number.</summary>
    public const int CsrFunct3Shift = 12;

    /// <summary>Where the immediate of a CSR operation holds the five-bit immediate of the instruction.</summary>
    public const int CsrImmediateShift = 16;

    /// <summary>True if nothing of the same block can follow.</summary>
    public static bool EndsBlock(OpCode code) => code switch
    {
        OpCode.Illegal or OpCode.EndBlock or OpCode.Straddle or OpCode.J or OpCode.Jal or OpCode.Jalr
            or OpCode.CsrWrite or OpCode.FenceI or OpCode.Ecall or OpCode.Ebreak or OpCode.Sret or OpCode.Mret
            or OpCode.Wfi or OpCode.SfenceVma or OpCode.Pause => true,
        _ => false,
    };

    /// <summary>Decodes a 32-bit instruction, or the 32-bit form of a compressed one.</summary>
    /// <param name="word">The instruction.</param>
    /// <param name="lengthBytes">2 or 4, as it stands in memory.</param>
    public static Op Decode(uint word, uint lengthBytes)
    {
        var op = (word & 0x7F) switch
        {
            0x03 => Load(word),
            0x07 => FloatLoad(word),
            0x0F => MiscMem(word),
            0x13 => OpImm(word),
            0x17 => Integer(OpCode.Auipc, word, UpperImmediate(word)),
            0x1B => OpImm32(word),
            0x23 => Store(word),
            0x27 => FloatStore(word),
            0x2F => Atomic(word),
            0x33 => OpRegister(word),
            0x37 => Integer(OpCode.Li, word, UpperImmediate(word)),
            0x3B => OpRegister32(word),
            0x43 or 0x47 or 0x4B or 0x4F or 0x53 => Float(word),
            0x63 => Branch(word),
            0x67 => Funct3(word) == 0 ? Integer(OpCode.Jalr, word, ImmediateI(word)) : Illegal,
            0x6F => Jump(word),
            0x73 => System(word),
            _ => Illegal,
        };
        if (op.Code == OpCode.Jalr)
        {
            op.Rs2 = (byte)lengthBytes;
        }

        return op;
    }

    private static Op Illegal => default;

    private static Op Load(uint word)
    {
        ReadOnlySpan<OpCode> codes =
            [OpCode.Lb, OpCode.Lh, OpCode.Lw, OpCode.Ld, OpCode.Lbu, OpCode.Lhu, OpCode.Lwu, OpCode.Illegal];
        return Integer(codes[Funct3(word)], word, ImmediateI(word));
    }

    private static Op Store(uint word)
    {
        ReadOnlySpan<OpCode> codes = [OpCode.Sb, OpCode.Sh, OpCode.Sw, OpCode.Sd];
        return Funct3(word) < 4 ? Plain(codes[Funct3(word)], word, ImmediateS(word)) : Illegal;
    }

    private static Op FloatLoad(uint word) => Funct3(word) switch
    {
        2 => Plain(OpCode.Flw, word, ImmediateI(word)),
        3 => Plain(OpCode.Fld, word, ImmediateI(word)),
        _ => Illegal,
    };

    private static Op FloatStore(uint word) => Funct3(word) switch
    {
        2 => Plain(OpCode.Fsw, word, ImmediateS(word)),
        3 => Plain(OpCode.Fsd, word, ImmediateS(word)),
        _ => Illegal,
    };

    // Which operation it is, and whether it exists, is looked at when it runs: FS decides first.
    private static Op Float(uint word) => Plain(OpCode.FloatingPoint, word, (int)word);

    private static Op MiscMem(uint word) => Funct3(word) switch
    {
        // The pause hint is a fence with pred = W, succ = none (Zihintpause).
        0 when word == 0x0100000F => Plain(OpCode.Pause, word, 0),
        0 => Plain(OpCode.Fence, word, (int)((word >> 20) & 0xFF)),
        1 => Plain(OpCode.FenceI, word, 0),
        _ => Illegal,
    };

    private static Op OpImm(uint word)
    {
        var imm = ImmediateI(word);
        switch (Funct3(word))
        {
            case 0:
                return AddImmediate(word, imm);
            case 1:
                return ShiftLeftGroup(word);
            case 2:
                return Integer(OpCode.Slti, word, imm);
            case 3:
                return Integer(OpCode.Sltiu, word, imm);
            case 4:
                return Integer(OpCode.Xori, word, imm);
            case 5:
                return ShiftRightGroup(word);
            case 6:
                return Integer(OpCode.Ori, word, imm);
            default:
                return Integer(OpCode.Andi, word, imm);
        }
    }

    private static Op AddImmediate(uint word, int imm)
    {
        if (Rd(word) == 0)
        {
            return Plain(OpCode.Nop, word, 0);
        }

        if (Rs1(word) == 0)
        {
            return Integer(OpCode.Li, word, imm);
        }

        return Integer(imm == 0 ? OpCode.Mv : OpCode.Addi, word, imm);
    }

    private static Op ShiftLeftGroup(uint word)
    {
        var shift = (int)((word >> 20) & 0x3F);
        return (word >> 26) switch
        {
            0x00 => Integer(OpCode.Slli, word, shift),
            0x0A => Integer(OpCode.Bseti, word, shift),
            0x12 => Integer(OpCode.Bclri, word, shift),
            0x1A => Integer(OpCode.Binvi, word, shift),
            0x18 => Integer(
                shift switch
                {
                    0 => OpCode.Clz,
                    1 => OpCode.Ctz,
                    2 => OpCode.Cpop,
                    4 => OpCode.SextB,
                    5 => OpCode.SextH,
                    _ => OpCode.Illegal,
                },
                word,
                0),
            _ => Illegal,
        };
    }

    private static Op ShiftRightGroup(uint word)
    {
        var shift = (int)((word >> 20) & 0x3F);
        return (word >> 26) switch
        {
            0x00 => Integer(OpCode.Srli, word, shift),
            0x10 => Integer(OpCode.Srai, word, shift),
            0x12 => Integer(OpCode.Bexti, word, shift),
            0x18 => Integer(OpCode.Rori, word, shift),
            0x0A when shift == 0x07 => Integer(OpCode.OrcB, word, 0),
            0x1A when shift == 0x38 => Integer(OpCode.Rev8, word, 0),
            _ => Illegal,
        };
    }

    private static Op OpImm32(uint word)
    {
        var shift = (int)((word >> 20) & 0x1F);
        return (Funct3(word), Funct7(word)) switch
        {
            (0, _) => Integer(ImmediateI(word) == 0 ? OpCode.SextW : OpCode.Addiw, word, ImmediateI(word)),
            (1, 0x00) => Integer(OpCode.Slliw, word, shift),
            (1, 0x04 or 0x05) => Integer(OpCode.SlliUw, word, (int)((word >> 20) & 0x3F)),
            (1, 0x30) => Integer(
                shift switch
                {
                    0 => OpCode.Clzw,
                    1 => OpCode.Ctzw,
                    2 => OpCode.Cpopw,
                    _ => OpCode.Illegal,
                },
                word,
                0),
            (5, 0x00) => Integer(OpCode.Srliw, word, shift),
            (5, 0x20) => Integer(OpCode.Sraiw, word, shift),
            (5, 0x30) => Integer(OpCode.Roriw, word, shift),
            _ => Illegal,
        };
    }

    private static Op OpRegister(uint word)
    {
        var op = Integer(RegisterOpCode(word), word, 0);
        if (op.Code == OpCode.Add && op.Rs1 == 0)
        {
            (op.Code, op.Rs1) = (OpCode.Mv, op.Rs2);
        }

        return op;
    }

    private static OpCode RegisterOpCode(uint word) => Funct7(word) switch
    {
        0x00 => Funct3(word) switch
        {
            0 => OpCode.Add,
            1 => OpCode.Sll,
            2 => OpCode.Slt,
            3 => OpCode.Sltu,
            4 => OpCode.Xor,
            5 => OpCode.Srl,
            6 => OpCode.Or,
            _ => OpCode.And,
        },
        0x01 => OpCode.Mul + (ushort)Funct3(word),
        0x20 => Funct3(word) switch
        {
            0 => OpCode.Sub,
            4 => OpCode.Xnor,
            5 => OpCode.Sra,
            6 => OpCode.Orn,
            7 => OpCode.Andn,
            _ => OpCode.Illegal,
        },
        0x05 => Funct3(word) switch
        {
            4 => OpCode.Min,
            5 => OpCode.Minu,
            6 => OpCode.Max,
            7 => OpCode.Maxu,
            _ => OpCode.Illegal,
        },
        0x10 => Funct3(word) switch
        {
            2 => OpCode.Sh1add,
            4 => OpCode.Sh2add,
            6 => OpCode.Sh3add,
            _ => OpCode.Illegal,
        },
        0x30 => Funct3(word) switch
        {
            1 => OpCode.Rol,
            5 => OpCode.Ror,
            _ => OpCode.Illegal,
        },
        0x14 when Funct3(word) == 1 => OpCode.Bset,
        0x24 => Funct3(word) switch
        {
            1 => OpCode.Bclr,
            5 => OpCode.Bext,
            _ => OpCode.Illegal,
        },
        0x34 when Funct3(word) == 1 => OpCode.Binv,
        _ => OpCode.Illegal,
    };

    private static Op OpRegister32(uint word)
    {
        var op = Integer(
            (Funct7(word), Funct3(word)) switch
            {
                (0x00, 0) => OpCode.Addw,
                (0x00, 1) => OpCode.Sllw,
                (0x00, 5) => OpCode.Srlw,
                (0x20, 0) => OpCode.Subw,
                (0x20, 5) => OpCode.Sraw,
                (0x01, 0) => OpCode.Mulw,
                (0x01, 4) => OpCode.Divw,
                (0x01, 5) => OpCode.Divuw,
                (0x01, 6) => OpCode.Remw,
                (0x01, 7) => OpCode.Remuw,
                (0x04, 0) => OpCode.AddUw,
                (0x04, 4) when Rs2(word) == 0 => OpCode.ZextH,
                (0x10, 2) => OpCode.Sh1addUw,
                (0x10, 4) => OpCode.Sh2addUw,
                (0x10, 6) => OpCode.Sh3addUw,
                (0x30, 1) => OpCode.Rolw,
                (0x30, 5) => OpCode.Rorw,
                _ => OpCode.Illegal,
            },
            word,
            0);
        if (op.Code == OpCode.AddUw && op.Rs2 == 0)
        {
            op.Code = OpCode.ZextW;
        }

        return op;
    }

    private static Op Branch(uint word)
    {
        ReadOnlySpan<OpCode> codes =
            [OpCode.Beq, OpCode.Bne, OpCode.Illegal, OpCode.Illegal, OpCode.Blt, OpCode.Bge, OpCode.Bltu, OpCode.Bgeu];
        var op = Plain(codes[Funct3(word)], word, ImmediateB(word));
        op.Rd = 0;
        op.Code = (op.Code, op.Rs2) switch
        {
            (OpCode.Beq, 0) => OpCode.Beqz,
            (OpCode.Bne, 0) => OpCode.Bnez,
            _ => op.Code,
        };
        return op;
    }

    private static Op Jump(uint word)
    {
        var offset = ImmediateJ(word);
        return Rd(word) == 0 ? Plain(OpCode.J, word, offset) : Integer(OpCode.Jal, word, offset);
    }

    private static Op Atomic(uint word)
    {
        var funct5 = word >> 27;
        var exists = funct5 switch
        {
            2 => Rs2(word) == 0,
            0 or 1 or 3 or 4 or 8 or 12 or 16 or 20 or 24 or 28 => true,
            _ => false,
        };
        if (!exists || Funct3(word) is not (2 or 3))
        {
            return Illegal;
        }

        return Integer(OpCode.Atomic, word, (int)funct5 | (Funct3(word) == 3 ? AtomicDouble : 0));
    }

    private static Op System(uint word)
    {
        var funct3 = Funct3(word);
        return funct3 switch
        {
            0 => Privileged(word),
            4 => Illegal,
            _ => ControlRegister(word, funct3),
        };
    }

    private static Op Privileged(uint word)
    {
        if (Funct7(word) == 0x09 && Rd(word) == 0)
        {
            return Plain(OpCode.SfenceVma, word, 0);
        }

        return word switch
        {
            0x00000073 => Plain(OpCode.Ecall, word, 0),
            0x00100073 => Plain(OpCode.Ebreak, word, 0),
            0x10200073 => Plain(OpCode.Sret, word, 0),
            0x30200073 => Plain(OpCode.Mret, word, 0),
            0x10500073 => Plain(OpCode.Wfi, word, 0),
            _ => Illegal,
        };
    }

    private static Op ControlRegister(uint word, int funct3)
    {
        var csr = word >> 20;
        var isImmediate = (funct3 & 4) != 0;
        var isWrite = (funct3 & 3) == 1 || Rs1(word) != 0;
        var imm = csr | ((uint)funct3 << CsrFunct3Shift) | (isImmediate ? (uint)Rs1(word) << CsrImmediateShift : 0);
        var op = Integer(isWrite ? OpCode.CsrWrite : OpCode.CsrRead, word, (int)imm);
        if (isWrite && csr == Csr.CsrNumber.Sstatus)
        {
            op.Code = (funct3 & 3) switch
            {
                2 => OpCode.SstatusSet,
                3 => OpCode.SstatusClear,
                _ => op.Code,
            };
        }

        if (isImmediate)
        {
            op.Rs1 = 0;
        }

        return op;
    }

    // With an integer destination.
    private static Op Integer(OpCode code, uint word, int imm)
    {
        var op = Plain(code, word, imm);
        op.Rd = op.Rd == 0 ? Op.SinkRegister : op.Rd;
        return op;
    }

    private static Op Plain(OpCode code, uint word, int imm) => code == OpCode.Illegal
        ? default
        : new Op { Code = code, Rd = Rd(word), Rs1 = Rs1(word), Rs2 = Rs2(word), Imm = imm };

    private static byte Rd(uint word) => (byte)((word >> 7) & 0x1F);

    private static byte Rs1(uint word) => (byte)((word >> 15) & 0x1F);

    private static byte Rs2(uint word) => (byte)((word >> 20) & 0x1F);

    private static int Funct3(uint word) => (int)((word >> 12) & 7);

    private static uint Funct7(uint word) => word >> 25;

    private static int ImmediateI(uint word) => (int)word >> 20;

    private static int UpperImmediate(uint word) => (int)(word & 0xFFFFF000);

    private static int ImmediateS(uint word) => ((int)word >> 25 << 5) | (int)((word >> 7) & 0x1F);

    private static int ImmediateB(uint word) =>
        ((int)word >> 31 << 12) | (int)(((word >> 7) & 1) << 11) | (int)(((word >> 25) & 0x3F) << 5) | (int)(((word >> 8) & 0xF) << 1);

    private static int ImmediateJ(uint word) =>
        ((int)word >> 31 << 20) | (int)(word & 0xFF000) | (int)(((word >> 20) & 1) << 11) | (int)(((word >> 21) & 0x3FF) << 1);
}
