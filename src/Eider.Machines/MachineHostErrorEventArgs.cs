namespace Eider.Machines;

/// <summary>Something that the host failed to do for the guest.</summary>
/// <param name="message">What, in one line.</param>
public sealed class MachineHostErrorEventArgs(string message) : EventArgs
{
    /// <summary>What, in one line.</summary>
    public string Message { get; } = message;
}
