namespace Eider.Hardware.Lifecycle;

/// <summary>
/// A CPU engine: runs the virtual CPUs of one machine on the caller's thread until its budget is spent or it
/// has nothing to do, and says why it stopped. Whoever owns the machine calls it in a loop, looks after timers
/// and workers in between, and sleeps when every CPU waits.
/// </summary>
public interface ICpuEngine : IDisposable
{
    /// <summary>Runs for about <paramref name="instructionBudget"/> instructions, all CPUs together.</summary>
    EngineStop Run(long instructionBudget);

    /// <summary>Makes a running <see cref="Run"/> return soon. Callable from any thread.</summary>
    void Interrupt();

    /// <summary>
    /// Called, on any thread, when a CPU that waits may go on (a pin rose, a pending access completed), so that
    /// the owner of the machine stops sleeping. Must not block or throw.
    /// </summary>
    Action? WorkAvailable { get; set; }

    /// <summary>Instructions retired so far by all CPUs.</summary>
    ulong RetiredInstructions { get; }

    /// <summary>Number of CPUs.</summary>
    int CpuCount { get; }
}
