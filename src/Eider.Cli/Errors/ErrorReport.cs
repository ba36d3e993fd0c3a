using Eider.Machines;
using Eider.Storage;

namespace Eider.Cli.Errors;

/// <summary>What the user is told of a failure: one line and an exit code.</summary>
internal static class ErrorReport
{
    private const string DebugVariable = "EIDER_DEBUG";

    /// <summary>Prints a failure on standard error.</summary>
    /// <returns>The exit code.</returns>
    public static int Print(Exception failure)
    {
        var (code, message) = Describe(failure);
        StandardError.Writer.WriteLine($"eider: {OneLine(message)}");
        if (code == ExitCode.Internal || Environment.GetEnvironmentVariable(DebugVariable) == "1")
        {
            StandardError.Writer.WriteLine(failure);
        }

        return (int)code;
    }

    /// <summary>The exit code and the text that belong to a failure.</summary>
    public static (ExitCode Code, string Message) Describe(Exception failure) => failure switch
    {
        CliException cli => (cli.ExitCode, cli.Message),
        MachineConfigurationException machine => (CodeOf(machine.Kind), machine.Message),
        BlockStorageException storage => (CodeOf(storage.Kind), storage.Message),
        AggregateException { InnerExceptions.Count: 1 } one => Describe(one.InnerExceptions[0]),
        FileNotFoundException or DirectoryNotFoundException => (ExitCode.NoInput, failure.Message),
        UnauthorizedAccessException => (ExitCode.NoInput, failure.Message),
        IOException => (ExitCode.HostInputOutput, failure.Message),
        OperationCanceledException => (ExitCode.Interrupted, "stopped"),
        _ => (ExitCode.Internal, $"a fault of Eider: {failure.GetType().Name}: {failure.Message}"),
    };

    private static ExitCode CodeOf(MachineErrorKind kind) => kind switch
    {
        MachineErrorKind.BadSetting => ExitCode.Usage,
        MachineErrorKind.MissingInput => ExitCode.NoInput,
        MachineErrorKind.BadInput => ExitCode.BadInput,
        MachineErrorKind.NotEnoughMemory => ExitCode.BadInput,
        MachineErrorKind.Conflict => ExitCode.Configuration,
        MachineErrorKind.Busy => ExitCode.Busy,
        MachineErrorKind.CannotCreate => ExitCode.CannotCreate,
        _ => ExitCode.Internal,
    };

    private static ExitCode CodeOf(BlockErrorKind kind) => kind switch
    {
        BlockErrorKind.NotFound or BlockErrorKind.AccessDenied => ExitCode.NoInput,
        BlockErrorKind.Locked => ExitCode.Busy,
        BlockErrorKind.Protocol or BlockErrorKind.TimedOut or BlockErrorKind.Changed => ExitCode.Unavailable,
        BlockErrorKind.InvalidFormat or BlockErrorKind.UnsupportedFeature or BlockErrorKind.CorruptImage => ExitCode.BadInput,
        _ => ExitCode.HostInputOutput,
    };

    private static string OneLine(string message) => message.ReplaceLineEndings(" ").TrimEnd();
}
