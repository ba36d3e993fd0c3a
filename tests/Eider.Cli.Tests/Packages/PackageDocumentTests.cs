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

    [Fact]
    public void The_commands_name_a_profile_and_a_version_that_exist()
    {
        Assert.Contains("-p:PublishProfile=single-file", Document, StringComparison.Ordinal);
        Assert.True(File.Exists(Path.Combine(ProjectTree.Root, "src/Eider.Cli/Properties/PublishProfiles/single-file.pubxml")));
        var version = typeof(Machines.Machine).Assembly.GetName().Version!.ToString(3);
        Assert.Contains($"--version {version}\n", Document, StringComparison.Ordinal);
    }
}
