using System.CommandLine;

namespace Eider.Cli.Commands.Img;

/// <summary><c>eider img</c>: the commands on disk images.</summary>
internal static class ImgCommand
{
    private static readonly (string Name, Func<Command> Create)[] Commands =
    [
        ("create", ImgCreate.Create),
        ("info", ImgInfo.Create),
        ("convert", ImgConvert.Create),
        ("check", ImgCheck.Create),
        ("map", ImgMap.Create),
        ("compare", ImgCompare.Create),
        ("checksum", ImgChecksum.Create),
        ("resize", ImgResize.Create),
        ("measure", ImgMeasure.Create),
        ("commit", ImgCommit.Create),
        ("rebase", ImgRebase.Create),
        ("snapshot", ImgSnapshot.Create),
        ("bitmap", ImgBitmap.Create),
        ("amend", ImgAmend.Create),
        ("empty", ImgEmpty.Create),
        ("compact", ImgCompact.Create),
        ("dd", ImgDd.Create),
        ("bench", ImgBench.Create),
    ];

    /// <summary>The group with all its commands.</summary>
    public static Command Create() => CreateFor([]);

    /// <summary>The group for one command line: where its second word names a command, that one alone.</summary>
    /// <param name="arguments">The words of the command line, <c>img</c> first.</param>
    public static Command CreateFor(IReadOnlyList<string> arguments)
    {
        var group = new Command("img", "Make, inspect, convert and change disk images: raw, qcow2 and LUKS (docs/img.md).");
        var isNamed = arguments.Count > 1 && Array.Exists(Commands, command => command.Name == arguments[1]);
        foreach (var (name, create) in Commands)
        {
            if (!isNamed || name == arguments[1])
            {
                group.Subcommands.Add(create());
            }
        }

        return group;
    }
}
