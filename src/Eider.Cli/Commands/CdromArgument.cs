using System.CommandLine;
using Eider.Cli.Errors;
using Eider.Machines;

namespace Eider.Cli.Commands;

/// <summary>The values of <c>--cdrom</c>: the discs of one drive.</summary>
internal static class CdromArgument
{
    private const string Name = "--cdrom";

    /// <summary>Makes the option, for one command.</summary>
    public static Option<string[]> CreateOption() => new(Name)
    {
        Description = "A CD drive on an IDE channel with this disc in it: an ISO image, with settings after commas: format=raw|qcow2|luks, "
            + "chain=none|any|DIR, key=FILE, cache=DIR (as --disk of 'eider run' has them). May be given several times: when the guest ejects "
            + "one disc, the next is put in, and after the last the first again; so does Ctrl-A C.",
        HelpName = "DISC",
        DefaultValueFactory = _ => [],
    };

    /// <summary>Adds a drive with its discs to a machine; nothing if there are none.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="values">The option's values.</param>
    /// <exception cref="CliException">A setting is unknown or has a bad value.</exception>
    public static void AddTo(MachineConfiguration machine, IReadOnlyList<string> values)
    {
        var discs = values.Select(Parse).ToList();
        if (discs.Count == 0)
        {
            return;
        }

        var first = discs[0];
        DiskAttachment.AddToIde(machine, new IdeDeviceConfiguration
        {
            Type = IdeDeviceKind.Cdrom,
            Image = first.Image,
            Format = first.Format,
            Chain = first.Chain,
            KeyFile = first.KeyFile,
            Cache = first.Cache,
            Discs = discs[1..],
        });
    }

    private static IdeDiscConfiguration Parse(string value)
    {
        var list = CommaList.Parse(Name, value, "format", "chain", "key", "cache");
        return list.First.Length == 0
            ? throw new CliException(ExitCode.Usage, $"{Name} {value}: names no file; expected an ISO image or another image")
            : new IdeDiscConfiguration
            {
                Image = list.First,
                Format = DiskArgument.Format(Name, list),
                Chain = list.Value("chain") ?? "none",
                KeyFile = list.Value("key"),
                Cache = list.Value("cache"),
            };
    }
}
