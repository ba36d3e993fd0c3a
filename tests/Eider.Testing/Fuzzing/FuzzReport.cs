using System.Globalization;
using System.Text;

namespace Eider.Testing.Fuzzing;

/// <summary>What a session did.</summary>
/// <param name="Plan">What was planned.</param>
/// <param name="Targets">Counters by target.</param>
/// <param name="Finding">The first broken promise; null if there is none.</param>
/// <param name="Elapsed">Time on the wall.</param>
/// <param name="ProcessorTime">Time of all processors that this process used meanwhile, compiler and collector included.</param>
public sealed record FuzzReport(
    FuzzPlan Plan, IReadOnlyDictionary<string, FuzzCounters> Targets, FuzzFinding? Finding, TimeSpan Elapsed, TimeSpan ProcessorTime)
{
    /// <summary>All runs.</summary>
    public long Runs => Targets.Values.Sum(counters => counters.Runs);

    /// <summary>
    /// Runs for each minute of two processors: what a quiet machine with two does in a minute on the wall, and no less on
    /// one that others use too.
    /// </summary>
    public double RunsPerMinuteOfTwoProcessors => Runs / Math.Max(0.001, ProcessorTime.TotalMinutes) * 2;

    /// <summary>Share of a target's runs that were completed, 0 to 1.</summary>
    public double CompletedShare(string target) => Targets[target] is { Runs: > 0 } counters ? counters.Completed / (double)counters.Runs : 0;

    /// <summary>A table for people.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        text.AppendLine("target                 runs     runs/s  completed   share  outcomes  most bytes");
        foreach (var (name, counters) in Targets)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"{name,-16} {counters.Runs,10} {counters.Runs / Math.Max(0.001, counters.Seconds),10:0} {counters.Completed,10} {CompletedShare(name),7:P0} {counters.Shortest.Count,9} {counters.MostAllocatedBytes,11}");
        }

        text.AppendLine();
        foreach (var (name, counters) in Targets)
        {
            var outcomes = counters.Cases.OrderByDescending(pair => pair.Value).Select(pair => string.Create(CultureInfo.InvariantCulture, $"{pair.Key} {pair.Value}"));
            text.AppendLine(CultureInfo.InvariantCulture, $"{name}: {string.Join(", ", outcomes)}");
        }

        text.AppendLine();
        text.AppendLine(CultureInfo.InvariantCulture, $"{Runs} runs in {Elapsed.TotalSeconds:0.0} s on the wall, {ProcessorTime.TotalSeconds:0.0} s of processors: {RunsPerMinuteOfTwoProcessors:0} for each minute of two processors; seed {Plan.Seed}");
        text.AppendLine("A run is one whole case: made, run against a fresh state, checked. runs/s is of one worker.");
        if (Finding is { } finding)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"FOUND in {finding.Target}, seed {finding.Seed}, run {finding.Run}: {finding.Failure}");
            text.AppendLine(CultureInfo.InvariantCulture, $"choices{(finding.Standalone ? "" : " (only after the runs before)")}: {Convert.ToHexStringLower(finding.Choices.Span)}");
        }

        return text.ToString();
    }
}
