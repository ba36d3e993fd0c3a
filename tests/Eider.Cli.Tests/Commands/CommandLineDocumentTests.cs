using System.CommandLine;
using Eider.Cli.Commands;
using Eider.Cli.Errors;

namespace Eider.Cli.Tests.Commands;

public sealed class CommandLineDocumentTests
{
    [Fact]
    public void The_page_in_docs_is_what_the_help_texts_say()
    {
        var page = File.ReadAllText(Path.Combine(RepositoryRoot(), "docs/cli.md"));

        Assert.True(page == CommandLineDocument.Render(EiderCommand.Create()), "docs/cli.md is stale: ./eider docs >docs/cli.md");
    }

    [Fact]
    public void Every_command_and_every_option_has_a_help_text()
    {
        foreach (var command in EiderCommand.Create().Subcommands)
        {
            Assert.False(string.IsNullOrWhiteSpace(command.Description), command.Name);
            foreach (var symbol in command.Options.Cast<Symbol>().Concat(command.Arguments))
            {
                Assert.False(string.IsNullOrWhiteSpace(symbol.Description), $"{command.Name} {symbol.Name}");
            }
        }
    }

    [Fact]
    public void The_table_of_exit_codes_names_every_code_once() =>
        Assert.Equal(Enum.GetValues<ExitCode>(), ExitCodes.Table.Select(row => row.Code));

    private static string RepositoryRoot()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Eider.slnx")))
        {
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("no Eider.slnx above the tests");
        }

        return folder;
    }
}
