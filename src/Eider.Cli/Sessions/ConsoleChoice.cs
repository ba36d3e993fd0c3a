namespace Eider.Cli.Sessions;

/// <summary>Where one console of the guest goes.</summary>
/// <param name="IsVirtio">True for hvc0, false for the serial port.</param>
/// <param name="Input">File that the guest reads; null for none.</param>
/// <param name="Output">File that takes what the guest writes; null for none.</param>
internal sealed record ConsoleChoice(bool IsVirtio, string? Input, string? Output)
{
    /// <summary>True if it is on the user's terminal.</summary>
    public bool IsOnTerminal => Input == null && Output == null;
}
