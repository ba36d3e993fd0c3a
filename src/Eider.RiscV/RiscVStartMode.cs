namespace Eider.RiscV;

/// <summary>In which mode harts begin, and so who answers the supervisor's calls.</summary>
public enum RiscVStartMode
{
    /// <summary>
    /// The engine is the firmware: hart 0 begins in S-mode at the entry point with the SBI built in, the others
    /// are stopped until <c>hart_start</c> (SBI specification, "Hart State Management Extension").
    /// </summary>
    Supervisor,

    /// <summary>Every hart begins in M-mode at the entry point; there is no built-in SBI.</summary>
    Machine,
}
