using System.CommandLine;
using Eider.Cli.Errors;
using Eider.Cli.Sessions;

namespace Eider.Cli.Commands.Img;

/// <summary>Runs a command on images: signals end it cleanly, results go to standard output as text or JSON.</summary>
internal static class ImgAction
{
    /// <summary>Makes a command with its arguments, options and action.</summary>
    public static Command Command(
        string name, string description, IEnumerable<Symbol> symbols, Func<ParseResult, ImgOutput, CancellationToken, Task<ExitCode>> run)
    {
        var command = new Command(name, description);
        foreach (var symbol in symbols)
        {
            if (symbol is Argument argument)
            {
                command.Arguments.Add(argument);
            }
            else
            {
                command.Options.Add((Option)symbol);
            }
        }

        var json = new Option<bool>("--json") { Description = "Print the result as JSON." };
        command.Options.Add(json);
        command.SetAction((result, _) => RunAsync(result, result.GetValue(json), run));
        return command;
    }

    private static async Task<int> RunAsync(
        ParseResult result, bool isJson, Func<ParseResult, ImgOutput, CancellationToken, Task<ExitCode>> run)
    {
        using var stop = new StopSignals();
        try
        {
            return (int)await run(result, new ImgOutput(result.InvocationConfiguration.Output, isJson), stop.Token);
        }
        catch (OperationCanceledException) when (stop.Reason is { } code)
        {
            throw new CliException(code, "stopped; a new image was not made, and one that is changed in place is in order");
        }
    }
}
