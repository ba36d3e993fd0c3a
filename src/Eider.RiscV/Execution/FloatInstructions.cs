using Eider.RiscV.Csr;
using Eider.RiscV.Decoding;
using Eider.RiscV.FloatingPoint;

namespace Eider.RiscV.Execution;

/// <summary>
/// The F and D extensions but for loads and stores (Unprivileged ISA, "F" and "D" Standard Extensions): operand
/// boxing, rounding mode, flags and FS; the arithmetic itself is in <see cref="Float32"/> and <see cref="Float64"/>.
/// </summary>
internal static unsafe class FloatInstructions
{
    private const ulong SingleBox = 0xFFFF_FFFF_0000_0000;
    private const uint CanonicalSingleNaN = 0x7FC0_0000;
    private const uint SingleSign = 0x8000_0000;
    private const ulong DoubleSign = 0x8000_0000_0000_0000;
    private const uint DynamicRounding = 7;
    private const uint LastRounding = 4;

    /// <summary>Runs one; the immediate is the whole instruction.</summary>
    public static Outcome Execute(HartState* state, Op* op)
    {
        var word = (uint)op->Imm;

        // The flags go in as they are: with NX set already, nobody has to find out whether a result is exact.
        var before = (FpFlags)state->Fflags;
        var flags = before;
        if ((state->Mstatus & Status.Fs) == 0 || !TryExecute(state, word, ref flags))
        {
            state->TrapCause = TrapCause.IllegalInstruction;
            return Outcome.Trap;
        }

        state->Fflags = (uint)flags;
        state->Mstatus |= flags != before ? Status.Fs : 0;
        return Outcome.Done;
    }

    private static bool TryExecute(HartState* state, uint word, ref FpFlags flags)
    {
        var isDouble = ((word >> 25) & 3) == 1;
        if (((word >> 25) & 3) > 1)
        {
            return false;
        }

        if ((word & 0x7F) != 0x53)
        {
            return isDouble ? FusedDouble(state, word, ref flags) : FusedSingle(state, word, ref flags);
        }

        return (word >> 27) switch
        {
            <= 3 or 0x0B => isDouble ? ArithmeticDouble(state, word, ref flags) : ArithmeticSingle(state, word, ref flags),
            0x04 => isDouble ? InjectDouble(state, word) : InjectSingle(state, word),
            0x05 => isDouble ? MinMaxDouble(state, word, ref flags) : MinMaxSingle(state, word, ref flags),
            0x08 => ConvertFormat(state, word, isDouble, ref flags),
            0x14 => isDouble ? CompareDouble(state, word, ref flags) : CompareSingle(state, word, ref flags),
            0x18 => isDouble ? DoubleToInteger(state, word, ref flags) : SingleToInteger(state, word, ref flags),
            0x1A => isDouble ? IntegerToDouble(state, word, ref flags) : IntegerToSingle(state, word, ref flags),
            0x1C => MoveOrClassify(state, word, isDouble),
            0x1E => MoveFromInteger(state, word, isDouble),
            _ => false,
        };
    }

    private static bool FusedSingle(HartState* state, uint word, ref FpFlags flags)
    {
        if (!TryRounding(state, word, out var rm))
        {
            return false;
        }

        var a = Single(state, Rs1(word)) ^ (NegatesProduct(word) ? SingleSign : 0);
        var c = Single(state, word >> 27) ^ (NegatesAddend(word) ? SingleSign : 0);
        SetSingle(state, word, Float32.FusedMultiplyAdd(a, Single(state, Rs2(word)), c, rm, ref flags));
        return true;
    }

    private static bool FusedDouble(HartState* state, uint word, ref FpFlags flags)
    {
        if (!TryRounding(state, word, out var rm))
        {
            return false;
        }

        var a = state->F[Rs1(word)] ^ (NegatesProduct(word) ? DoubleSign : 0);
        var c = state->F[word >> 27] ^ (NegatesAddend(word) ? DoubleSign : 0);
        SetDouble(state, word, Float64.FusedMultiplyAdd(a, state->F[Rs2(word)], c, rm, ref flags));
        return true;
    }

    private static bool ArithmeticSingle(HartState* state, uint word, ref FpFlags flags)
    {
        var function = word >> 27;
        if (!TryRounding(state, word, out var rm) || (function == 0x0B && Rs2(word) != 0))
        {
            return false;
        }

        var a = Single(state, Rs1(word));
        var b = Single(state, Rs2(word));
        SetSingle(state, word, function switch
        {
            0 => Float32.Add(a, b, rm, ref flags),
            1 => Float32.Subtract(a, b, rm, ref flags),
            2 => Float32.Multiply(a, b, rm, ref flags),
            3 => Float32.Divide(a, b, rm, ref flags),
            _ => Float32.SquareRoot(a, rm, ref flags),
        });
        return true;
    }

