using System.CommandLine;
using Eider.Cli.Commands.Img;
using Eider.Cli.Errors;
using Eider.Machines;

namespace Eider.Cli.Commands;

/// <summary>The whole command line.</summary>
internal static class EiderCommand
{
    private static readonly (string Name, Func<Command> Create, bool MakesMachine)[] Commands =
    [
        ("quickstart", QuickstartCommand.Create, true),
        ("demo", DemoCommand.Create, true),
        ("run", RunCommand.Create, true),
        ("img", ImgCommand.Create, false),
        ("bootimage", BootImageCommand.Create, false),
    ];

    /// <summary>The root with all commands.</summary>
    public static RootCommand Create() => CreateFor([]);

    /// <summary>
    /// The root for one command line: it has all commands, but where the first word names one, that one alone. The others
    /// would only cost time, as a command is made of many generic objects.
    /// </summary>
    /// <param name="arguments">The words of the command line.</param>
    public static RootCommand CreateFor(IReadOnlyList<string> arguments)
    {
        var root = new RootCommand("Eider: a virtual machine for .NET. Boots a stock Linux from a disk image through devices written in C#.");
        foreach (var (name, create, _) in Commands)
        {
            if (arguments.Count > 0 && arguments[0] == name)
            {
                root.Subcommands.Add(name == "img" ? ImgCommand.CreateFor(arguments) : create());
                return root;
            }
        }

        foreach (var (_, create, _) in Commands)
        {
            root.Subcommands.Add(create());
        }

        root.Subcommands.Add(DocumentCommand(root));
        return root;
    }

    /// <summary>Starts a rehearsal on a second processor if the command line will make a machine.</summary>
    /// <param name="arguments">The words of the command line.</param>
    public static void RehearseFor(IReadOnlyList<string> arguments)
    {
        if (arguments.Count == 0 || Environment.ProcessorCount < 2)
        {
            return;
        }

        foreach (var (name, _, makesMachine) in Commands)
        {
            if (makesMachine && arguments[0] == name)
            {
                Machine.RehearseInBackground();
            }
        }
    }

    /// <summary>How a command is called: <c>eider img info</c>.</summary>
    public static string NameOf(Command command)
    {
        var group = command.Parents.OfType<Command>().FirstOrDefault();
        return group is null or RootCommand ? $"eider {command.Name}" : $"{NameOf(group)} {command.Name}";
    }

    private static Command DocumentCommand(RootCommand root)
    {
        var command = new Command("docs", "Print docs/cli.md.") { Hidden = true };
        command.SetAction(result =>
        {
            result.InvocationConfiguration.Output.Write(CommandLineDocument.Render(root));
            return (int)ExitCode.Ok;
        });
        return command;
    }
}
