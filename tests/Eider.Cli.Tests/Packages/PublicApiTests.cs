using Eider.Testing;

namespace Eider.Cli.Tests.Packages;

/// <summary>
/// What users of the libraries can call stands in api/, so that a change to it is seen in review. EIDER_UPDATE_API=1
/// writes the files anew.
/// </summary>
public sealed class PublicApiTests
{
    private const string Update =
        "EIDER_UPDATE_API=1 dotnet test -c Release --project tests/Eider.Cli.Tests --filter-class '*PublicApiTests'";

    private static bool IsUpdate => Environment.GetEnvironmentVariable("EIDER_UPDATE_API") == "1";

    private static string Folder => Path.Combine(ProjectTree.Root, "api");

    [Theory]
    [MemberData(nameof(Libraries.Data), MemberType = typeof(Libraries))]
    public void The_public_surface_is_the_one_that_was_reviewed(string library)
    {
        var path = Path.Combine(Folder, library + ".txt");
        var found = ApiListing.Of(Libraries.VisibleTypes(Libraries.Load(library)));
        if (IsUpdate)
        {
            Directory.CreateDirectory(Folder);
            File.WriteAllText(path, found);
        }

        var reviewed = File.Exists(path) ? File.ReadAllText(path) : "";
        if (found != reviewed)
        {
            Assert.Fail($"The public surface of {library} is not the one in api/{library}.txt. If the change is meant, run\n"
                + $"    {Update}\nand review the difference:\n{Difference(reviewed, found)}");
        }
    }

    [Fact]
    public void No_file_is_left_of_a_library_that_is_gone()
    {
        var files = Directory.EnumerateFiles(Folder, "*.txt").Select(path => Path.GetFileNameWithoutExtension(path)!).ToArray();
        var left = files.Except(Libraries.Names).ToArray();
        if (IsUpdate)
        {
            Array.ForEach(left, name => File.Delete(Path.Combine(Folder, name + ".txt")));
            return;
        }

        Assert.True(left.Length == 0, $"api/ has {string.Join(", ", left)} without a library; run\n    {Update}");
    }

    // Each line with its type, as multisets: enough to see what changed.
    private static string Difference(string reviewed, string found)
    {
        var before = Lines(reviewed);
        var after = Lines(found);
        return string.Join('\n', before.Except(after).Select(line => "- " + line).Concat(after.Except(before).Select(line => "+ " + line)));
    }

    private static List<string> Lines(string text)
    {
        var lines = new List<string>();
        var type = "";
        foreach (var line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            type = line.StartsWith(' ') ? type : line;
            lines.Add(line == type ? line : $"{type} / {line.Trim()}");
        }

        return lines;
    }
}
