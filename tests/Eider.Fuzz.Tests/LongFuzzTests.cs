using Eider.Testing.Fuzzing;

namespace Eider.Fuzz.Tests;

/// <summary>Targets that get their own time in CI, on one processor, beside the minute that all of them share.</summary>
[Trait("Category", "Slow")]
public sealed class LongFuzzTests
{
    [Theory]
    [InlineData("ide", 30)]
    [InlineData("pci-configuration", 30)]
    [InlineData("bio", 30)]
    [InlineData("svirtb", 30)]
    [InlineData("qcow2-image", 60)]
    public void A_target_alone_keeps_its_promises_for_so_many_seconds(string target, int seconds)
    {
        var report = FuzzSession.Run(new FuzzPlan
        {
            Targets = [FuzzTargets.All[target]],
            Corpus = FuzzTargets.Corpus,
            Time = TimeSpan.FromSeconds(seconds),
            Seed = 2, // the shared minute has 1
            Workers = 1,
        });
        TestContext.Current.TestOutputHelper?.WriteLine(report.ToString());
        FuzzVerdict.AssertNothingFound(report);
        FuzzVerdict.AssertBackEndsReached(report);
    }
}
