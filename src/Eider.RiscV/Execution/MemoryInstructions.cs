using Eider.RiscV.Csr;
using Eider.RiscV.Decoding;
using Eider.RiscV.Memory;

namespace Eider.RiscV.Execution;

/// <summary>Loads and stores that the interpreter's fast path did not finish.</summary>
internal static unsafe class MemoryInstructions
{
    private const ulong SingleBox = 0xFFFF_FFFF_0000_0000;

    /// <summary>Runs a load through the slow path.</summary>
    public static Outcome Load(HartState* state, Mmu mmu, Op* op, ulong address)
    {
        if (op->Code is OpCode.Flw or OpCode.Fld && (state->Mstatus & Status.Fs) == 0)
        {
            state->TrapCause = TrapCause.IllegalInstruction;
            return Outcome.Trap;
        }

        var outcome = mmu.Load(address, SizeBytes(op->Code), out var value);
        if (outcome == Outcome.Done)
        {
            WriteBack(state, op, value);
        }

        return outcome;
    }

    /// <summary>Runs a store through the slow path.</summary>
    public static Outcome Store(HartState* state, Mmu mmu, Op* op, ulong address)
    {
        if (op->Code is not (OpCode.Fsw or OpCode.Fsd))
        {
            return mmu.Store(address, SizeBytes(op->Code), state->X[op->Rs2]);
        }

        if ((state->Mstatus & Status.Fs) == 0)
        {
            state->TrapCause = TrapCause.IllegalInstruction;
            return Outcome.Trap;
        }

        return mmu.Store(address, SizeBytes(op->Code), state->F[op->Rs2]);
    }

    /// <summary>Ends a load with what was read, zero-extended; nothing for a store.</summary>
    public static void WriteBack(HartState* state, Op* op, ulong value)
    {
        switch (op->Code)
        {
            case OpCode.Lb:
                state->X[op->Rd] = (ulong)(sbyte)value;
                break;
            case OpCode.Lh:
                state->X[op->Rd] = (ulong)(short)value;
                break;
            case OpCode.Lw:
                state->X[op->Rd] = (ulong)(int)value;
                break;
            case OpCode.Ld or OpCode.Lbu or OpCode.Lhu or OpCode.Lwu:
                state->X[op->Rd] = value;
                break;
            case OpCode.Flw:
                state->F[op->Rd] = value | SingleBox;
                state->Mstatus |= Status.Fs;
                break;
            case OpCode.Fld:
                state->F[op->Rd] = value;
                state->Mstatus |= Status.Fs;
                break;
        }
    }

    private static uint SizeBytes(OpCode code) => code switch
    {
        OpCode.Lb or OpCode.Lbu or OpCode.Sb => 1,
        OpCode.Lh or OpCode.Lhu or OpCode.Sh => 2,
        OpCode.Lw or OpCode.Lwu or OpCode.Sw or OpCode.Flw or OpCode.Fsw => 4,
        _ => 8,
    };
}
