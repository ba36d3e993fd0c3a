using System.Text;

namespace Eider.Testing.Fuzzing;

/// <summary>Keeps the smallest case that a session found for each outcome, so that each is replayed from then on.</summary>
public static class FuzzCorpus
{
    private const int MaxAttempts = 1500;

    /// <summary>Writes a case for each outcome that the corpus does not have yet.</summary>
    /// <param name="report">What a session found.</param>
    /// <param name="targets">How each target is made, by name.</param>
    /// <param name="folder">The corpus.</param>
    /// <returns>The files written.</returns>
    public static IReadOnlyList<string> Grow(FuzzReport report, IReadOnlyDictionary<string, Func<FuzzTarget>> targets, string folder)
    {
        ArgumentNullException.ThrowIfNull(report);
        ArgumentNullException.ThrowIfNull(targets);
        var written = new List<string>();
        foreach (var (name, counters) in report.Targets)
        {
            var known = FuzzCase.LoadAll(folder, name).Select(one => one.Outcome).ToHashSet(StringComparer.Ordinal);
            foreach (var (outcome, choices) in counters.Shortest.Where(pair => !known.Contains(pair.Key)))
            {
                if (Shows(targets[name], choices, outcome))
                {
                    var small = FuzzMinimizer.Minimize(choices, candidate => Shows(targets[name], candidate, outcome), MaxAttempts);
                    written.Add(new FuzzCase(FileName(outcome), small, outcome).Save(Path.Combine(folder, name), $"{name}: the smallest case found that shows this outcome"));
                }
            }
        }

        return written;
    }

    /// <summary>Replays a case on a fresh target.</summary>
    /// <returns>The broken promise, or null, and what was seen.</returns>
    public static (string? Failure, IReadOnlySet<string> Outcomes) Replay(Func<FuzzTarget> make, ReadOnlySpan<byte> choices)
    {
        ArgumentNullException.ThrowIfNull(make);
        var input = new FuzzInput();
        input.Replay(choices);
        using var target = make();
        return (FuzzCheck.Run(target, input, out _, out _), input.Outcomes);
    }

    private static bool Shows(Func<FuzzTarget> make, byte[] choices, string outcome) =>
        Replay(make, choices) is (null, var outcomes) && outcomes.Contains(outcome);

    private static string FileName(string outcome)
    {
        var name = new StringBuilder();
        foreach (var character in outcome.ToLowerInvariant())
        {
            name.Append(char.IsAsciiLetterOrDigit(character) ? character : '-');
        }

        return name.ToString(0, Math.Min(60, name.Length)).Trim('-');
    }
}
