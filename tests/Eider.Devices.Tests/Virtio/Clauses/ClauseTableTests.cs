using System.Reflection;
using System.Text.RegularExpressions;

namespace Eider.Devices.Tests.Virtio.Clauses;

/// <summary>The table of docs/devices/virtio.md and the tests fit each other: every clause has its test, every such test its row.</summary>
public sealed partial class ClauseTableTests
{
    // May only go down.
    private const int MostMissing = 0;

    private static readonly string[] Page = File.ReadAllLines(Path.Combine(FindRoot(), "docs", "devices", "virtio.md"));

    [Theory]
    [InlineData("Device requirements", 117)]
    [InlineData("Driver rules", 122)]
    public void Every_clause_is_listed_and_its_letters_have_no_gap(string part, int count)
    {
        var rows = Rows(part);
        Assert.Equal(count, rows.Count);
        foreach (var section in rows.GroupBy(row => row.Section))
        {
            Assert.Equal(Enumerable.Range('a', section.Count()).Select(letter => (char)letter), section.Select(row => row.Letter));
        }
    }

    [Fact]
    public void Every_row_names_a_test_of_its_clause_that_exists()
    {
        var tests = Tests();
        var missing = 0;
        foreach (var row in Rows("Device requirements").Concat(Rows("Driver rules")))
        {
            if (row.Test == "missing")
            {
                missing++;
                continue;
            }

            Assert.StartsWith($"Spec_{row.Section.Replace('.', '_')}_{row.Letter}_", row.Test, StringComparison.Ordinal);
            Assert.Contains(row.Test, tests);
        }

        Assert.Equal(MostMissing, missing); // fewer: lower the number
    }

    [Fact]
    public void Every_test_of_the_specification_stands_on_the_page()
    {
        var named = Page.SelectMany(line => TestName().Matches(line)).Select(match => match.Groups[1].Value).ToHashSet();
        Assert.Empty(Tests().Except(named));
        Assert.Empty(named.Except(Tests()));
    }

    private static HashSet<string> Tests() =>
    [
        .. typeof(ClauseTableTests).Assembly.GetTypes()
            .Where(type => type.Namespace?.StartsWith("Eider.Devices.Tests.Virtio", StringComparison.Ordinal) == true)
            .SelectMany(type => type.GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly))
            .Where(method => method.GetCustomAttributes().Any(attribute => attribute is FactAttribute))
            .Select(method => method.Name)
            .Where(name => name.StartsWith("Spec_", StringComparison.Ordinal)),
    ];

    private static List<Row> Rows(string part) =>
    [
        .. Page.SkipWhile(line => line != "## " + part).Skip(1).TakeWhile(line => !line.StartsWith("## ", StringComparison.Ordinal))
            .Select(line => RowShape().Match(line)).Where(match => match.Success)
            .Select(match => new Row(match.Groups[1].Value, match.Groups[2].Value[0], match.Groups[3].Value.Trim('`'))),
    ];

    private static string FindRoot()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Eider.slnx")))
        {
            folder = Path.GetDirectoryName(folder) ?? throw new DirectoryNotFoundException("the tests do not run inside the repository");
        }

        return folder;
    }

    [GeneratedRegex(@"^\| ([0-9.]+) \| ([a-z]) \| [^|]+ \| ([^| ]+) \|$")]
    private static partial Regex RowShape();

    [GeneratedRegex("`(Spec_[A-Za-z0-9_]+)`")]
    private static partial Regex TestName();

    private sealed record Row(string Section, char Letter, string Test);
}
