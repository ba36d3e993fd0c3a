using Eider.Hardware.Lifecycle;
using Eider.RiscV.Tests.Support;

namespace Eider.RiscV.Tests;

/// <summary>Decoded code follows what is written to memory: by harts after fence.i, by devices at once.</summary>
public sealed class CodeCoherenceTests
{
    private const ulong Function = TestMachine.RamBase + 0x3000;
    private const uint AddiA0Zero1 = 0x00100513;
    private const uint AddiA0Zero2 = 0x00200513;
    private const uint Return = 0x00008067;

    [Fact]
    public void A_program_that_rewrites_a_function_runs_the_new_one_after_fence_i()
    {
        using var machine = new TestMachine();
        machine.Load(Function, new Assembler(Function).Word(AddiA0Zero1).Word(Return).ToArray());
        machine.Load(new Assembler(TestMachine.RamBase)
            .Li(5, Function).Li(6, AddiA0Zero2).Li(20, 50)
            .Label("loop")
            .Li(6, AddiA0Zero1).Sw(6, 5, 0).FenceI().Jalr(1, 5, 0).Add(8, 8, 10)
            .Li(6, AddiA0Zero2).Sw(6, 5, 0).FenceI().Jalr(1, 5, 0).Add(8, 8, 10)
            .Addi(20, 20, -1).Bne(20, 0, "loop").Wfi());

        machine.RunUntilIdle();

        Assert.Equal(50UL * 3, machine.Hart.X(8));
    }

    [Fact]
    public void Code_and_data_in_one_page_stay_apart()
    {
        using var machine = new TestMachine();
        machine.Load(new Assembler(TestMachine.RamBase)
            .Li(5, TestMachine.RamBase + 0x800).Li(6, 1000)
            .Label("loop").Ld(7, 5, 0).Add(7, 7, 6).Sd(7, 5, 0).Addi(6, 6, -1).Bne(6, 0, "loop").Wfi());

        machine.RunUntilIdle();

        Assert.Equal(1000UL * 1001 / 2, machine.Read64(TestMachine.RamBase + 0x800));
    }

    [Fact]
    public void A_device_that_writes_code_is_followed_without_a_fence()
    {
        using var machine = new TestMachine();
        machine.Load(new Assembler(TestMachine.RamBase).Label("loop").Addi(5, 5, 1).J("loop"));
        machine.Engine.Run(5000);
        Assert.True(machine.Hart.X(5) > 1000);

        machine.Load(TestMachine.RamBase, new Assembler(TestMachine.RamBase).Wfi().ToArray());
        machine.Load(TestMachine.RamBase + 4, new Assembler(TestMachine.RamBase + 4).Wfi().ToArray());

        Assert.Equal(EngineStop.Waiting, machine.RunUntilIdle(100_000));
    }

    [Fact]
    public async Task A_device_on_another_thread_that_writes_code_ends_a_loop()
    {
        using var machine = new TestMachine();
        machine.Load(new Assembler(TestMachine.RamBase).Label("loop").Addi(5, 5, 1).J("loop"));
        var patch = new Assembler(TestMachine.RamBase).Wfi().Wfi().ToArray();
        var writer = Task.Run(() => machine.Ram.TryWrite(TestMachine.RamBase, patch), TestContext.Current.CancellationToken);
        var stop = EngineStop.BudgetSpent;
        for (var i = 0; i < 100_000 && stop != EngineStop.Waiting; i++)
        {
            stop = machine.Engine.Run(10_000);
        }

        Assert.True(await writer);
        Assert.Equal(EngineStop.Waiting, stop);
    }

    [Fact]
    public void A_full_code_cache_starts_anew_and_the_program_goes_on()
    {
        using var machine = new TestMachine(codeCacheOperations: 200);
        var program = new Assembler(TestMachine.RamBase).Li(6, 200).Label("loop");
        for (var i = 0; i < 300; i++)
        {
            program.Addi(5, 5, 1).J($"l{i}").Label($"l{i}");
        }

        program.Addi(6, 6, -1).Branch(0, 6, 0, "end").J("loop").Label("end").Wfi();
        machine.Load(program);

        machine.RunUntilIdle();

        Assert.Equal(300UL * 200, machine.Hart.X(5));
    }

    [Fact]
    public void Dirty_tracking_sees_a_store_after_the_page_was_written_directly()
    {
        using var machine = new TestMachine();
        machine.Load(new Assembler(TestMachine.RamBase).Label("loop").Sd(5, 6, 0).J("loop"));
        machine.Hart.SetX(6, TestMachine.RamBase + 0x5000);
        machine.Engine.Run(1000);
        machine.Ram.StartDirtyTracking();

        machine.Engine.Run(1000);

        var dirty = new ulong[machine.Ram.Regions[0].SizeBytes / 4096 / 64];
        Assert.Equal(1UL, machine.Ram.TakeDirtyPages(machine.Ram.Regions[0], dirty));
        Assert.Equal(1UL << 5, dirty[0]);
        machine.Engine.Run(1000);
        Assert.Equal(1UL, machine.Ram.TakeDirtyPages(machine.Ram.Regions[0], dirty));
    }
}
