using System.CommandLine;
using Eider.Cli.Errors;

namespace Eider.Cli.Commands;

/// <summary>The whole command line.</summary>
internal static class EiderCommand
{
    /// <summary>The root with all commands.</summary>
    public static RootCommand Create()
    {
        var root = new RootCommand("Eider: a virtual machine for .NET. Boots a stock Linux from a disk image through devices written in C#.");
        root.Subcommands.Add(QuickstartCommand.Create());
        root.Subcommands.Add(DemoCommand.Create());
        root.Subcommands.Add(RunCommand.Create());
        root.Subcommands.Add(DocumentCommand(root));
        return root;
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
