using Eider.Testing.Fuzzing;

namespace Eider.Fuzz.Tests;

/// <summary>What a session of fuzzing must show.</summary>
internal static class FuzzVerdict
{
    private const double MinimumCompletedShare = 0.10;
    private const long RunsThatSaySomething = 1000;

    /// <summary>Fails with the case that broke a promise, and keeps it.</summary>
    public static void AssertNothingFound(FuzzReport report)
    {
        if (report.Finding is { } finding)
        {
            Assert.Fail($"{report}kept in {finding.Save(FuzzTargets.Findings)}");
        }
    }

    /// <summary>Fails if too few runs of a device went through to its back end: then it is not the device that was fuzzed.</summary>
    public static void AssertBackEndsReached(FuzzReport report)
    {
        foreach (var (name, counters) in report.Targets)
        {
            using var target = FuzzTargets.All[name]();
            Assert.True(
                counters.Runs < RunsThatSaySomething || !target.IsDevice || report.CompletedShare(name) >= MinimumCompletedShare,
                $"only {report.CompletedShare(name):P1} of the runs of {name} were completed by its back end\n{report}");
        }
    }
}
