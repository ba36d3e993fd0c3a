using System.Numerics;
using Eider.RiscV.Csr;
using Eider.RiscV.Execution;

namespace Eider.RiscV;

/// <content>Traps and returns from them.</content>
public sealed unsafe partial class Hart
{
    private const ulong InterruptFlag = 1UL << 63;

    // Privileged ISA, "Machine Interrupt Registers": MEI, MSI, MTI, SEI, SSI, STI.
    private static ReadOnlySpan<byte> InterruptPriority => [11, 3, 7, 9, 1, 5];

    private bool HasWakingInterrupt => (Csrs.Pending & State->Mie) != 0;

    /// <summary>Takes the trap that a slow path left in the state; the pc is the faulting instruction's.</summary>
    internal void TakeException()
    {
        var cause = State->TrapCause;
        var value = cause == TrapCause.IllegalInstruction ? ReadInstruction() : State->TrapValue;
        TakeTrap((ulong)cause, value, IsDelegated(State->Medeleg, (int)cause));
    }

    /// <summary>Takes the most urgent interrupt that is enabled, if there is one.</summary>
    internal void TakeInterrupt()
    {
        var pending = Csrs.Pending & State->Mie;
        if (pending == 0)
        {
            return;
        }

        var privilege = State->Privilege;
        var toMachine = privilege < PrivilegeMode.Machine || (State->Mstatus & Status.Mie) != 0 ? pending & ~State->Mideleg : 0;
        var supervisorEnabled = privilege < PrivilegeMode.Supervisor
            || (privilege == PrivilegeMode.Supervisor && (State->Mstatus & Status.Sie) != 0);
        var chosen = toMachine != 0 ? toMachine : supervisorEnabled ? pending & State->Mideleg : 0;
        foreach (var number in InterruptPriority)
        {
            if ((chosen & (1UL << number)) != 0)
            {
                TakeTrap(InterruptFlag | number, 0, toMachine == 0);
                return;
            }
        }
    }

    /// <summary><c>sret</c>; allowed or not was looked at.</summary>
    internal void ReturnFromSupervisor()
    {
        var status = State->Mstatus;
        State->Privilege = (status & Status.Spp) != 0 ? PrivilegeMode.Supervisor : PrivilegeMode.User;
        status = Move(status, Status.Spie, Status.Sie) | Status.Spie;
        State->Mstatus = status & ~(Status.Spp | Status.Mprv);
        State->Pc = State->Sepc;
        EndTrap();
    }

    /// <summary><c>mret</c>; allowed or not was looked at.</summary>
    internal void ReturnFromMachine()
    {
        var status = State->Mstatus;
        State->Privilege = (PrivilegeMode)((status & Status.Mpp) >> Status.MppShift);
        status = Move(status, Status.Mpie, Status.Mie) | Status.Mpie;
        status &= State->Privilege == PrivilegeMode.Machine ? ~Status.Mpp : ~(Status.Mpp | Status.Mprv);
        State->Mstatus = status;
        State->Pc = State->Mepc;
        EndTrap();
    }

    private void TakeTrap(ulong cause, ulong value, bool toSupervisor)
    {
        var status = State->Mstatus;
        ulong vector;
        if (toSupervisor)
        {
            State->Sepc = State->Pc;
            State->Scause = cause;
            State->Stval = value;
            status = Move(status, Status.Sie, Status.Spie) & ~(Status.Sie | Status.Spp);
            State->Mstatus = status | (State->Privilege == PrivilegeMode.Supervisor ? Status.Spp : 0);
            State->Privilege = PrivilegeMode.Supervisor;
            vector = State->Stvec;
        }
        else
        {
            State->Mepc = State->Pc;
            State->Mcause = cause;
            State->Mtval = value;
            status = Move(status, Status.Mie, Status.Mpie) & ~(Status.Mie | Status.Mpp);
            State->Mstatus = status | ((ulong)State->Privilege << Status.MppShift);
            State->Privilege = PrivilegeMode.Machine;
            vector = State->Mtvec;
        }

        State->Pc = (vector & ~3UL) + ((vector & 1) != 0 && (cause & InterruptFlag) != 0 ? 4 * (cause & ~InterruptFlag) : 0);
        EndTrap();
    }

    private void EndTrap()
    {
        State->HasReservation = false;
        Mmu.SelectMode();
        if (HasWakingInterrupt)
        {
            Volatile.Write(ref State->Attention, 1);
        }
    }

    private bool IsDelegated(ulong delegation, int cause) =>
        State->Privilege != PrivilegeMode.Machine && BitOperations.IsPow2(delegation & (1UL << cause));

    // The instruction's own bits, 16 of a compressed one. It was fetched, so this finds it; if its mapping
    // was taken away meanwhile, 0 is allowed too.
    private ulong ReadInstruction()
    {
        var pc = State->Pc;
        if (!Mmu.TryFetchHalfword(pc, out var low))
        {
            return 0;
        }

        if ((low & 3) != 3)
        {
            return low;
        }

        return Mmu.TryFetchHalfword(pc + 2, out var high) ? low | (high << 16) : 0;
    }

    // A copy of one status bit in the place of another.
    private static ulong Move(ulong status, ulong from, ulong to) => (status & from) != 0 ? status | to : status & ~to;
}
