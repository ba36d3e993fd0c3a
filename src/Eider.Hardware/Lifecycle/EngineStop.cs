namespace Eider.Hardware.Lifecycle;

/// <summary>Why <see cref="ICpuEngine.Run"/> returned.</summary>
public enum EngineStop
{
    /// <summary>The budget is spent, or <see cref="ICpuEngine.Interrupt"/> was called; call again.</summary>
    BudgetSpent,

    /// <summary>Every CPU waits for an interrupt or for a pending access; sleep until a pin or a timer moves.</summary>
    Waiting,

    /// <summary>Every CPU was stopped for good by the guest (HSM hart_stop of the last one).</summary>
    Halted,
}
