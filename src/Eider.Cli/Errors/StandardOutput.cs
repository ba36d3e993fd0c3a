using Microsoft.Win32.SafeHandles;

namespace Eider.Cli.Errors;

/// <summary>Standard output and standard error for what a guest says.</summary>
/// <remarks>
/// The streams of <see cref="Console"/> keep silent when a pipe has no reader any more; these throw.
/// </remarks>
internal static class StandardOutput
{
    private const int Output = 1;
    private const int Errors = 2;

    /// <summary>Opens standard output.</summary>
    public static Stream Open() => Open(Output, Console.OpenStandardOutput);

    /// <summary>Opens standard error.</summary>
    public static Stream OpenErrors() => Open(Errors, Console.OpenStandardError);

    /// <summary>Opens a descriptor, if it is one whose end can be noticed.</summary>
    /// <param name="descriptor">The host's number of it.</param>
    /// <param name="otherwise">The stream to take else.</param>
    internal static Stream Open(int descriptor, Func<Stream> otherwise)
    {
        if (OperatingSystem.IsWindows() || Terminal.TerminalCalls.IsTerminal(descriptor) == 1)
        {
            return otherwise();
        }

        try
        {
            // A file is written at an own offset by this stream, over what others wrote to it meanwhile.
            var stream = new FileStream(new SafeFileHandle(descriptor, ownsHandle: false), FileAccess.Write, bufferSize: 0);
            return stream.CanSeek ? otherwise() : stream;
        }
        catch (Exception closed) when (closed is IOException or ArgumentException or UnauthorizedAccessException)
        {
            return otherwise();
        }
    }
}
