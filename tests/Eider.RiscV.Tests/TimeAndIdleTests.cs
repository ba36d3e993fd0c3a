using Eider.Hardware.Interrupts;
using Eider.Hardware.Lifecycle;
using Eider.RiscV.Tests.Support;

namespace Eider.RiscV.Tests;

public sealed class TimeAndIdleTests
{
    [Fact]
    public void Wfi_goes_on_at_the_next_instruction_for_an_interrupt_that_is_enabled_in_mie_alone()
    {
        using var machine = new TestMachine();
        machine.Load(new Assembler(TestMachine.RamBase).Wfi().Addi(5, 5, 1).Wfi());
        machine.SetCsr(0x304, 1 << 7);
        Assert.Equal(EngineStop.Waiting, machine.Engine.Run(100));
        machine.Pins[0].Set(HartPin.Msip, true); // not enabled
        Assert.Equal(EngineStop.Waiting, machine.Engine.Run(100));
        Assert.Equal(0UL, machine.Hart.X(5));
        machine.Pins[0].Set(HartPin.Mtip, true);
        Assert.Equal(EngineStop.BudgetSpent, machine.Engine.Run(2));
        Assert.Equal((1UL, TestMachine.RamBase + 12), (machine.Hart.X(5), machine.Hart.Pc));
    }

    [Fact]
    public void A_pin_that_moves_tells_the_owner_of_the_machine()
    {
        using var machine = new TestMachine();
        var told = 0;
        machine.Engine.WorkAvailable = () => told++;
        machine.Pins[0].Set(HartPin.Meip, true);
        Assert.Equal(1, told);
        machine.Engine.Dispose();
        machine.Pins[0].Set(HartPin.Meip, false);
        Assert.Equal(1, told);
    }

    [Fact]
    public void Time_is_the_timebase()
    {
        using var machine = new TestMachine();
        machine.Load(new Assembler(TestMachine.RamBase).Csrr(5, 0xC01).Csrr(6, 0xC01));
        machine.Time.Advance(123456);
        machine.Step();
        machine.Time.Advance(1);
        machine.Step();
        Assert.Equal((123456UL, 123457UL), (machine.Hart.X(5), machine.Hart.X(6)));
    }

    [Fact]
    public void Spec_Sstc_STIP_follows_stimecmp_and_wakes_at_the_deadline()
    {
        using var machine = new TestMachine(start: RiscVStartMode.Supervisor);
        machine.Load(new Assembler(TestMachine.RamBase).Csrw(0x14D, 5).Csrr(6, 0x144).Wfi().Csrr(7, 0x144).Csrw(0x14D, 8).Csrr(9, 0x144));
        machine.Hart.SetX(5, 1000);
        machine.Hart.SetX(8, ulong.MaxValue);
        machine.SetCsr(0x104, 0x20);
        Assert.Equal(EngineStop.Waiting, machine.Engine.Run(100));
        Assert.Equal((0UL, 1000UL), (machine.Hart.X(6), machine.Time.NextDeadline));

        machine.Time.AdvanceTo(999);
        machine.Time.RunDueTimers();
        Assert.Equal(EngineStop.Waiting, machine.Engine.Run(100));
        machine.Time.AdvanceTo(1000);
        machine.Time.RunDueTimers();
        machine.Step(3);
        Assert.Equal((0x20UL, 0UL), (machine.Hart.X(7), machine.Hart.X(9)));
        Assert.Equal(ulong.MaxValue, machine.Time.NextDeadline);
    }

    [Fact]
    public void Spec_Sstc_stimecmp_is_illegal_in_supervisor_mode_without_STCE_or_TM()
    {
        foreach (var (menvcfg, mcounteren, allowed) in new[] { (0UL, 2UL, false), (1UL << 63, 0UL, false), (1UL << 63, 2UL, true) })
        {
            using var machine = new TestMachine();
            machine.Load(new Assembler(TestMachine.RamBase).Csrr(5, 0x14D));
            machine.SetCsr(0x3B0, ulong.MaxValue);
            machine.SetCsr(0x3A0, 0x1F);
            machine.SetCsr(0x30A, menvcfg);
            machine.SetCsr(0x306, mcounteren);
            machine.Hart.Privilege = PrivilegeMode.Supervisor;
            machine.Step();
            Assert.Equal(allowed, machine.Hart.Pc == TestMachine.RamBase + 4);
        }
    }

    [Fact]
    public void Interrupt_makes_a_running_engine_return()
    {
        using var machine = new TestMachine();
        machine.Load(new Assembler(TestMachine.RamBase).Label("l").J("l"));
        var interrupter = new Thread(machine.Engine.Interrupt);
        interrupter.Start();
        Assert.Equal(EngineStop.BudgetSpent, machine.Engine.Run(long.MaxValue));
        interrupter.Join();
    }

    [Fact]
    public void An_endless_row_of_traps_spends_the_budget_without_retiring_anything()
    {
        using var machine = new TestMachine(); // mtvec 0 is no memory: the handler's fetch faults, and so on
        machine.Load(new Assembler(TestMachine.RamBase).Word(0));
        Assert.Equal(EngineStop.BudgetSpent, machine.Engine.Run(10_000));
        Assert.Equal(0UL, machine.Engine.RetiredInstructions);
    }

    [Fact]
    public void The_same_program_on_a_virtual_clock_gives_the_same_count_and_state_twice()
    {
        var first = RunContenders();
        Assert.Equal(first, RunContenders());
        Assert.Equal(4 * 500UL, first.Sum);
    }

    // Four harts take a spin lock in turn and add to a shared counter that is not atomic.
    private static (ulong Sum, ulong Retired, string Registers) RunContenders()
    {
        const ulong Shared = TestMachine.RamBase + 0x5000;
        using var machine = new TestMachine(harts: 4, sliceInstructions: 77);
        machine.Load(new Assembler(TestMachine.RamBase)
            .Li(5, Shared).Li(6, 500).Addi(7, 0, 1)
            .Label("take").Amo(2, 3, 8, 5, 0).Bne(8, 0, "take").Amo(3, 3, 8, 5, 7).Bne(8, 0, "take")
            .Ld(9, 5, 64).Addi(9, 9, 1).Nop().Nop().Sd(9, 5, 64)
            .Amo(1, 3, 0, 5, 0)
            .Csrr(12, 0xC01)
            .Addi(6, 6, -1).Bne(6, 0, "take").Wfi());
        machine.RunUntilIdle();
        return (machine.Read64(Shared + 64), machine.Engine.RetiredInstructions, string.Join(',', machine.Engine.Harts.Select(hart => $"{hart.RetiredInstructions}:{hart.X(12)}")));
    }
}
