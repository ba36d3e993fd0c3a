using System.Text.Json.Nodes;
using Eider.Testing;

namespace Eider.Cli.Tests.Packages;

/// <summary>docs/packages.md shows what there is.</summary>
public sealed class PackageDocumentTests
{
    private const string Marker = "<!-- examples/first-machine/Program.cs -->\n```csharp\n";

    private static readonly string Document = ProjectTree.Read("docs/packages.md");

    [Fact]
    public void The_program_is_the_example_to_the_letter()
    {
        var start = Document.IndexOf(Marker, StringComparison.Ordinal) + Marker.Length;
        var end = Document.IndexOf("```", start, StringComparison.Ordinal);

        Assert.Equal(ProjectTree.Read("examples/first-machine/Program.cs"), Document[start..end]);
    }

    [Fact]
    public void Every_library_has_a_row() =>
        Assert.All(Libraries.Names, name => Assert.Contains($"| `{name}` |", Document, StringComparison.Ordinal));

    // What the profile makes takes minutes to make; here, that it says what the document promises.
    [Fact]
    [Trait("Category", "Slow")]
    public async Task The_command_for_the_single_file_asks_for_all_that_is_promised()
    {
        const string Profile = "-p:PublishProfile=single-file";
        Assert.Contains($"dotnet publish src/Eider.Cli {Profile}\n", Document, StringComparison.Ordinal);

        var properties = JsonNode.Parse(await DotnetCommand.RunAsync(
            ProjectTree.Root,
            "dotnet",
            ["msbuild", "src/Eider.Cli", Profile, "-nodeReuse:false", "-getProperty:RuntimeIdentifier,SelfContained,PublishSingleFile,PublishReadyToRun,DebugType"]))!["Properties"]!;

        Assert.Equal("linux-x64", (string?)properties["RuntimeIdentifier"]);
        Assert.Equal("embedded", (string?)properties["DebugType"]);
        Assert.Equal("true", (string?)properties["SelfContained"]);
        Assert.Equal("true", (string?)properties["PublishSingleFile"]);
        Assert.Equal("true", (string?)properties["PublishReadyToRun"]);
    }

    [Fact]
    public void The_command_for_the_library_names_the_version_that_is_packed()
    {
        var version = typeof(Machines.Machine).Assembly.GetName().Version!.ToString(3);
        Assert.Contains($"--version {version}\n", Document, StringComparison.Ordinal);
    }
}
