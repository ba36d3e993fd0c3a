using System.CommandLine;
using Eider.Cli.Commands;
using Eider.Cli.Errors;

try
{
    var root = new RootCommand("Eider: a virtual machine for .NET.") { QuickstartCommand.Create() };
    return await root.Parse(args).InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
}
catch (CliException failure)
{
    await Console.Error.WriteLineAsync($"eider: {failure.Message}");
    return (int)failure.ExitCode;
}
