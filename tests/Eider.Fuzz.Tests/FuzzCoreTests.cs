using System.Text;
using Eider.Testing.Fuzzing;

namespace Eider.Fuzz.Tests;

/// <summary>The fuzzer itself: it repeats, it finds what is planted, and what it finds is small.</summary>
public sealed class FuzzCoreTests
{
    [Fact]
    public void Seed_and_run_number_make_the_same_case_and_its_choices_replay_it()
    {
        var first = Draw(input => input.Begin(7, 1234));
        var again = Draw(input => input.Begin(7, 1234));
        var other = Draw(input => input.Begin(7, 1235));
        var replayed = Draw(input => input.Replay(first.Choices));

        Assert.Equal(first.Values, again.Values);
        Assert.NotEqual(first.Values, other.Values);
        Assert.Equal(first.Values, replayed.Values);
        Assert.Equal(first.Choices, replayed.Choices);

        static (byte[] Choices, string Values) Draw(Action<FuzzInput> begin)
        {
            var input = new FuzzInput();
            begin(input);
            var noise = new byte[9];
            input.Fill(noise);
            var values = $"{input.Below(10)} {input.Below(1000)} {input.Below(100_000)} {input.Edge(512)} {input.OneIn(3)} {Convert.ToHexString(noise)}";
            return (input.Choices.ToArray(), values);
        }
    }

    [Fact]
    public void A_recording_that_has_ended_goes_on_with_zeros()
    {
        var input = new FuzzInput();
        input.Replay([5]);

        Assert.Equal(5, input.Byte());
        Assert.Equal(0UL, input.EightBytes());
    }

    [Fact]
    public void A_planted_bug_is_found_cut_down_and_kept()
    {
        var report = Run(() => new Planted(chain: 3));

        var finding = Assert.IsType<FuzzFinding>(report.Finding);
        Assert.True(finding.Standalone);
        Assert.Contains("planted", finding.Failure, StringComparison.Ordinal);
        Assert.Equal([1, 1, 1], finding.Choices.ToArray());

        var folder = Directory.CreateTempSubdirectory("eider-fuzz-");
        try
        {
            var kept = FuzzCase.Load(finding.Save(folder.FullName));
            Assert.Equal(finding.Choices.ToArray(), kept.Choices.ToArray());
            Assert.NotNull(FuzzCorpus.Replay(() => new Planted(chain: 3), kept.Choices.Span).Failure);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public void A_case_that_allocates_without_bound_is_a_finding() =>
        Assert.Contains("allocates", Run(() => new Planted(allocates: true)).Finding!.Failure, StringComparison.Ordinal);

    [Fact]
    public void A_case_that_hangs_is_a_finding()
    {
        using var release = new ManualResetEventSlim();
        var report = Run(() => new Planted(hang: release), TimeSpan.FromMilliseconds(200));
        release.Set();

        Assert.Contains("hangs", report.Finding!.Failure, StringComparison.Ordinal);
    }

    [Fact]
    public void The_counts_are_of_whole_cases()
    {
        var report = FuzzSession.Run(new FuzzPlan { Targets = [() => new Planted()], Time = TimeSpan.FromMinutes(1), MaxRuns = 1000, Workers = 2 });

        Assert.Equal(1000, report.Runs);
        Assert.Null(report.Finding);
        Assert.Equal(report.Targets["planted"].Cases["even"], report.Targets["planted"].Completed);
    }

    private static FuzzReport Run(Func<FuzzTarget> make, TimeSpan? hangsAfter = null) => FuzzSession.Run(new FuzzPlan
    {
        Targets = [make],
        Time = TimeSpan.FromSeconds(30),
        Workers = 1,
        HangsAfter = hangsAfter ?? TimeSpan.FromSeconds(20),
    });

    private sealed class Planted(int chain = 0, bool allocates = false, ManualResetEventSlim? hang = null) : FuzzTarget
    {
        public override string Name => "planted";

        public override bool Run(FuzzInput input)
        {
            var found = 0;
            for (var i = 0; i < chain && input.Byte() % 4 == 1; i++)
            {
                found++;
            }

            FuzzException.Unless(chain == 0 || found < chain, "planted");
            if (input.OneIn(50) && allocates)
            {
                Assert.Equal(2 << 20, new StringBuilder(2 << 20).Capacity);
            }

            hang?.Wait();
            var even = input.Byte() % 2 == 0;
            input.Saw(even ? "even" : "odd");
            return even;
        }
    }
}
