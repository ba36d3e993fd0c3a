namespace Eider.Machines;

/// <summary>Why a machine ended.</summary>
public enum MachineExitReason
{
    /// <summary>The guest powered off.</summary>
    PoweredOff,

    /// <summary>The guest wished to restart; make a new machine of the same configuration for that.</summary>
    RestartRequested,

    /// <summary>The guest stopped its last hart.</summary>
    Halted,

    /// <summary>The host stopped it.</summary>
    Stopped,

    /// <summary>A fault of ours: see <see cref="MachineExit.Fault"/>.</summary>
    Faulted,
}
