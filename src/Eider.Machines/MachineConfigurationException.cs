namespace Eider.Machines;

/// <summary>
/// The user's mistake, found before the machine starts and before anything was created or changed. The message
/// is one line: where, what, found, expected, what to do. What a file said stands in it with control characters
/// escaped, and shortened if it is long.
/// </summary>
public sealed class MachineConfigurationException : Exception
{
    /// <summary>With what was found and what to do.</summary>
    /// <param name="kind">What kind of mistake.</param>
    /// <param name="where">The file, setting or device.</param>
    /// <param name="message">Found and expected, in one line.</param>
    /// <param name="remedy">What to do; null if the message says it.</param>
    /// <param name="innerException">The cause, if the host gave one.</param>
    public MachineConfigurationException(
        MachineErrorKind kind, string where, string message, string? remedy = null, Exception? innerException = null)
        : base(OneLine.Of(remedy is null ? $"{where}: {message}" : $"{where}: {message}; {remedy}"), innerException)
    {
        Kind = kind;
        Where = where;
    }

    /// <summary>A wrong setting.</summary>
    public MachineConfigurationException(string message)
        : base(message) => Where = "";

    /// <summary>A wrong setting, with a cause.</summary>
    public MachineConfigurationException(string message, Exception innerException)
        : base(message, innerException) => Where = "";

    /// <summary>A wrong setting, unspecified.</summary>
    public MachineConfigurationException()
        : this("the machine cannot be made from this configuration")
    {
    }

    /// <summary>What kind of mistake.</summary>
    public MachineErrorKind Kind { get; }

    /// <summary>The file, setting or device.</summary>
    public string Where { get; }
}
