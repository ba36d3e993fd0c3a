using System.Runtime.CompilerServices;
using Eider.Hardware.Interrupts;
using Eider.RiscV.Csr;
using Eider.RiscV.Execution;
using Eider.RiscV.Memory;

namespace Eider.RiscV;

/// <summary>
/// One RISC-V hart: its registers for debuggers and tests, its traps, interrupts and turns. Registers may be touched
/// only while the engine does not run.
/// </summary>
public sealed unsafe partial class Hart
{
    private readonly ulong[] _storage;
    private readonly RiscVEngine _engine;
    private readonly HartPins _pins;
    private readonly Interpreter _interpreter;

    internal Hart(RiscVEngine engine, RiscVEngineOptions options, CodeCache code, int id)
    {
        _engine = engine;
        _pins = options.Pins[id];
        Id = id;
        _storage = GC.AllocateArray<ulong>((sizeof(HartState) + 64) / sizeof(ulong), pinned: true);

        // SAFETY: pinned, as long as this object lives; 64 spare bytes pay for the alignment.
        State = (HartState*)(((nuint)Unsafe.AsPointer(ref _storage[0]) + 63) & ~(nuint)63);
        Mmu = new Mmu(State, options, code);
        Csrs = new CsrFile(State, Mmu, _pins, options.Timebase, (ulong)id, Wake);
        _interpreter = new Interpreter(this, code);
        _pins.Changed += Wake;
    }

    /// <summary>Number of the hart, from 0; <c>mhartid</c>.</summary>
    public int Id { get; }

    /// <summary>What the hart does.</summary>
    public HartRunState RunState { get; internal set; }

    /// <summary>Address of the next instruction.</summary>
    public ulong Pc
    {
        get => State->Pc;
        set => State->Pc = value & ~1UL;
    }

    /// <summary>Current privilege mode.</summary>
    public PrivilegeMode Privilege
    {
        get => State->Privilege;
        set
        {
            State->Privilege = value;
            Mmu.SelectMode();
            LookForInterrupts();
        }
    }

    /// <summary>Instructions that this hart retired.</summary>
    public ulong RetiredInstructions => Volatile.Read(ref State->Retired);

    internal HartState* State { get; }

    internal Mmu Mmu { get; }

    internal CsrFile Csrs { get; }

    internal RiscVEngine Engine => _engine;

    /// <summary>Reads an integer register.</summary>
    /// <param name="index">0 to 31.</param>
    public ulong X(int index) => State->X[Check(index)];

    /// <summary>Writes an integer register; x0 stays 0.</summary>
    /// <param name="index">0 to 31.</param>
    /// <param name="value">The value.</param>
    public void SetX(int index, ulong value)
    {
        if (Check(index) != 0)
        {
            State->X[index] = value;
        }
    }

    /// <summary>Reads a floating-point register as it is; a single is boxed in ones.</summary>
    /// <param name="index">0 to 31.</param>
    public ulong F(int index) => State->F[Check(index)];

    /// <summary>Writes a floating-point register as it is.</summary>
    /// <param name="index">0 to 31.</param>
    /// <param name="value">The raw bits.</param>
    public void SetF(int index, ulong value) => State->F[Check(index)] = value;

    /// <summary>Reads a control and status register, whatever the current mode.</summary>
    /// <param name="number">Its 12-bit number.</param>
    /// <param name="value">Its value.</param>
    /// <returns>False if there is none of that number.</returns>
    public bool TryReadCsr(int number, out ulong value) => Csrs.TryRead((uint)number & 0xFFF, out value);

    /// <summary>Writes a control and status register, whatever the current mode, with all its effects.</summary>
    /// <param name="number">Its 12-bit number.</param>
    /// <param name="value">What to write; fields that cannot take it keep their value.</param>
    /// <returns>False if there is none of that number, or it is read-only.</returns>
    public bool TryWriteCsr(int number, ulong value)
    {
        LookForInterrupts();
        return ((uint)number & 0xFFF) < 0xC00 && Csrs.TryWrite((uint)number & 0xFFF, value);
    }

    internal void Reset(RiscVEngineOptions options)
    {
        State->Mstatus = Status.XlenFields;
        State->Stimecmp = ulong.MaxValue;
        State->Scounteren = 7; // the reset value is free; stock kernels rely on a firmware having opened them
        if (options.Start == RiscVStartMode.Machine)
        {
            State->Privilege = PrivilegeMode.Machine;
            Mmu.Pmp.Update();
            Mmu.SelectMode();
            Begin(options.EntryPoint, options.DeviceTreeAddress);
            return;
        }

        State->Mcounteren = 7;
        State->Menvcfg = EnvironmentConfiguration.Stce | EnvironmentConfiguration.Adue;
        State->Medeleg = 0xB1FF;
        State->Mideleg = InterruptBits.Supervisor;
        Mmu.Pmp.AllowAll();
        if (Id == 0)
        {
            StartSupervisor(options.EntryPoint, options.DeviceTreeAddress);
        }
        else
        {
            RunState = HartRunState.Stopped;
        }
    }

    /// <summary>Begins in S-mode as a boot protocol and <c>hart_start</c> want it.</summary>
    internal void StartSupervisor(ulong address, ulong opaque)
    {
        State->Privilege = PrivilegeMode.Supervisor;
        State->Satp = 0;
        State->Mie = 0;
        State->MipLatched = 0;
        State->Mstatus &= ~(Status.Sie | Status.Sum | Status.Mxr);
        Csrs.WriteStimecmp(ulong.MaxValue);
        Mmu.FlushAll();
        Mmu.SelectMode();
        Begin(address, opaque);
    }

    /// <summary>Stops listening to the pins.</summary>
    internal void Detach()
    {
        _pins.Changed -= Wake;
        Csrs.DisarmTimer();
    }

    internal void Stop() => RunState = HartRunState.Stopped;

    /// <summary>Ends a reservation; done when another hart has its turn.</summary>
    internal void EndReservation() => State->HasReservation = false;

    /// <summary>Makes the hart leave its blocks and look around at the next one; callable from any thread.</summary>
    internal void LookForInterrupts() => Volatile.Write(ref State->Attention, 1);

    /// <summary>As <see cref="LookForInterrupts"/>, and wakes the owner of the machine.</summary>
    internal void Wake()
    {
        LookForInterrupts();
        _engine.WorkAvailable?.Invoke();
    }

    private void Begin(ulong address, ulong opaque)
    {
        State->X[10] = (ulong)Id;
        State->X[11] = opaque;
        State->Pc = address;
        State->HasReservation = false;
        RunState = HartRunState.Running;
        Volatile.Write(ref State->Attention, 1);
    }

    private static int Check(int index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(index, 31);
        return index;
    }
}
