using Eider.RiscV.Execution;

namespace Eider.RiscV;

/// <content>A hart's turns on the engine's thread.</content>
public sealed unsafe partial class Hart
{
    private Decoding.Op _pendingOp;
    private ulong _pendingNextPc;

    /// <summary>True while it sleeps because the SBI was asked to suspend it.</summary>
    internal bool IsSuspended { get; private set; }

    /// <summary>True if a turn would get anything done; looks whether what it waits for is there.</summary>
    internal bool TryBecomeRunnable()
    {
        switch (RunState)
        {
            case HartRunState.Running:
                return true;
            case HartRunState.WaitingForInterrupt when HasWakingInterrupt:
                RunState = HartRunState.Running;
                IsSuspended = false;
                Volatile.Write(ref State->Attention, 1);
                return true;
            case HartRunState.WaitingForBus when Mmu.Pending!.IsCompleted:
                FinishPending();
                return true;
            default:
                return false;
        }
    }

    /// <summary>Runs for about so many instructions.</summary>
    /// <returns>What the turn cost: instructions and traps.</returns>
    internal long TakeTurn(long budget) => _interpreter.Run(budget);

    /// <summary>Looks after what attention was asked for, between two blocks.</summary>
    /// <returns>False if the turn ends.</returns>
    internal bool Attend()
    {
        // A full fence: what was set before the flag is seen after it was cleared.
        Interlocked.Exchange(ref State->Attention, 0);
        _engine.FollowMemoryWatches();
        if (_engine.IsStopRequested)
        {
            Volatile.Write(ref State->Attention, 1); // interrupts are looked for in the next turn
            return false;
        }

        TakeInterrupt();
        return true;
    }

    /// <summary>Puts the hart to sleep until an interrupt that is enabled in <c>mie</c> pends.</summary>
    /// <returns>False if there is one already.</returns>
    internal bool WaitForInterrupt()
    {
        if (HasWakingInterrupt)
        {
            return false;
        }

        RunState = HartRunState.WaitingForInterrupt;
        return true;
    }

    /// <summary>Sleeps as <c>hart_suspend</c> wants it, until an interrupt pends.</summary>
    /// <returns>False if there is one already.</returns>
    internal bool Suspend() => IsSuspended = WaitForInterrupt();

    /// <summary>Remembers the instruction that a device answers later; the pc stays on it.</summary>
    internal void WaitForBus(Decoding.Op* op, ulong nextPc)
    {
        _pendingOp = *op;
        _pendingNextPc = nextPc;
        RunState = HartRunState.WaitingForBus;
        Mmu.Pending!.OnCompleted(Wake);
    }

    private void FinishPending()
    {
        fixed (Decoding.Op* op = &_pendingOp)
        {
            MemoryInstructions.WriteBack(State, op, Mmu.TakePendingValue());
        }

        State->Pc = _pendingNextPc;
        State->Retired++;
        RunState = HartRunState.Running;
    }
}
