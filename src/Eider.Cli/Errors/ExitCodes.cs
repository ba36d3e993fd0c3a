namespace Eider.Cli.Errors;

/// <summary>The exit codes in words, for the documentation.</summary>
internal static class ExitCodes
{
    /// <summary>Every code with its meaning, in order.</summary>
    public static IReadOnlyList<(ExitCode Code, string Meaning)> Table { get; } =
    [
        (ExitCode.Ok, "The guest powered off, or the command did what it was asked for."),
        (ExitCode.Differs, "`eider img compare`: the images differ."),
        (ExitCode.Damaged, "`eider img check`: the image is damaged, or could not be repaired wholly."),
        (ExitCode.Leaks, "`eider img check`: the image has clusters that nothing uses; no data are wrong."),
        (ExitCode.Usage, "The command line is wrong: an unknown option, a missing or bad value."),
        (ExitCode.BadInput, "An input is not what it should be: image, kernel, machine file, or memory too small for them."),
        (ExitCode.NoInput, "An input does not exist or cannot be read."),
        (ExitCode.Unavailable, "Something is missing that this needs: a program of the host, a mirror, a server with range support."),
        (ExitCode.Internal, "A fault of Eider itself; the machine was stopped and its disks flushed."),
        (ExitCode.CannotCreate, "An output file cannot be made."),
        (ExitCode.HostInputOutput, "The host failed to read, write or flush a disk while the machine ran."),
        (ExitCode.Busy, "Another machine or program holds the image."),
        (ExitCode.GuestDied, "The guest ended before it said how its command ended: a panic, or every hart stopped."),
        (ExitCode.Configuration, "The machine's parts do not fit together: an address, an IRQ or a slot is taken twice."),
        (ExitCode.Interrupted, "Ended by Ctrl-C (SIGINT); the disks are flushed."),
        (ExitCode.BrokenOutput, "Nobody reads the output any more: a closed pipe, as behind '| head -1'; the disks are flushed."),
        (ExitCode.Terminated, "Ended by SIGTERM or SIGHUP; the disks are flushed."),
    ];
}
