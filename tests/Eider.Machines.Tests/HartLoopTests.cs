using Eider.Hardware.Lifecycle;
using Eider.Hardware.Time;
using Eider.Machines.Running;

namespace Eider.Machines.Tests;

public sealed class HartLoopTests
{
    // A ring that feeds itself keeps its worker busy for ever; the machine can be stopped nevertheless.
    [Fact]
    public void A_worker_that_never_runs_out_of_work_leaves_the_harts_and_a_stop_their_turn()
    {
        var executor = new ManualExecutor();
        var engine = new CountingEngine();
        IWorker? worker = null;
        worker = executor.CreateWorker("self-feeding", () => worker!.Signal());
        worker.Signal();
        using var loop = new HartLoop(engine, new VirtualTimebase(), executor);

        var halted = loop.Run(() => engine.Runs >= 10);

        Assert.False(halted);
        Assert.Equal(10, engine.Runs);
    }

    private sealed class CountingEngine : ICpuEngine
    {
        public int Runs { get; private set; }

        public Action? WorkAvailable { get; set; }

        public ulong RetiredInstructions => 0;

        public int CpuCount => 1;

        public EngineStop Run(long instructionBudget)
        {
            Runs++;
            return EngineStop.BudgetSpent;
        }

        public void Interrupt()
        {
        }

        public void Dispose()
        {
        }
    }
}
