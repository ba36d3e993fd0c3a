using Eider.Testing.Fuzzing;

namespace Eider.Fuzz.Tests;

/// <summary>The known cases: each finding of old, and for each outcome the smallest case that shows it.</summary>
public sealed class CorpusTests
{
    public static TheoryData<string, string> Cases()
    {
        var data = new TheoryData<string, string>();
        foreach (var target in FuzzTargets.All.Keys)
        {
            foreach (var known in FuzzCase.LoadAll(FuzzTargets.Corpus, target))
            {
                data.Add(target, known.Name);
            }
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_known_case_breaks_no_promise_and_shows_what_it_showed(string target, string name)
    {
        var known = FuzzCase.Load(Path.Combine(FuzzTargets.Corpus, target, $"{name}.case"));
        var (failure, outcomes) = FuzzCorpus.Replay(FuzzTargets.All[target], known.Choices.Span);
        Assert.Null(failure);
        if (known.Outcome is not null)
        {
            Assert.Contains(known.Outcome, outcomes);
        }
    }

    [Fact]
    public void Every_target_has_known_cases_and_every_folder_of_cases_a_target() =>
        Assert.Equal(
            FuzzTargets.All.Keys,
            Directory.EnumerateDirectories(FuzzTargets.Corpus).Select(folder => Path.GetFileName(folder)!).Order(StringComparer.Ordinal));
}
