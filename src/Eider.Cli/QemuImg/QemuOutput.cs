namespace Eider.Cli.QemuImg;

/// <summary>Where the command prints.</summary>
/// <param name="Out">Standard output.</param>
/// <param name="Error">Standard error.</param>
internal sealed record QemuOutput(TextWriter Out, TextWriter Error)
{
    /// <summary>The name in front of every message.</summary>
    public const string Program = "qemu-img";

    /// <summary>Prints a message on standard error, with the program's name in front.</summary>
    public void Complain(string message, bool isUnended = false) => Error.Write($"{Program}: {message}{(isUnended ? "" : "\n")}");
}
