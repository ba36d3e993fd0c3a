namespace Eider.Machines;

/// <summary>How a machine ended.</summary>
/// <param name="Reason">Why.</param>
/// <param name="Code">The exit code that the guest gave; 0 if it went well or said nothing.</param>
/// <param name="Fault">What went wrong in Eider itself; null unless the reason is <see cref="MachineExitReason.Faulted"/>.</param>
/// <param name="HostErrors">
/// What the host failed to do (a flush at the end, a write behind an I/O error of the guest), one line each; the
/// latest 100.
/// </param>
public sealed record MachineExit(
    MachineExitReason Reason, int Code, MachineFault? Fault, IReadOnlyList<string> HostErrors);
