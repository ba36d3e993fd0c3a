using Eider.Cli.Errors;
using Eider.Cli.Sessions;

namespace Eider.Cli.Commands;

/// <summary>The values of <c>--console</c>.</summary>
internal static class ConsoleArgument
{
    /// <summary>Help of the option.</summary>
    public const string Help =
        "Where a console of the guest is: serial (the 16550, ttyS0) or virtio (hvc0), on the terminal, or with out=FILE and in=FILE "
        + "on files; none for none. May be given twice, once for each. Default: serial on the terminal. Ctrl-A X leaves.";

    /// <summary>Reads all values.</summary>
    /// <exception cref="CliException">An unknown kind, one twice, or two on the terminal.</exception>
    public static IReadOnlyList<ConsoleChoice> ParseAll(IReadOnlyList<string> values)
    {
        if (values.Count == 0)
        {
            return [new ConsoleChoice(IsVirtio: false, Input: null, Output: null)];
        }

        if (values is ["none"])
        {
            return [];
        }

        var choices = values.Select(Parse).ToList();
        if (choices.DistinctBy(choice => choice.IsVirtio).Count() < choices.Count)
        {
            throw new CliException(ExitCode.Usage, "--console: the same kind twice; expected serial once and virtio once");
        }

        return choices.Count(choice => choice.IsOnTerminal) < 2
            ? choices
            : throw new CliException(ExitCode.Usage, "--console: two on one terminal; give one of them a file: --console serial,out=FILE");
    }

    private static ConsoleChoice Parse(string value)
    {
        var list = CommaList.Parse("--console", value, "in", "out");
        return list.First is "serial" or "virtio"
            ? new ConsoleChoice(list.First == "virtio", list.Value("in"), list.Value("out"))
            : throw new CliException(ExitCode.Usage, $"--console {value}: unknown console '{list.First}'; expected serial, virtio or none");
    }
}
