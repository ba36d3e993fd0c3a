using System.Globalization;
using System.Text.RegularExpressions;
using Eider.Machines;
using Eider.Storage;

namespace Eider.Cli.Errors;

/// <summary>What the user is told of a failure: one line and an exit code.</summary>
internal static partial class ErrorReport
{
    // EPIPE, on Linux and macOS.
    private const int BrokenPipe = 32;
    private const string DebugVariable = "EIDER_DEBUG";

    /// <summary>Prints a failure on standard error.</summary>
    /// <returns>The exit code.</returns>
    public static int Print(Exception failure)
    {
        var (code, message) = Describe(failure);
        if (code == ExitCode.BrokenOutput)
        {
            // Whoever closed the pipe knows.
            return (int)code;
        }

        try
        {
            StandardError.Writer.WriteLine($"eider: {OneLine(message)}");
            if (code == ExitCode.Internal || Environment.GetEnvironmentVariable(DebugVariable) == "1")
            {
                StandardError.Writer.WriteLine(failure);
            }
        }
        catch (IOException)
        {
            // Standard error is full or closed: the exit code is all that is left to tell it with.
        }

        return (int)code;
    }

    /// <summary>What the parser of the command line says, without the types and the tabs in it.</summary>
    public static string Reword(string message)
    {
        var type = message.IndexOf(" as expected type ", StringComparison.Ordinal);
        message = type < 0 ? message : message[..type] + ", expected a whole number";
        return string.Join(' ', message.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)).TrimEnd('.');
    }

    /// <summary>The exit code and the text that belong to a failure.</summary>
    public static (ExitCode Code, string Message) Describe(Exception failure) => failure switch
    {
        CliException cli => (cli.ExitCode, cli.Message),
        MachineConfigurationException machine => (CodeOf(machine.Kind), WithoutPath(machine)),
        BlockStorageException { Kind: BlockErrorKind.Io, Operation: BlockOperation.Open } closed => (ExitCode.Unavailable, closed.Message),
        BlockStorageException storage => (CodeOf(storage.Kind), storage.Message),
        AggregateException { InnerExceptions.Count: 1 } one => Describe(one.InnerExceptions[0]),
        FileNotFoundException or DirectoryNotFoundException => (ExitCode.NoInput, failure.Message),
        UnauthorizedAccessException => (ExitCode.NoInput, failure.Message),
        IOException { HResult: BrokenPipe } => (ExitCode.BrokenOutput, failure.Message),
        IOException => (ExitCode.HostInputOutput, failure.Message),
        OperationCanceledException => (ExitCode.Interrupted, "stopped"),
        _ => (ExitCode.Internal, $"a fault of Eider: {failure.GetType().Name}: {failure.Message}"),
    };

    // A path of a machine file says little to one who wrote options; what a file is wrong in begins with the file's name.
    private static string WithoutPath(MachineConfigurationException failure)
    {
        if (!failure.Where.StartsWith("$.", StringComparison.Ordinal) || !failure.Message.StartsWith(failure.Where, StringComparison.Ordinal))
        {
            return failure.Message;
        }

        var where = ListedPart().Replace(failure.Where[2..], match => string.Create(
            CultureInfo.InvariantCulture,
            $"{match.Groups[1].Value} {int.Parse(match.Groups[2].Value, CultureInfo.InvariantCulture) + 1}"));
        where = where.EndsWith(".image", StringComparison.Ordinal) ? where[..^".image".Length] : where.Replace(".", ", ", StringComparison.Ordinal);
        return where + failure.Message[failure.Where.Length..];
    }

    [GeneratedRegex(@"\b(disk|console|svirtb|bio|storage|mmap)s?\[([0-9]{1,4})\]")]
    private static partial Regex ListedPart();

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
