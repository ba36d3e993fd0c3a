using System.Globalization;

namespace Eider.Compare;

/// <summary>The command line of <c>bench/run</c>.</summary>
public sealed record BenchOptions
{
    /// <summary>What the command line may have.</summary>
    public const string Usage = """
        usage: bench/run [OPTION]...
          --quick          two rounds instead of seven, fewer steps: to see that everything runs
          --rounds N       how often absolute figures are taken
          --only LIST      some of bus,request,loops,boot,disk,ide,start,idle,growth,img
          --json FILE      also write all figures as JSON (default artifacts/bench/figures.json)
          --markdown       print the tables as docs/performance.md has them
          --update         put them there, between its two marks
        """;

    /// <summary>The published command.</summary>
    public required string Eider { get; init; }

    /// <summary>The built hello-world.</summary>
    public required string Hello { get; init; }

    /// <summary>The launcher.</summary>
    public required string Launcher { get; init; }

    /// <summary>Where the bare-metal guests lie.</summary>
    public required string Guests { get; init; }

    /// <summary>Takes the JSON.</summary>
    public required string Json { get; init; }

    /// <summary>How often absolute figures are taken.</summary>
    public int Rounds { get; init; } = 7;

    /// <summary>Fewer steps.</summary>
    public bool IsQuick { get; init; }

    /// <summary>Prints Markdown instead of tables.</summary>
    public bool IsMarkdown { get; init; }

    /// <summary>The document whose figures are replaced; null for none.</summary>
    public string? Document { get; init; }

    /// <summary>Names of the groups to take; empty for all.</summary>
    public IReadOnlyList<string> Only { get; init; } = [];

    /// <summary>Reads it; the first four words are the script's: the command, hello, the root of the project.</summary>
    /// <exception cref="FormatException">An option is unknown or lacks its value.</exception>
    public static BenchOptions Parse(IReadOnlyList<string> words)
    {
        ArgumentNullException.ThrowIfNull(words);
        var root = words[2];
        var options = new BenchOptions
        {
            Eider = words[0],
            Hello = words[1],
            Launcher = Path.Combine(root, "eider"),
            Guests = Path.Combine(root, "bench/guests"),
            Json = Path.Combine(root, "artifacts/bench/figures.json"),
        };
        for (var i = 3; i < words.Count; i++)
        {
            options = words[i] switch
            {
                "--quick" => options with { IsQuick = true, Rounds = 2 },
                "--markdown" => options with { IsMarkdown = true },
                "--update" => options with { Document = Path.Combine(root, "docs/performance.md") },
                "--rounds" => options with { Rounds = int.Parse(Value(words, ref i), NumberStyles.None, CultureInfo.InvariantCulture) },
                "--only" => options with { Only = Value(words, ref i).Split(',') },
                "--json" => options with { Json = Value(words, ref i) },
                var other => throw new FormatException($"bench: unknown option '{other}'"),
            };
        }

        return options.Rounds > 0 ? options : throw new FormatException("bench: --rounds needs a number above 0");
    }

    private static string Value(IReadOnlyList<string> words, ref int at) =>
        ++at < words.Count ? words[at] : throw new FormatException($"bench: {words[at - 1]} needs a value");
}
