using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using Eider.Storage.Tests.Formats;
using Eider.Testing;

namespace Eider.Storage.Tests.Crash;

/// <summary>
/// Every state in which a crash can leave an image, over every feature: no flushed write is lost, the tables are
/// consistent, no sector reads as a third value. What can be set: <c>EIDER_CRASH_STATES</c> (how many),
/// <c>EIDER_CRASH_SEED</c> (the first seed), <c>EIDER_CRASH_SCENARIO</c> (the beginning of a name).
/// </summary>
public sealed class Qcow2CrashTests : IDisposable
{
    private const int StatesInAll = 24_000;
    private const int JudgedByQemu = 40;

    private readonly TemporaryFolder _folder = new();

    [Fact]
    [Trait("Category", "Slow")]
    public async Task After_a_crash_at_any_moment_flushed_data_are_there_and_the_image_is_consistent()
    {
        var wanted = Number("EIDER_CRASH_STATES", StatesInAll);
        var scenarios = CrashScenario.All.Where(
            scenario => scenario.Name.StartsWith(Setting("EIDER_CRASH_SCENARIO", ""), StringComparison.Ordinal)).ToArray();
        var rows = new ConcurrentDictionary<string, (int States, int After, int Runs)>();
        var failures = new ConcurrentQueue<string>();
        var samples = new ConcurrentQueue<(string Name, byte[] File)>();
        await Parallel.ForEachAsync(scenarios, TestContext.Current.CancellationToken, async (scenario, _) =>
        {
            var row = (States: 0, After: 0, Runs: 0);
            for (var seed = Number("EIDER_CRASH_SEED", 1); row.States < (wanted + scenarios.Length - 1) / scenarios.Length; seed++)
            {
                var sweep = new CrashSweep(scenario, seed);
                await sweep.RunAsync();
                sweep.Failures.ForEach(failures.Enqueue);
                row = (row.States + sweep.States, row.After + sweep.StatesAfterACrash, row.Runs + 1);
                if (sweep.Sample is { } sample && CanBeJudgedByQemu(scenario))
                {
                    samples.Enqueue((scenario.Name, sample));
                }
            }

            rows[scenario.Name] = row;
        });
        var judged = samples.Take(JudgedByQemu).Count(IsJudgedByQemu);
        var table = Table(scenarios, rows, failures.Count, judged);
        Assert.True(failures.IsEmpty, table + string.Join('\n', failures.Take(20)) + $"\nall in {Save(failures)}");
        Assert.True(rows.Values.Sum(row => row.States) >= wanted, table);
    }

    [Fact]
    [Trait("Category", "Slow")]
    public async Task Without_the_flushes_inside_of_a_commit_the_same_check_fails()
    {
        foreach (var name in new[] { "clusters of 512 bytes", "clusters of 4 KiB", "snapshots", "compaction" })
        {
            var sweep = new CrashSweep(CrashScenario.All.Single(scenario => scenario.Name == name), 1);
            await sweep.RunWithoutBarriersAsync();
            Assert.True(sweep.Failures.Count > 0, $"{name}: in {sweep.States} states the check would not notice a wrong order");
        }
    }

    [Fact]
    [Trait("Category", "Slow")]
    public async Task Without_flushes_bitmaps_would_miss_writes_and_not_say_so()
    {
        var sweep = new CrashSweep(CrashScenario.All.Single(scenario => scenario.Name == "bitmaps"), 1);
        await sweep.RunWithoutBarriersAsync();
        Assert.Contains(sweep.Failures, failure => failure.Contains("does not mark sector", StringComparison.Ordinal));
    }

    [Fact]
    [Trait("Category", "Slow")]
    public async Task A_crash_during_the_repair_of_damage_loses_nothing_and_the_next_repair_mends_it()
    {
        var (states, failures) = (0, new List<string>());
        foreach (var scenario in CrashScenario.All.Where(scenario => !scenario.Has(CrashExtras.TwoAtOnce)))
        {
            for (var seed = 1; seed <= 3; seed++)
            {
                var sweep = new CrashSweep(scenario, seed);
                await sweep.RunRepairsAsync();
                states += sweep.States;
                failures.AddRange(sweep.Failures);
            }
        }

        Assert.True(failures.Count == 0, $"{failures.Count} of {states} states\n{string.Join('\n', failures.Take(20))}");
        Assert.True(states > 500, $"only {states} states were looked at");
    }

    public void Dispose() => _folder.Dispose();

    private static string Results => Directory.CreateDirectory(Path.Combine(ProjectTree.Root, "artifacts", "crash")).FullName;

    private static string Save(IEnumerable<string> failures)
    {
        var path = Path.Combine(Results, "failures.txt");
        File.WriteAllLines(path, failures);
        return path;
    }

    /// <summary>qemu-img would ask for a passphrase, a second file or a backing file.</summary>
    private static bool CanBeJudgedByQemu(CrashScenario scenario) =>
        !scenario.Create.Contains("luks", StringComparison.Ordinal) && !scenario.Has(CrashExtras.DataFile | CrashExtras.Rebase);

    private bool IsJudgedByQemu((string Name, byte[] File) sample)
    {
        const int DirtyOrCorrupt = 3;
        if (sample.File[7] == 2 ? sample.Name.Contains("snapshots", StringComparison.Ordinal) : (sample.File[79] & DirtyOrCorrupt) != 0)
        {
            return false;
        }

        var path = _folder["state.qcow2"];
        File.WriteAllBytes(path, sample.File);
        QemuTools.CheckButLeaks(path);
        return true;
    }

    private static string Table(
        CrashScenario[] scenarios, ConcurrentDictionary<string, (int States, int After, int Runs)> rows, int failures, int judged)
    {
        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture, $"{"crash states of",-34} {"runs",6} {"states",9} {"of these after a crash",24}");
        foreach (var scenario in scenarios)
        {
            var (states, after, runs) = rows.GetValueOrDefault(scenario.Name);
            text.AppendLine(CultureInfo.InvariantCulture, $"{scenario.Name,-34} {runs,6} {states,9} {after,24}");
        }

        text.AppendLine(
            CultureInfo.InvariantCulture,
            $"{"all",-34} {rows.Values.Sum(row => row.Runs),6} {rows.Values.Sum(row => row.States),9} {rows.Values.Sum(row => row.After),24}");
        text.AppendLine(CultureInfo.InvariantCulture, $"wrong: {failures}; judged by qemu-img check too: {judged}");
        File.WriteAllText(Path.Combine(Results, "report.txt"), text.ToString());
        TestContext.Current.TestOutputHelper?.WriteLine(text.ToString());
        return text.ToString();
    }

    private static int Number(string name, int otherwise) =>
        int.Parse(Setting(name, otherwise.ToString(CultureInfo.InvariantCulture)), CultureInfo.InvariantCulture);

    private static string Setting(string name, string otherwise) =>
        Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : otherwise;
}
