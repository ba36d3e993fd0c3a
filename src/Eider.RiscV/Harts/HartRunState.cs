namespace Eider.RiscV;

/// <summary>What a hart does.</summary>
public enum HartRunState
{
    /// <summary>It runs when it is its turn.</summary>
    Running,

    /// <summary>It waits for an interrupt (wfi, or a retentive suspend of the SBI).</summary>
    WaitingForInterrupt,

    /// <summary>It waits for a device that answers an access later.</summary>
    WaitingForBus,

    /// <summary>It is stopped until another hart starts it (SBI hart state management).</summary>
    Stopped,
}
