namespace Eider.RiscV.Csr;

/// <content>Reads.</content>
internal sealed unsafe partial class CsrFile
{
    /// <summary>Reads a register, whatever the current mode.</summary>
    /// <returns>False if there is none of that number.</returns>
    public bool TryRead(uint csr, out ulong value)
    {
        value = 0;
        return csr switch
        {
            < 0x100 or (>= CsrNumber.Cycle and < CsrNumber.Mvendorid) => TryReadUser(csr, ref value),
            < 0x200 => TryReadSupervisor(csr, ref value),
            _ => TryReadMachine(csr, ref value),
        };
    }

    private bool TryReadUser(uint csr, ref ulong value)
    {
        switch (csr)
        {
            case CsrNumber.Fflags:
                value = _state->Fflags;
                return true;
            case CsrNumber.Frm:
                value = _state->Frm;
                return true;
            case CsrNumber.Fcsr:
                value = _state->Fflags | (_state->Frm << 5);
                return true;
            case CsrNumber.Cycle:
                value = Counter(_state->CycleBase, 1);
                return true;
            case CsrNumber.Time:
                value = _timebase.Now;
                return true;
            case CsrNumber.Instret:
                value = Counter(_state->InstretBase, 4);
                return true;
            default:
                return false;
        }
    }

    private bool TryReadSupervisor(uint csr, ref ulong value)
    {
        switch (csr)
        {
            case CsrNumber.Sstatus:
                value = WithSummary(_state->Mstatus & (Status.SupervisorWritable | Status.UserXlen));
                return true;
            case CsrNumber.Sie:
                value = _state->Mie & _state->Mideleg;
                return true;
            case CsrNumber.Stvec:
                value = _state->Stvec;
                return true;
            case CsrNumber.Scounteren:
                value = _state->Scounteren;
                return true;
            case CsrNumber.Senvcfg:
                value = _state->Senvcfg;
                return true;
            case CsrNumber.Sscratch:
                value = _state->Sscratch;
                return true;
            case CsrNumber.Sepc:
                value = _state->Sepc;
                return true;
            case CsrNumber.Scause:
                value = _state->Scause;
                return true;
            case CsrNumber.Stval:
                value = _state->Stval;
                return true;
            case CsrNumber.Sip:
                value = ReadPending() & _state->Mideleg;
                return true;
            case CsrNumber.Stimecmp:
                value = _state->Stimecmp;
                return true;
            case CsrNumber.Satp:
                value = _state->Satp;
                return true;
            default:
                return false;
        }
    }

    private bool TryReadMachine(uint csr, ref ulong value)
    {
        switch (csr)
        {
            case CsrNumber.Mstatus:
                value = WithSummary(_state->Mstatus);
                return true;
            case CsrNumber.Misa:
                value = Misa;
                return true;
            case CsrNumber.Medeleg:
                value = _state->Medeleg;
                return true;
            case CsrNumber.Mideleg:
                value = _state->Mideleg;
                return true;
            case CsrNumber.Mie:
                value = _state->Mie;
                return true;
            case CsrNumber.Mtvec:
                value = _state->Mtvec;
                return true;
            case CsrNumber.Mcounteren:
                value = _state->Mcounteren;
                return true;
            case CsrNumber.Menvcfg:
                value = _state->Menvcfg;
                return true;
            case CsrNumber.Mcountinhibit:
                value = _state->Mcountinhibit;
                return true;
            case CsrNumber.Mscratch:
                value = _state->Mscratch;
                return true;
            case CsrNumber.Mepc:
                value = _state->Mepc;
                return true;
            case CsrNumber.Mcause:
                value = _state->Mcause;
                return true;
            case CsrNumber.Mtval:
                value = _state->Mtval;
                return true;
            case CsrNumber.Mip:
                value = ReadPending();
                return true;
            default:
                return TryReadMachineGroups(csr, ref value);
        }
    }

    private bool TryReadMachineGroups(uint csr, ref ulong value)
    {
        switch (csr)
        {
            case CsrNumber.Mcycle:
                value = Counter(_state->CycleBase, 1);
                return true;
            case CsrNumber.Minstret:
                value = Counter(_state->InstretBase, 4);
                return true;
            case CsrNumber.Mhartid:
                value = _hartId;
                return true;
            case >= CsrNumber.Pmpcfg0 and <= CsrNumber.Pmpcfg15:
                value = _mmu.Pmp.ReadConfig(csr - CsrNumber.Pmpcfg0);
                return (csr & 1) == 0; // the odd ones are of RV32
            case >= CsrNumber.Pmpaddr0 and <= CsrNumber.Pmpaddr63:
                value = _mmu.Pmp.ReadAddress(csr - CsrNumber.Pmpaddr0);
                return true;
            case >= CsrNumber.Mhpmcounter3 and <= CsrNumber.Mhpmcounter31:
            case >= CsrNumber.Mhpmevent3 and <= CsrNumber.Mhpmevent31:
            case CsrNumber.Mvendorid or CsrNumber.Marchid or CsrNumber.Mimpid or CsrNumber.Mconfigptr:
            case CsrNumber.Tselect or CsrNumber.Tdata1 or CsrNumber.Tdata2 or CsrNumber.Tdata3:
                return true; // no such counter, no identity, no trigger: 0
            default:
                return false;
        }
    }

    // STIP follows time itself, not the moment when somebody looked at the timer.
    private ulong ReadPending()
    {
        if (HasStimecmp && _timebase.Now >= _state->Stimecmp)
        {
            _state->MipLatched |= InterruptBits.Stip;
        }

        return Pending;
    }

    private ulong Counter(ulong counterBase, ulong inhibitBit) =>
        (_state->Mcountinhibit & inhibitBit) != 0 ? counterBase : counterBase + _state->Retired;

    private static ulong WithSummary(ulong status) =>
        (status & Status.Fs) == Status.Fs ? status | Status.Sd : status;
}