    private static bool ArithmeticDouble(HartState* state, uint word, ref FpFlags flags)
    {
        var function = word >> 27;
        if (!TryRounding(state, word, out var rm) || (function == 0x0B && Rs2(word) != 0))
        {
            return false;
        }

        var a = state->F[Rs1(word)];
        var b = state->F[Rs2(word)];
        SetDouble(state, word, function switch
        {
            0 => Float64.Add(a, b, rm, ref flags),
            1 => Float64.Subtract(a, b, rm, ref flags),
            2 => Float64.Multiply(a, b, rm, ref flags),
            3 => Float64.Divide(a, b, rm, ref flags),
            _ => Float64.SquareRoot(a, rm, ref flags),
        });
        return true;
    }

    private static bool InjectSingle(HartState* state, uint word)
    {
        var a = Single(state, Rs1(word));
        var b = Single(state, Rs2(word));
        switch (Funct3(word))
        {
            case 0:
                SetSingle(state, word, (a & ~SingleSign) | (b & SingleSign));
                return true;
            case 1:
                SetSingle(state, word, (a & ~SingleSign) | (~b & SingleSign));
                return true;
            case 2:
                SetSingle(state, word, a ^ (b & SingleSign));
                return true;
            default:
                return false;
        }
    }

    private static bool InjectDouble(HartState* state, uint word)
    {
        var a = state->F[Rs1(word)];
        var b = state->F[Rs2(word)];
        switch (Funct3(word))
        {
            case 0:
                SetDouble(state, word, (a & ~DoubleSign) | (b & DoubleSign));
                return true;
            case 1:
                SetDouble(state, word, (a & ~DoubleSign) | (~b & DoubleSign));
                return true;
            case 2:
                SetDouble(state, word, a ^ (b & DoubleSign));
                return true;
            default:
                return false;
        }
    }

    private static bool MinMaxSingle(HartState* state, uint word, ref FpFlags flags)
    {
        if (Funct3(word) > 1)
        {
            return false;
        }

        var a = Single(state, Rs1(word));
        var b = Single(state, Rs2(word));
        SetSingle(state, word, Funct3(word) == 0 ? Float32.Minimum(a, b, ref flags) : Float32.Maximum(a, b, ref flags));
        return true;
    }

    private static bool MinMaxDouble(HartState* state, uint word, ref FpFlags flags)
    {
        if (Funct3(word) > 1)
        {
            return false;
        }

        var a = state->F[Rs1(word)];
        var b = state->F[Rs2(word)];
        SetDouble(state, word, Funct3(word) == 0 ? Float64.Minimum(a, b, ref flags) : Float64.Maximum(a, b, ref flags));
        return true;
    }

    // fcvt.s.d and fcvt.d.s: the format field is the destination's, rs2 the source's.
    private static bool ConvertFormat(HartState* state, uint word, bool isDouble, ref FpFlags flags)
    {
        if (Rs2(word) != (isDouble ? 0u : 1u) || !TryRounding(state, word, out var rm))
        {
            return false;
        }

        if (isDouble)
        {
            SetDouble(state, word, Float64.FromFloat32(Single(state, Rs1(word)), ref flags));
        }
        else
        {
            SetSingle(state, word, Float32.FromFloat64(state->F[Rs1(word)], rm, ref flags));
        }

        return true;
    }

    private static bool CompareSingle(HartState* state, uint word, ref FpFlags flags)
    {
        var a = Single(state, Rs1(word));
        var b = Single(state, Rs2(word));
        switch (Funct3(word))
        {
            case 0:
                return SetFlag(state, word, Float32.LessThanOrEqual(a, b, ref flags));
            case 1:
                return SetFlag(state, word, Float32.LessThan(a, b, ref flags));
            case 2:
                return SetFlag(state, word, Float32.Equal(a, b, ref flags));
            default:
                return false;
        }
    }

    private static bool CompareDouble(HartState* state, uint word, ref FpFlags flags)
    {
        var a = state->F[Rs1(word)];
        var b = state->F[Rs2(word)];
        switch (Funct3(word))
        {
            case 0:
                return SetFlag(state, word, Float64.LessThanOrEqual(a, b, ref flags));
            case 1:
                return SetFlag(state, word, Float64.LessThan(a, b, ref flags));
            case 2:
                return SetFlag(state, word, Float64.Equal(a, b, ref flags));
            default:
                return false;
        }
    }

