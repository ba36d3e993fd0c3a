using Eider.Hardware.Interrupts;
using Eider.Hardware.Time;
using Eider.RiscV.Execution;
using Eider.RiscV.Memory;

namespace Eider.RiscV.Csr;

/// <summary>
/// The control and status registers of one hart: who may touch which, and what a read or write does
/// (Privileged ISA, "CSR Listing" and the chapters on each level). Values live in the hart's state.
/// </summary>
internal sealed unsafe partial class CsrFile
{
    /// <summary>RV64 with A, B, C, D, F, I, M, S and U; nothing of it can be switched off.</summary>
    public const ulong Misa = (2UL << 62) | 1 | (1 << 1) | (1 << 2) | (1 << 3) | (1 << 5) | (1 << 8) | (1 << 12) | (1 << 18) | (1 << 20);

    private const ulong CounterMask = 7;
    private const ulong DelegableExceptions = 0xB3FF;
    private const uint FirstReadOnly = 0xC00;

    private readonly HartState* _state;
    private readonly Mmu _mmu;
    private readonly HartPins _pins;
    private readonly Timebase _timebase;
    private readonly TimebaseTimer _timer;
    private readonly ulong _hartId;

    /// <summary>Makes the registers of a hart; values are set by whoever resets it.</summary>
    public CsrFile(HartState* state, Mmu mmu, HartPins pins, Timebase timebase, ulong hartId, Action timerFired)
    {
        _state = state;
        _mmu = mmu;
        _pins = pins;
        _timebase = timebase;
        _hartId = hartId;
        _timer = timebase.CreateTimer(() =>
        {
            RefreshTimer();
            timerFired();
        });
    }

    /// <summary><c>mip</c>: what pins, timer and software assert.</summary>
    public ulong Pending => _state->MipLatched | (_pins.Levels & InterruptBits.All);

    private bool HasStimecmp => (_state->Menvcfg & EnvironmentConfiguration.Stce) != 0;

    /// <summary>True if a register exists and the current mode may reach it, so or for writing.</summary>
    public bool MayAccess(uint csr, bool isWrite)
    {
        if (((csr >> 8) & 3) > (uint)_state->Privilege || (isWrite && csr >= FirstReadOnly))
        {
            return false;
        }

        return csr switch
        {
            CsrNumber.Fflags or CsrNumber.Frm or CsrNumber.Fcsr => (_state->Mstatus & Status.Fs) != 0,
            CsrNumber.Satp => _state->Privilege != PrivilegeMode.Supervisor || (_state->Mstatus & Status.Tvm) == 0,
            CsrNumber.Stimecmp => _state->Privilege == PrivilegeMode.Machine || (HasStimecmp && (_state->Mcounteren & 2) != 0),
            >= CsrNumber.Cycle and <= CsrNumber.Cycle + 31 => MayReadCounter((int)(csr - CsrNumber.Cycle)),
            _ => true,
        };
    }

    /// <summary>Sets STIP when <c>time</c> reached <c>stimecmp</c>, else arms the timer for it.</summary>
    public void RefreshTimer()
    {
        if (!HasStimecmp)
        {
            _timer.Disarm();
            return;
        }

        if (_timebase.Now >= _state->Stimecmp)
        {
            _state->MipLatched |= InterruptBits.Stip;
            return;
        }

        _state->MipLatched &= ~InterruptBits.Stip;
        if (_state->Stimecmp == ulong.MaxValue)
        {
            _timer.Disarm();
        }
        else
        {
            _timer.Arm(_state->Stimecmp);
        }
    }

    /// <summary>Takes the timer from the timebase.</summary>
    public void DisarmTimer() => _timer.Disarm();

    /// <summary>Writes <c>stimecmp</c>, also for the SBI's <c>set_timer</c>.</summary>
    public void WriteStimecmp(ulong value)
    {
        _state->Stimecmp = value;
        RefreshTimer();
    }

    /// <summary>What read-modify-write instructions modify: of <c>mip.SEIP</c> only the bit that software set.</summary>
    public ulong ReadForModify(uint csr, ulong read) =>
        csr == CsrNumber.Mip ? (read & ~InterruptBits.Seip) | (_state->MipLatched & InterruptBits.Seip) : read;

    /// <summary>Marks the floating-point state as changed.</summary>
    public void DirtyFloatingPoint() => _state->Mstatus |= Status.Fs;

    private bool MayReadCounter(int counter)
    {
        var bit = 1UL << counter;
        if (_state->Privilege == PrivilegeMode.Machine)
        {
            return counter < 3;
        }

        return (_state->Mcounteren & bit) != 0
            && (_state->Privilege == PrivilegeMode.Supervisor || (_state->Scounteren & bit) != 0);
    }
}
