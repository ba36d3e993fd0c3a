using System.CommandLine;
using Eider.Cli.Sessions;
using Eider.Machines;

namespace Eider.Cli.Commands;

/// <summary><c>eider demo</c>: a guest that needs no download.</summary>
internal static class DemoCommand
{
    /// <summary>The command with its options.</summary>
    public static Command Create()
    {
        var options = new MachineOptions();
        var command = new Command(
            "demo",
            "Run a bare-metal guest that ships with Eider: it drives a console, a disk and an entropy device through their rings and says what it saw.");
        options.AddTo(command);
        command.SetAction(async (result, _) =>
        {
            var machine = new MachineConfiguration { Memory = "16M" };
            options.Apply(result, machine);
            using var stop = new StopSignals();
            return await new DemoSession(machine, options.Reports(result), stop).RunAsync();
        });
        return command;
    }
}
