using Eider.Hardware.Lifecycle;
using Eider.Hardware.Time;

namespace Eider.Machines.Running;

/// <summary>
/// Runs the harts of a machine on the calling thread until it is told to stop: the engine for a while, then timers and,
/// in a deterministic machine, the devices' workers; sleeps when every hart waits.
/// </summary>
/// <param name="engine">The harts.</param>
/// <param name="timebase">The clock; a virtual one is moved by the instructions that retire.</param>
/// <param name="workers">The devices' workers if they run on this thread; null if they have threads of their own.</param>
internal sealed class HartLoop(ICpuEngine engine, Timebase timebase, ManualExecutor? workers) : IDisposable
{
    // How late a timer may be noticed: some hundred microseconds of a busy hart.
    private const long InstructionsPerLook = 50_000;

    // A deterministic machine looks more often, since its time stands still in between; it retires 100 million
    // instructions a second of its own time.
    private const long VirtualInstructionsPerLook = 10_000;
    private const ulong InstructionsPerTick = 10;

    // A guest can let a device write into its own rings, so that each request makes the next one available and a
    // worker never runs out of work: the harts, and a wish to stop, get their turn all the same.
    private const int WorkerRunsPerLook = 256;

    private readonly AutoResetEvent _wake = new(initialState: false);
    private readonly VirtualTimebase? _virtual = timebase as VirtualTimebase;
    private long _cpuTicks;
    private ulong _counted; // instructions that the virtual clock has seen

    /// <summary>CPU time of the thread that runs the harts.</summary>
    public TimeSpan CpuTime => new(Volatile.Read(ref _cpuTicks));

    /// <summary>Runs until <paramref name="isStopped"/> says so, or every hart was stopped by the guest.</summary>
    /// <returns>True if the guest stopped every hart.</returns>
    public bool Run(Func<bool> isStopped)
    {
        engine.WorkAvailable = Wake;
        timebase.DeadlineMoved = Wake;
        if (workers is not null)
        {
            workers.WorkAvailable = Wake;
        }

        var cpuAtStart = ThreadCpuClock.Elapsed ?? TimeSpan.Zero;
        for (var look = 0U; !isStopped(); look = unchecked(look + 1))
        {
            var stop = engine.Run(_virtual is null ? InstructionsPerLook : VirtualInstructionsPerLook);
            Advance();
            timebase.RunDueTimers();
            var ran = workers?.RunPending(WorkerRunsPerLook) > 0;
            if (stop == EngineStop.Halted)
            {
                return true;
            }

            var idle = stop == EngineStop.Waiting && !ran;
            if (idle || look % 64 == 0)
            {
                Volatile.Write(ref _cpuTicks, ((ThreadCpuClock.Elapsed ?? TimeSpan.Zero) - cpuAtStart).Ticks);
            }

            if (idle)
            {
                Sleep();
            }
        }

        Volatile.Write(ref _cpuTicks, ((ThreadCpuClock.Elapsed ?? TimeSpan.Zero) - cpuAtStart).Ticks);
        return false;
    }

    /// <summary>Ends a sleep. Callable from any thread.</summary>
    public void Wake() => _wake.Set();

    /// <summary>Runs the devices' workers on this thread until a task is done; at once if they have threads of their own.</summary>
    public void RunWorkersUntil(Task task)
    {
        while (workers is not null && !task.IsCompleted)
        {
            workers.RunPending(WorkerRunsPerLook);
            _wake.WaitOne(1);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _wake.Dispose();

    private void Advance()
    {
        if (_virtual is not null)
        {
            var ticks = (engine.RetiredInstructions - _counted) / InstructionsPerTick;
            _counted += ticks * InstructionsPerTick;
            _virtual.Advance(ticks);
        }
    }

    private void Sleep()
    {
        var deadline = timebase.NextDeadline;
        if (_virtual is not null && deadline != ulong.MaxValue)
        {
            _virtual.AdvanceTo(deadline);
            timebase.RunDueTimers();
            return;
        }

        var now = timebase.Now;
        if (deadline == ulong.MaxValue)
        {
            _wake.WaitOne();
        }
        else if (deadline > now)
        {
            // Rounded up: a wait of 0 ms would spin until the deadline.
            var milliseconds = ((deadline - now) / (timebase.FrequencyHz / 1000)) + 1;
            _wake.WaitOne((int)Math.Min(milliseconds, int.MaxValue));
        }
    }
}
