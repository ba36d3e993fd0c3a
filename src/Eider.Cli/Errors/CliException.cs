namespace Eider.Cli.Errors;

/// <summary>Something the user has to know, in one line: what, where, found, expected, what to do.</summary>
internal sealed class CliException : Exception
{
    /// <summary>Makes one with the exit code that belongs to it.</summary>
    public CliException(ExitCode exitCode, string message, Exception? cause = null)
        : base(message, cause) => ExitCode = exitCode;

    /// <summary>What the command exits with.</summary>
    public ExitCode ExitCode { get; }
}
