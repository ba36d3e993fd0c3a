using System.Text.RegularExpressions;
using Eider.Testing;

namespace Eider.GuestTests;

/// <summary>What the documents name exists.</summary>
public sealed partial class DocumentTests
{
    public static TheoryData<string> Documents =>
        [.. Directory.EnumerateFiles(ProjectTree.Root, "*.md")
            .Concat(Directory.EnumerateFiles(Path.Combine(ProjectTree.Root, "docs"), "*.md", SearchOption.AllDirectories)
                .Select(path => Path.GetRelativePath(ProjectTree.Root, path)))];

    [Theory]
    [MemberData(nameof(Documents))]
    public void Every_link_to_a_file_leads_to_one(string document)
    {
        var folder = Path.GetDirectoryName(Path.Combine(ProjectTree.Root, document))!;
        var broken = Link().Matches(ProjectTree.Read(document)).Select(match => match.Groups[1].Value)
            .Where(target => !target.Contains("://", StringComparison.Ordinal) && !target.StartsWith('#'))
            .Select(target => target.Split('#')[0])
            .Where(target => !Path.Exists(Path.Combine(folder, target))).ToArray();

        Assert.True(broken.Length == 0, $"{document} links to {string.Join(", ", broken)}");
    }

    [Theory]
    [InlineData("docs/support.md")]
    [InlineData("SECURITY.md")]
    [InlineData("docs/predecessors.md")]
    public void Every_test_that_is_named_exists(string document)
    {
        var tests = string.Concat(Directory.EnumerateFiles(Path.Combine(ProjectTree.Root, "tests"), "*.cs", SearchOption.AllDirectories)
            .Select(File.ReadAllText));
        var named = TestName().Matches(ProjectTree.Read(document)).Select(match => match.Groups[1].Value).Distinct().ToArray();
        var absent = named.Where(name => !Regex.IsMatch(tests, $@"\b{name}\b")).ToArray();

        Assert.NotEmpty(named);
        Assert.True(absent.Length == 0, $"{document} names {string.Join(", ", absent)}, which is nowhere in tests/");
    }

    [Fact]
    public void Every_row_of_the_predecessors_names_a_test_in_its_class_or_says_why_there_is_none()
    {
        var sources = Directory.EnumerateFiles(Path.Combine(ProjectTree.Root, "tests"), "*.cs", SearchOption.AllDirectories)
            .ToLookup(Path.GetFileNameWithoutExtension, File.ReadAllText);
        var rows = ProjectTree.Read("docs/predecessors.md").Split('\n')
            .Where(line => line.StartsWith('|') && !line.StartsWith("| there", StringComparison.Ordinal) && !line.StartsWith("| ---", StringComparison.Ordinal))
            .ToArray();
        Assert.True(rows.Length > 150, $"{rows.Length} rows");
        foreach (var row in rows)
        {
            var tests = ClassAndTest().Matches(row);
            Assert.True(
                tests.Count > 0 || row.Contains("not there yet", StringComparison.Ordinal) || row.Contains("not apply", StringComparison.Ordinal), row);
            Assert.All(tests, test => Assert.Contains(
                sources[test.Groups[1].Value], source => source.Contains($" {test.Groups[2].Value}(", StringComparison.Ordinal)));
        }
    }

    [Fact]
    public void Every_promise_of_the_security_page_names_tests_that_exist()
    {
        var sources = Directory.EnumerateFiles(Path.Combine(ProjectTree.Root, "tests"), "*.cs", SearchOption.AllDirectories)
            .ToLookup(Path.GetFileNameWithoutExtension, File.ReadAllText);
        var page = ProjectTree.Read("SECURITY.md");
        var promises = page[page.IndexOf("## The guest, ", StringComparison.Ordinal)..].Split('\n')
            .Where(line => line.StartsWith('|') && !line.Contains("| held by |", StringComparison.Ordinal) && !line.StartsWith("| ---", StringComparison.Ordinal))
            .ToArray();

        Assert.True(promises.Length >= 40, $"{promises.Length} promises");
        foreach (var promise in promises)
        {
            var heldBy = promise.TrimEnd(' ', '|').Split('|')[^1];
            Assert.Matches(TestName(), heldBy);
            Assert.All(ClassAndTest().Matches(heldBy), test => Assert.Contains(
                sources[test.Groups[1].Value], source => source.Contains($" {test.Groups[2].Value}(", StringComparison.Ordinal)));
        }
    }

    [GeneratedRegex("`([A-Z][A-Za-z0-9]*(?:Tests|Conformance))` `([A-Za-z0-9_]+)`")]
    private static partial Regex ClassAndTest();

    // A class of tests, or a test whose name is a sentence.
    [GeneratedRegex("`([A-Z][A-Za-z0-9]*(?:Tests|Conformance)|[A-Z][A-Za-z0-9]*(?:_[A-Za-z0-9]+){2,})`")]
    private static partial Regex TestName();

    [GeneratedRegex(@"\]\(([^)\s]+)\)")]
    private static partial Regex Link();
}
