using System.Diagnostics;

namespace Eider.GuestTests;

/// <summary>What the README shows is what works.</summary>
public sealed class ReadmeTests
{
    private const string Marker = "<!-- examples/boot-linux/Program.cs -->\n```csharp\n";

    [Fact]
    public async Task The_program_of_the_README_is_the_example_to_the_letter()
    {
        var root = Root();
        var readme = await File.ReadAllTextAsync(Path.Combine(root, "README.md"), TestContext.Current.CancellationToken);
        var example = await File.ReadAllTextAsync(
            Path.Combine(root, "examples", "boot-linux", "Program.cs"), TestContext.Current.CancellationToken);

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

    private static string Root()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Eider.slnx")))
        {
            folder = folder.Parent ?? throw new InvalidOperationException("the tests do not lie in the project's tree");
        }

        return folder.FullName;
    }
}
