using Eider.Hardware.Lifecycle;
using Eider.RiscV.Tests.Support;

namespace Eider.RiscV.Tests;

public sealed class ProgramTests
{
    [Fact]
    public void Harts_in_machine_mode_begin_at_the_entry_point_with_hart_id_and_device_tree()
    {
        using var machine = new TestMachine(harts: 2);
        Assert.All(machine.Engine.Harts, hart =>
        {
            Assert.Equal(TestMachine.RamBase, hart.Pc);
            Assert.Equal((ulong)hart.Id, hart.X(10));
            Assert.Equal(0x8700_0000UL, hart.X(11));
            Assert.Equal(PrivilegeMode.Machine, hart.Privilege);
        });
    }

    [Fact]
    public void A_loop_that_sums_runs_to_wfi_and_counts_its_instructions_exactly()
    {
        using var machine = new TestMachine();
        machine.Load(new Assembler(TestMachine.RamBase)
            .Addi(5, 0, 0).Li(6, 1000)
            .Label("loop").Add(5, 5, 6).Addi(6, 6, -1).Bne(6, 0, "loop")
            .Wfi());

        Assert.Equal(EngineStop.Waiting, machine.RunUntilIdle());

        Assert.Equal(1000UL * 1001 / 2, machine.Hart.X(5));
        Assert.Equal(2UL + (3 * 1000) + 1, machine.Engine.RetiredInstructions);
    }

    [Fact]
    public void A_call_and_return_through_the_stack_in_another_page_works()
    {
        using var machine = new TestMachine();
        var program = new Assembler(TestMachine.RamBase)
            .Li(2, TestMachine.RamBase + 0x10000)
            .Jal(1, "function").Wfi();
        while (program.Here < TestMachine.RamBase + 0x1800)
        {
            program.Nop();
        }

        program.Label("function").Addi(2, 2, -16).Sd(1, 2, 8).Addi(10, 0, 77).Ld(1, 2, 8).Addi(2, 2, 16).Jalr(0, 1, 0);
        machine.Load(program);

        machine.RunUntilIdle();

        Assert.Equal(77UL, machine.Hart.X(10));
        Assert.Equal(TestMachine.RamBase + 0x10000, machine.Hart.X(2));
    }

    [Fact]
    public void Results_for_x0_go_nowhere()
    {
        using var machine = new TestMachine();
        machine.Load(new Assembler(TestMachine.RamBase).Addi(0, 0, 5).Lui(0, 5).Add(5, 0, 0).Jal(0, "next").Label("next").Wfi());

        machine.RunUntilIdle();

        Assert.Equal(0UL, machine.Hart.X(0));
        Assert.Equal(0UL, machine.Hart.X(5));
    }
}
