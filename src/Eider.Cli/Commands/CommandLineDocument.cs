using System.CommandLine;
using System.Globalization;
using System.Text;
using Eider.Cli.Errors;

namespace Eider.Cli.Commands;

/// <summary>docs/cli.md, made from the commands themselves.</summary>
internal static class CommandLineDocument
{
    /// <summary>The whole page.</summary>
    public static string Render(RootCommand root)
    {
        var page = new StringBuilder("# The command line\n\n");
        page.Append("Made from the help texts by `eider docs`; a test fails when this page is stale.\n\n");
        page.Append(CultureInfo.InvariantCulture, $"{root.Description}\n");
        foreach (var command in root.Subcommands.Where(command => !command.Hidden))
        {
            AppendCommand(page, command, $"eider {command.Name}");
        }

        page.Append("\n## Exit codes\n\n| code | meaning |\n| --- | --- |\n");
        foreach (var (code, meaning) in ExitCodes.Table)
        {
            page.Append(CultureInfo.InvariantCulture, $"| {(int)code} | {meaning} |\n");
        }

        page.Append("\n`eider quickstart --run` exits with the code of the guest's command, whatever it is. A guest of\n");
        page.Append("`eider run` or `eider demo` that powers off with a code (the power device's) gives it to Eider, modulo 256. An error of Eider's own\n");
        page.Append("is one line on standard error that begins with `eider:`.\n");
        return page.ToString();
    }

    private static void AppendCommand(StringBuilder page, Command command, string name)
    {
        page.Append(CultureInfo.InvariantCulture, $"\n## {name}\n\n{command.Description}\n");
        foreach (var below in command.Subcommands.Where(below => !below.Hidden))
        {
            AppendCommand(page, below, $"{name} {below.Name}");
        }

        if (command.Arguments.Count + command.Options.Count == 0)
        {
            return;
        }

        page.Append("\n| option | meaning |\n| --- | --- |\n");
        foreach (var argument in command.Arguments)
        {
            AppendRow(page, $"{argument.HelpName ?? argument.Name}", argument.Description);
        }

        foreach (var option in command.Options.Where(option => !option.Hidden && option.Name != "--help"))
        {
            var names = string.Join("`, `", option.Aliases.Prepend(option.Name));
            AppendRow(page, option.HelpName is { } value ? $"{names} {value}" : names, option.Description);
        }
    }

    private static void AppendRow(StringBuilder page, string name, string? meaning) =>
        page.Append(CultureInfo.InvariantCulture, $"| `{Escape(name)}` | {Escape(meaning ?? "")} |\n");

    private static string Escape(string text) => text.Replace("|", "\\|", StringComparison.Ordinal);
}
