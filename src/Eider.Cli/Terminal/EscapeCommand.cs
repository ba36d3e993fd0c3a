namespace Eider.Cli.Terminal;

/// <summary>What a user wants of Eider, and not of the guest, while the machine goes on.</summary>
internal enum EscapeCommand
{
    /// <summary>Ctrl-A C: the next disc.</summary>
    ChangeDisc,

    /// <summary>Ctrl-A H: what these keys are.</summary>
    Help,
}
