using Eider.RiscV.Csr;
using Eider.RiscV.Decoding;

namespace Eider.RiscV.Execution;

/// <summary>
/// CSR and privileged instructions, and fence.i. The state's pc is the instruction's on entry; unless it traps
/// or waits for a device, the pc is the next instruction's on return. All are 4 bytes long but ebreak.
/// </summary>
internal static unsafe class SystemInstructions
{
    /// <summary>Runs one.</summary>
    public static Outcome Execute(Hart hart, Op* op)
    {
        switch (op->Code)
        {
            case OpCode.CsrWrite or OpCode.SstatusSet or OpCode.SstatusClear:
                return WriteControlRegister(hart, op);
            case OpCode.FenceI:
                return Next(hart, Outcome.Done); // dropped blocks are gone already: the block ends, that is all
            case OpCode.Pause:
                return Next(hart, Outcome.Yield);
            case OpCode.Ecall:
                return EnvironmentCall(hart);
            case OpCode.Ebreak:
                return Trap(hart.State, TrapCause.Breakpoint, hart.State->Pc);
            case OpCode.Sret:
                return SupervisorReturn(hart);
            case OpCode.Mret:
                return MachineReturn(hart);
            case OpCode.Wfi:
                return WaitForInterrupt(hart);
            case OpCode.SfenceVma:
                return FenceTranslations(hart, op);
            default:
                return Illegal(hart.State);
        }
    }

    /// <summary>A CSR read that writes nothing; does not touch the pc.</summary>
    public static Outcome ReadControlRegister(Hart hart, Op* op)
    {
        var csr = (uint)op->Imm & 0xFFF;
        if (!hart.Csrs.MayAccess(csr, isWrite: false) || !hart.Csrs.TryRead(csr, out var value))
        {
            return Illegal(hart.State);
        }

        hart.State->X[op->Rd] = value;
        return Outcome.Done;
    }

    private static Outcome WriteControlRegister(Hart hart, Op* op)
    {
        var state = hart.State;
        var csrs = hart.Csrs;
        var csr = (uint)op->Imm & 0xFFF;
        var function = (op->Imm >> Decoder.CsrFunct3Shift) & 3;
        var operand = state->X[op->Rs1] | ((ulong)(uint)op->Imm >> Decoder.CsrImmediateShift);
        if (!csrs.MayAccess(csr, isWrite: true) || !csrs.TryRead(csr, out var old))
        {
            return Illegal(state);
        }

        var value = function switch
        {
            1 => operand,
            2 => csrs.ReadForModify(csr, old) | operand,
            _ => csrs.ReadForModify(csr, old) & ~operand,
        };
        if (!csrs.TryWrite(csr, value))
        {
            return Illegal(state);
        }

        state->X[op->Rd] = old;
        if ((csrs.Pending & state->Mie) != 0)
        {
            Volatile.Write(ref state->Attention, 1);
        }

        return Next(hart, Outcome.Done);
    }

    private static Outcome EnvironmentCall(Hart hart)
    {
        var state = hart.State;
        if (state->Privilege == PrivilegeMode.Supervisor && hart.Engine.Sbi is { } sbi)
        {
            return sbi.Call(hart);
        }

        return Trap(state, TrapCause.EcallFromUser + (uint)state->Privilege, 0);
    }

    private static Outcome SupervisorReturn(Hart hart)
    {
        var state = hart.State;
        if (state->Privilege == PrivilegeMode.User
            || (state->Privilege == PrivilegeMode.Supervisor && (state->Mstatus & Status.Tsr) != 0))
        {
            return Illegal(state);
        }

        hart.ReturnFromSupervisor();
        return Outcome.Done;
    }

    private static Outcome MachineReturn(Hart hart)
    {
        if (hart.State->Privilege != PrivilegeMode.Machine)
        {
            return Illegal(hart.State);
        }

        hart.ReturnFromMachine();
        return Outcome.Done;
    }

    private static Outcome WaitForInterrupt(Hart hart)
    {
        var state = hart.State;
        if (state->Privilege == PrivilegeMode.User
            || (state->Privilege == PrivilegeMode.Supervisor && (state->Mstatus & Status.Tw) != 0))
        {
            return Illegal(state);
        }

        return Next(hart, hart.WaitForInterrupt() ? Outcome.Yield : Outcome.Done);
    }

    // Address-space numbers are kept but translations are not tagged by them, so a fence for one of them is one for all.
    private static Outcome FenceTranslations(Hart hart, Op* op)
    {
        var state = hart.State;
        if (state->Privilege == PrivilegeMode.User
            || (state->Privilege == PrivilegeMode.Supervisor && (state->Mstatus & Status.Tvm) != 0))
        {
            return Illegal(state);
        }

        if (op->Rs1 == 0)
        {
            hart.Mmu.FlushTranslated();
        }
        else
        {
            hart.Mmu.FlushPage(state->X[op->Rs1]);
        }

        return Next(hart, Outcome.Done);
    }

    private static Outcome Next(Hart hart, Outcome outcome)
    {
        hart.State->Pc += 4;
        return outcome;
    }

    private static Outcome Illegal(HartState* state) => Trap(state, TrapCause.IllegalInstruction, 0);

    private static Outcome Trap(HartState* state, TrapCause cause, ulong value)
    {
        state->TrapCause = cause;
        state->TrapValue = value;
        return Outcome.Trap;
    }
}
