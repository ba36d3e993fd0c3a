using System.Diagnostics;
using Eider.Testing;

namespace Eider.Cli.Tests.Images;

/// <summary>docs/img.md: each example works as it stands there.</summary>
public sealed class ImgDocumentTests
{
    [Fact]
    public async Task Every_example_runs_and_prints_what_the_page_says()
    {
        using var folder = new TemporaryFolder();
        File.CreateSymbolicLink(folder.At(".eider"), AppContext.BaseDirectory);
        var examples = Examples().ToList();
        Assert.True(examples.Count > 20);
        foreach (var (command, expected) in examples)
        {
            var output = await RunAsync(folder.Path, command);
            Assert.True(expected.Length == 0 || expected == output, $"{command}\nprints\n{output}\nthe page says\n{expected}");
        }
    }

    [Fact]
    public void Every_command_has_an_example()
    {
        var commands = Cli.Commands.Img.ImgCommand.Create().Subcommands.Select(command => command.Name);
        Assert.All(commands, name => Assert.Contains(Examples(), example => example.Command.StartsWith($"eider img {name} ", StringComparison.Ordinal)));
    }

    private static IEnumerable<(string Command, string Expected)> Examples()
    {
        var (isExample, command, expected) = (false, "", "");
        foreach (var line in ProjectTree.Read("docs/img.md").Split('\n'))
        {
            var isFence = line.StartsWith("```", StringComparison.Ordinal);
            if (command.Length > 0 && (isFence || line.StartsWith("$ ", StringComparison.Ordinal)))
            {
                yield return (command, expected);
                command = "";
            }

            isExample = isFence ? line == "```console" : isExample;
            if (isExample && line.StartsWith("$ ", StringComparison.Ordinal))
            {
                (command, expected) = (line[2..], "");
            }
            else if (isExample && !isFence)
            {
                expected += line + "\n";
            }
        }
    }

    private static async Task<string> RunAsync(string folder, string command)
    {
        var token = TestContext.Current.CancellationToken;
        using var process = Process.Start(new ProcessStartInfo("sh", ["-c", $"PATH=$PWD/.eider:$PATH; {command}"])
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var errors = process.StandardError.ReadToEndAsync(token);
        var output = await process.StandardOutput.ReadToEndAsync(token);
        await process.WaitForExitAsync(token);
        Assert.True(process.ExitCode == 0, $"{command}: exit {process.ExitCode}: {await errors}");
        return output;
    }
}
