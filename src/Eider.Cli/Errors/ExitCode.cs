namespace Eider.Cli.Errors;

/// <summary>
/// What the command's exit code says. The numbers from 64 on are those of <c>sysexits.h</c>; docs/cli.md has the table.
/// </summary>
internal enum ExitCode
{
    /// <summary>The guest powered off, or the command did what it was asked for.</summary>
    Ok = 0,

    /// <summary>Two images that were compared differ.</summary>
    Differs = 1,

    /// <summary>An image that was checked is damaged.</summary>
    Damaged = 2,

    /// <summary>An image that was checked has lost space, but no data.</summary>
    Leaks = 3,

    /// <summary>The command line is wrong: unknown option, missing or bad value.</summary>
    Usage = 64,

    /// <summary>An input is there but is not what it should be: image, kernel, machine file, memory too small for them.</summary>
    BadInput = 65,

    /// <summary>An input does not exist or cannot be read.</summary>
    NoInput = 66,

    /// <summary>Something this needs is missing: a program of the host, a mirror, a server with range support.</summary>
    Unavailable = 69,

    /// <summary>A fault of Eider itself; the machine was stopped, its disks flushed.</summary>
    Internal = 70,

    /// <summary>An output file cannot be made.</summary>
    CannotCreate = 73,

    /// <summary>The host failed to read, write or flush while the machine ran.</summary>
    HostInputOutput = 74,

    /// <summary>Another machine or program holds the image.</summary>
    Busy = 75,

    /// <summary>The guest ended before it said how its command ended: panic, early power-off, every hart stopped.</summary>
    GuestDied = 76,

    /// <summary>The machine's parts do not fit together: address, IRQ or slot taken twice.</summary>
    Configuration = 78,

    /// <summary>Ended by Ctrl-C (SIGINT); the disks are flushed.</summary>
    Interrupted = 130,

    /// <summary>Nobody reads the output any more (a closed pipe; 128 + SIGPIPE); the disks are flushed.</summary>
    BrokenOutput = 141,

    /// <summary>Ended by SIGTERM or SIGHUP; the disks are flushed.</summary>
    Terminated = 143,
}
