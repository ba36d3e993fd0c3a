namespace Eider.Cli.QemuImg;

/// <summary>A failure as qemu-img tells it.</summary>
internal sealed class QemuImgException : Exception
{
    /// <summary>A failure with the lines to print on standard error.</summary>
    /// <param name="message">The first line, without the program's name; further lines as they are.</param>
    /// <param name="exitCode">The exit code; 1 for most.</param>
    public QemuImgException(string message, int exitCode = 1)
        : base(message) => ExitCode = exitCode;

    /// <summary>The exit code.</summary>
    public int ExitCode { get; }

    /// <summary>True if a hint to the help follows: the command line itself is wrong.</summary>
    public bool IsUsage { get; private init; }

    /// <summary>True if no line break follows the text: some hints of QEMU have none.</summary>
    public bool IsUnended { get; init; }

    /// <summary>A fault of the command line.</summary>
    public static QemuImgException Usage(string message) => new(message) { IsUsage = true };
}
