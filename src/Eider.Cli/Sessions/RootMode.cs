namespace Eider.Cli.Sessions;

/// <summary>How the quickstart guest's root disk is attached.</summary>
internal enum RootMode
{
    /// <summary>Writable; on a copy, or with the writes in memory.</summary>
    ReadWrite,

    /// <summary>Read-only disk.</summary>
    ReadOnly,

    /// <summary>Over HTTP from a range server on the loopback interface, with the writes in memory.</summary>
    Http,
}
