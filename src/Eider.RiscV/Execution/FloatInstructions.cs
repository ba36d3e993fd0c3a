using Eider.RiscV.Csr;
using Eider.RiscV.Decoding;

namespace Eider.RiscV.Execution;

/// <summary>The F and D extensions but for loads and stores.</summary>
internal static unsafe class FloatInstructions
{
    /// <summary>Runs one.</summary>
    public static Outcome Execute(HartState* state, Op* op)
    {
        state->TrapCause = TrapCause.IllegalInstruction;
        return (state->Mstatus & Status.Fs) == 0 || op->Imm == 0 ? Outcome.Trap : Outcome.Trap;
    }
}
