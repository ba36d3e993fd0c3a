using System.Globalization;
using Eider.Testing.Fuzzing;

namespace Eider.Fuzz.Tests;

/// <summary>
/// Fuzzes all targets, or repeats one case. What can be set: <c>EIDER_FUZZ_SECONDS</c>, <c>EIDER_FUZZ_SEED</c>,
/// <c>EIDER_FUZZ_TARGET</c> (one name), <c>EIDER_FUZZ_RUN</c> (one run), <c>EIDER_FUZZ_GROW</c> (1: new outcomes go into the
/// corpus).
/// </summary>
public sealed class FuzzTests
{
    private const double MinimumRunsAMinute = 1_000_000;
    private const double SecondsToWarmUp = 10;

    [Fact]
    [Trait("Category", "Slow")]
    public void No_case_breaks_a_promise_and_the_cases_are_many_and_reach_the_back_ends()
    {
        var report = FuzzSession.Run(MakePlan());
        Directory.CreateDirectory(FuzzTargets.Findings);
        File.WriteAllText(Path.Combine(FuzzTargets.Findings, "report.txt"), report.ToString());
        TestContext.Current.TestOutputHelper?.WriteLine(report.ToString());
        FuzzVerdict.AssertNothingFound(report);
        if (Setting("EIDER_FUZZ_GROW", "") == "1")
        {
            FuzzCorpus.Grow(report, FuzzTargets.All, FuzzTargets.Corpus);
        }

        FuzzVerdict.AssertBackEndsReached(report);

        // A few seconds, or one target alone, say nothing about the speed of all.
        if (report.Targets.Count == FuzzTargets.All.Count && report.Elapsed.TotalSeconds >= SecondsToWarmUp)
        {
            Assert.True(report.RunsPerMinuteOfTwoProcessors >= MinimumRunsAMinute, report.ToString());
        }
    }

    private static FuzzPlan MakePlan()
    {
        var name = Environment.GetEnvironmentVariable("EIDER_FUZZ_TARGET");
        var run = Environment.GetEnvironmentVariable("EIDER_FUZZ_RUN");
        var plan = new FuzzPlan
        {
            Targets = string.IsNullOrEmpty(name)
                ? [.. FuzzTargets.All.Values]
                : [FuzzTargets.All.TryGetValue(name, out var target)
                    ? target
                    : throw new ArgumentException($"no target '{name}'; there are {string.Join(", ", FuzzTargets.All.Keys)}")],
            Corpus = FuzzTargets.Corpus,
            Time = TimeSpan.FromSeconds(double.Parse(Setting("EIDER_FUZZ_SECONDS", "60"), CultureInfo.InvariantCulture)),
            Seed = ulong.Parse(Setting("EIDER_FUZZ_SEED", "1"), CultureInfo.InvariantCulture),
        };
        return string.IsNullOrEmpty(run)
            ? plan
            : plan with { FirstRun = long.Parse(run, CultureInfo.InvariantCulture), MaxRuns = 1, Workers = 1 };
    }

    private static string Setting(string name, string otherwise) =>
        Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : otherwise;
}
