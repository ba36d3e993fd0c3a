using System.Diagnostics;
using Eider.Testing;

namespace Eider.GuestTests;

/// <summary>What the README shows is what works.</summary>
public sealed class ReadmeTests
{
    private const string Marker = "<!-- examples/boot-linux/Program.cs -->\n```csharp\n";

    [Fact]
    public void The_program_of_the_README_is_the_example_to_the_letter()
    {
        var readme = ProjectTree.Read("README.md");
        var example = ProjectTree.Read("examples/boot-linux/Program.cs");

        var start = readme.IndexOf(Marker, StringComparison.Ordinal) + Marker.Length;
        var end = readme.IndexOf("```", start, StringComparison.Ordinal);

        Assert.Equal(example, readme[start..end]);
    }

    [Fact]
    [Trait("Category", "Slow")]
    public async Task The_program_of_the_README_boots_talks_and_finds_a_clean_disk()
    {
        var files = await GuestSuite.FilesAsync("trixie");
        using var process = Process.Start(new ProcessStartInfo(
            Path.Combine(AppContext.BaseDirectory, "BootLinux"), [Path.GetDirectoryName(files.Kernel)!])
        {
            RedirectStandardOutput = true,
        })!;

        var output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);

        Assert.Equal((0, "Linux riscv64\nPoweredOff; the file system is clean\n"), (process.ExitCode, output));
    }
}
