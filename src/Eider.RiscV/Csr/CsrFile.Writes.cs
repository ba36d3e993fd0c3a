namespace Eider.RiscV.Csr;

/// <content>Writes.</content>
internal sealed unsafe partial class CsrFile
{
    /// <summary>Writes a register, whatever the current mode; what is not writable in it keeps its value.</summary>
    /// <returns>False if there is none of that number.</returns>
    public bool TryWrite(uint csr, ulong value) => csr switch
    {
        < 0x100 => TryWriteUser(csr, value),
        < 0x200 => TryWriteSupervisor(csr, value),
        _ => TryWriteMachine(csr, value) || TryWriteMachineGroups(csr, value),
    };

    private bool TryWriteUser(uint csr, ulong value)
    {
        switch (csr)
        {
            case CsrNumber.Fflags:
                _state->Fflags = (uint)value & 0x1F;
                break;
            case CsrNumber.Frm:
                _state->Frm = (uint)value & 7;
                break;
            case CsrNumber.Fcsr:
                _state->Fflags = (uint)value & 0x1F;
                _state->Frm = (uint)(value >> 5) & 7;
                break;
            default:
                return false;
        }

        DirtyFloatingPoint();
        return true;
    }

    private bool TryWriteSupervisor(uint csr, ulong value)
    {
        switch (csr)
        {
            case CsrNumber.Sstatus:
                WriteStatus(value, Status.SupervisorWritable);
                return true;
            case CsrNumber.Sie:
                _state->Mie = Merge(_state->Mie, value, _state->Mideleg);
                return true;
            case CsrNumber.Stvec:
                _state->Stvec = value & ~2UL;
                return true;
            case CsrNumber.Scounteren:
                _state->Scounteren = value & CounterMask;
                return true;
            case CsrNumber.Senvcfg:
                _state->Senvcfg = value & EnvironmentConfiguration.Fiom;
                return true;
            case CsrNumber.Sscratch:
                _state->Sscratch = value;
                return true;
            case CsrNumber.Sepc:
                _state->Sepc = value & ~1UL;
                return true;
            case CsrNumber.Scause:
                _state->Scause = value;
                return true;
            case CsrNumber.Stval:
                _state->Stval = value;
                return true;
            case CsrNumber.Sip:
                _state->MipLatched = Merge(_state->MipLatched, value, InterruptBits.Ssip & _state->Mideleg);
                return true;
            case CsrNumber.Stimecmp:
                WriteStimecmp(value);
                return true;
            case CsrNumber.Satp:
                WriteSatp(value);
                return true;
            default:
                return false;
        }
    }

    private bool TryWriteMachine(uint csr, ulong value)
    {
        switch (csr)
        {
            case CsrNumber.Mstatus:
                WriteStatus(value, Status.MachineWritable);
                return true;
            case CsrNumber.Medeleg:
                _state->Medeleg = value & DelegableExceptions;
                return true;
            case CsrNumber.Mideleg:
                _state->Mideleg = value & InterruptBits.Supervisor;
                return true;
            case CsrNumber.Mie:
                _state->Mie = value & InterruptBits.All;
                return true;
            case CsrNumber.Mtvec:
                _state->Mtvec = value & ~2UL;
                return true;
            case CsrNumber.Mcounteren:
                _state->Mcounteren = value & CounterMask;
                return true;
            case CsrNumber.Menvcfg:
                _state->Menvcfg = value & EnvironmentConfiguration.MachineWritable;
                RefreshTimer();
                return true;
            case CsrNumber.Mcountinhibit:
                WriteInhibit(value & 5);
                return true;
            case CsrNumber.Mscratch:
                _state->Mscratch = value;
                return true;
            case CsrNumber.Mepc:
                _state->Mepc = value & ~1UL;
                return true;
            case CsrNumber.Mcause:
                _state->Mcause = value;
                return true;
            case CsrNumber.Mtval:
                _state->Mtval = value;
                return true;
            case CsrNumber.Mip:
                var writable = InterruptBits.Ssip | InterruptBits.Seip | (HasStimecmp ? 0 : InterruptBits.Stip);
                _state->MipLatched = Merge(_state->MipLatched, value, writable);
                return true;
            default:
                return false;
        }
    }

    private bool TryWriteMachineGroups(uint csr, ulong value)
    {
        switch (csr)
        {
            case CsrNumber.Mcycle:
                _state->CycleBase = CounterBase(value, 1);
                return true;
            case CsrNumber.Minstret:
                _state->InstretBase = CounterBase(value, 4);
                return true;
            case >= CsrNumber.Pmpcfg0 and <= CsrNumber.Pmpcfg15 when (csr & 1) == 0:
                _mmu.Pmp.WriteConfig(csr - CsrNumber.Pmpcfg0, value);
                _mmu.FlushAll();
                return true;
            case >= CsrNumber.Pmpaddr0 and <= CsrNumber.Pmpaddr63:
                _mmu.Pmp.WriteAddress(csr - CsrNumber.Pmpaddr0, value);
                _mmu.FlushAll();
                return true;
            case >= CsrNumber.Mhpmcounter3 and <= CsrNumber.Mhpmcounter31:
            case >= CsrNumber.Mhpmevent3 and <= CsrNumber.Mhpmevent31:
            case CsrNumber.Misa or CsrNumber.Tselect or CsrNumber.Tdata1 or CsrNumber.Tdata2 or CsrNumber.Tdata3:
                return true; // nothing in them can change
            default:
                return false;
        }
    }

    private void WriteStatus(ulong value, ulong writable)
    {
        var old = _state->Mstatus;
        if ((writable & Status.Mpp) != 0 && ((value & Status.Mpp) >> Status.MppShift) == 2)
        {
            writable &= ~Status.Mpp; // there is no mode 2
        }

        _state->Mstatus = Merge(old, value, writable);
        if (((old ^ _state->Mstatus) & Status.Mxr) != 0)
        {
            _mmu.FlushTranslated();
        }

        _mmu.SelectMode();
    }

    // A mode that does not exist changes nothing, not even the root: kernels probe so.
    private void WriteSatp(ulong value)
    {
        if ((value >> 60) is not (0 or 8 or 9 or 10) || value == _state->Satp)
        {
            return;
        }

        _state->Satp = value;
        _mmu.FlushTranslated();
    }

    private void WriteInhibit(ulong value)
    {
        var changed = value ^ _state->Mcountinhibit;
        if ((changed & 1) != 0)
        {
            _state->CycleBase = Freeze(_state->CycleBase, (value & 1) != 0);
        }

        if ((changed & 4) != 0)
        {
            _state->InstretBase = Freeze(_state->InstretBase, (value & 4) != 0);
        }

        _state->Mcountinhibit = value;
    }

    // The writing instruction itself still counts before it is inhibited, and is the first one that does not after.
    private ulong Freeze(ulong counterBase, bool inhibit) =>
        inhibit ? counterBase + _state->Retired + 1 : counterBase - (_state->Retired + 1);

    // The write takes effect after the instruction that makes it, which is retired by then.
    private ulong CounterBase(ulong value, ulong inhibitBit) =>
        (_state->Mcountinhibit & inhibitBit) != 0 ? value : value - (_state->Retired + 1);

    private static ulong Merge(ulong old, ulong value, ulong writable) => (old & ~writable) | (value & writable);
}
