using Microsoft.Win32.SafeHandles;

namespace Eider.Cli.Errors;

/// <summary>Standard output for what a guest says.</summary>
internal static class StandardOutput
{
    /// <summary>
    /// Opens it. The stream of <see cref="Console"/> keeps silent when a pipe has no reader any more; this one throws.
    /// </summary>
    public static Stream Open()
    {
        const int Output = 1;
        if (OperatingSystem.IsWindows() || Terminal.TerminalCalls.IsTerminal(Output) == 1)
        {
            return Console.OpenStandardOutput();
        }

        try
        {
            // A file is written at an own offset by this stream, over what others wrote to it meanwhile.
            var stream = new FileStream(new SafeFileHandle(Output, ownsHandle: false), FileAccess.Write, bufferSize: 0);
            return stream.CanSeek ? Console.OpenStandardOutput() : stream;
        }
        catch (Exception closed) when (closed is IOException or ArgumentException or UnauthorizedAccessException)
        {
            return Console.OpenStandardOutput();
        }
    }
}
