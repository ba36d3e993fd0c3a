namespace Eider.Cli.Errors;

/// <summary>Standard error for messages. <see cref="Console.Error"/> would first set the user's terminal up for .NET.</summary>
internal static class StandardError
{
    /// <summary>Writes at once; safe to use from any thread.</summary>
    public static TextWriter Writer { get; } =
        TextWriter.Synchronized(new StreamWriter(Console.OpenStandardError()) { AutoFlush = true });
}
