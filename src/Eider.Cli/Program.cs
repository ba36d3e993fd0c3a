using System.CommandLine;
using Eider.Cli.Commands;
using Eider.Cli.Commands.Img;
using Eider.Cli.Errors;
using Eider.Cli.QemuImg;

// Another program's command line is not one that our parser could read.
if (args is ["img", "--compat=qemu", .. var words])
{
    return await QemuImgCommand.RunToEndAsync(words);
}

try
{
    EiderCommand.RehearseFor(args);
    var parsed = EiderCommand.CreateFor(args).Parse(ImgOptions.Normalize(args));
    if (parsed.Errors.Count > 0)
    {
        var help = parsed.CommandResult.Command is RootCommand ? "eider" : EiderCommand.NameOf(parsed.CommandResult.Command);
        var problem = parsed.UnmatchedTokens is [var unknown, ..]
            ? $"unknown command or option '{unknown}'"
            : ErrorReport.Reword(parsed.Errors[0].Message);
        throw new CliException(ExitCode.Usage, $"{problem}; see {help} --help");
    }

    // Not Console.Out: making it would write to a terminal what belongs to nobody.
    await using var output = new StreamWriter(Console.OpenStandardOutput()) { AutoFlush = true };

    // Signals and exceptions are this command's own business.
    return await parsed.InvokeAsync(new InvocationConfiguration
    {
        EnableDefaultExceptionHandler = false,
        ProcessTerminationTimeout = null,
        Output = output,
    });
}
catch (Exception failure)
{
    return ErrorReport.Print(failure);
}