    private static bool SingleToInteger(HartState* state, uint word, ref FpFlags flags)
    {
        if (Rs2(word) > 3 || !TryRounding(state, word, out var rm))
        {
            return false;
        }

        var a = Single(state, Rs1(word));
        return SetInteger(state, word, Rs2(word) switch
        {
            0 => (ulong)Float32.ToInt32(a, rm, ref flags),
            1 => (ulong)(int)Float32.ToUInt32(a, rm, ref flags),
            2 => (ulong)Float32.ToInt64(a, rm, ref flags),
            _ => Float32.ToUInt64(a, rm, ref flags),
        });
    }

    private static bool DoubleToInteger(HartState* state, uint word, ref FpFlags flags)
    {
        if (Rs2(word) > 3 || !TryRounding(state, word, out var rm))
        {
            return false;
        }

        var a = state->F[Rs1(word)];
        return SetInteger(state, word, Rs2(word) switch
        {
            0 => (ulong)Float64.ToInt32(a, rm, ref flags),
            1 => (ulong)(int)Float64.ToUInt32(a, rm, ref flags),
            2 => (ulong)Float64.ToInt64(a, rm, ref flags),
            _ => Float64.ToUInt64(a, rm, ref flags),
        });
    }

    private static bool IntegerToSingle(HartState* state, uint word, ref FpFlags flags)
    {
        if (Rs2(word) > 3 || !TryRounding(state, word, out var rm))
        {
            return false;
        }

        var x = state->X[Rs1(word)];
        SetSingle(state, word, Rs2(word) switch
        {
            0 => Float32.FromInt32((int)x, rm, ref flags),
            1 => Float32.FromUInt32((uint)x, rm, ref flags),
            2 => Float32.FromInt64((long)x, rm, ref flags),
            _ => Float32.FromUInt64(x, rm, ref flags),
        });
        return true;
    }

    private static bool IntegerToDouble(HartState* state, uint word, ref FpFlags flags)
    {
        if (Rs2(word) > 3 || !TryRounding(state, word, out var rm))
        {
            return false;
        }

        var x = state->X[Rs1(word)];
        SetDouble(state, word, Rs2(word) switch
        {
            0 => Float64.FromInt32((int)x, rm, ref flags),
            1 => Float64.FromUInt32((uint)x, rm, ref flags),
            2 => Float64.FromInt64((long)x, rm, ref flags),
            _ => Float64.FromUInt64(x, rm, ref flags),
        });
        return true;
    }

    private static bool MoveOrClassify(HartState* state, uint word, bool isDouble)
    {
        if (Rs2(word) != 0)
        {
            return false;
        }

        var raw = state->F[Rs1(word)];
        return Funct3(word) switch
        {
            0 => SetInteger(state, word, isDouble ? raw : (ulong)(int)raw),
            1 => SetInteger(state, word, isDouble ? Float64.Classify(raw) : Float32.Classify(Single(state, Rs1(word)))),
            _ => false,
        };
    }

    private static bool MoveFromInteger(HartState* state, uint word, bool isDouble)
    {
        if (Rs2(word) != 0 || Funct3(word) != 0)
        {
            return false;
        }

        var x = state->X[Rs1(word)];
        SetDouble(state, word, isDouble ? x : x | SingleBox);
        return true;
    }

    // A single that is not boxed in ones counts as the canonical NaN.
    private static uint Single(HartState* state, uint register)
    {
        var raw = state->F[register];
        return raw >= SingleBox ? (uint)raw : CanonicalSingleNaN;
    }

    private static void SetSingle(HartState* state, uint word, uint value) => SetDouble(state, word, value | SingleBox);

    private static void SetDouble(HartState* state, uint word, ulong value)
    {
        state->F[(word >> 7) & 0x1F] = value;
        state->Mstatus |= Status.Fs;
    }

    private static bool SetFlag(HartState* state, uint word, bool value) => SetInteger(state, word, value ? 1UL : 0UL);

    private static bool SetInteger(HartState* state, uint word, ulong value)
    {
        var rd = (word >> 7) & 0x1F;
        state->X[rd == 0 ? Op.SinkRegister : rd] = value;
        return true;
    }

    private static bool TryRounding(HartState* state, uint word, out RoundingMode rm)
    {
        var field = (uint)Funct3(word);
        field = field == DynamicRounding ? state->Frm : field;
        rm = (RoundingMode)field;
        return field <= LastRounding;
    }

    // Opcodes 0x43, 0x47, 0x4B, 0x4F are fmadd, fmsub, fnmsub, fnmadd: a * b + c with operands negated, never the
    // result, whose zero sign and rounding would differ.
    private static bool NegatesProduct(uint word) => (word & 0x7F) is 0x4B or 0x4F;

    private static bool NegatesAddend(uint word) => (word & 0x7F) is 0x47 or 0x4F;

    private static int Funct3(uint word) => (int)((word >> 12) & 7);

    private static uint Rs1(uint word) => (word >> 15) & 0x1F;

    private static uint Rs2(uint word) => (word >> 20) & 0x1F;
}
