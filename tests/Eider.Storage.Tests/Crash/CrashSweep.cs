using System.Globalization;
using Eider.Storage.Formats.Qcow2.Checking;

namespace Eider.Storage.Tests.Crash;

/// <summary>Works on an image of a scenario, and looks at every state in which a crash could have left it.</summary>
internal sealed class CrashSweep
{
    private const int Steps = 40;
    private const int StepsOfTwo = 12;
    private const int StepsAfterACrash = 5;
    private const int RecoverEvery = 60;

    private readonly CrashScenario _scenario;
    private readonly int _seed;
    private readonly Random _random;
    private readonly CrashSession _session;
    private readonly CrashJudge _judge;

    public CrashSweep(CrashScenario scenario, int seed)
    {
        _scenario = scenario;
        _seed = seed;
        _random = new Random(seed);
        _session = new CrashSession(scenario);
        _judge = new CrashJudge(_session);
    }

    /// <summary>How many states were looked at.</summary>
    public int States { get; private set; }

    /// <summary>How many of them are of a crash after a crash: during a repair, or during the work that followed it.</summary>
    public int StatesAfterACrash { get; private set; }

    /// <summary>What was wrong.</summary>
    public List<string> Failures { get; } = [];

    /// <summary>A state to be judged by others too; null if there was none.</summary>
    public byte[]? Sample { get; private set; }

    /// <summary>Runs the scenario once, with crashes in it and in the recovery from them.</summary>
    public async Task RunAsync()
    {
        var run = await WorkAsync();
        await JudgeAsync(run, _ => true, StateOfWorkAsync);
    }

    /// <summary>The same with no flush but the last of each flush of the guest: the states must be found wrong.</summary>
    public async Task RunWithoutBarriersAsync()
    {
        var run = await WorkAsync();
        var flushes = run.Log.Entries.Where(entry => entry.Operation == BlockOperation.Flush).ToList();
        var kept = run.Model.FlushEnds.Select(end => flushes.FindLast(flush => flush.End <= end)).ToHashSet();
        await JudgeAsync(run, kept.Contains, (_, _) => Task.CompletedTask);
    }

    /// <summary>Damages the refcounts of an image, repairs it, and looks at crashes during the repair.</summary>
    public async Task RunRepairsAsync()
    {
        var files = await (await WorkAsync()).FilesAsync();
        var model = await _judge.ModelOfAsync(new CrashState(files, 0, "before the damage"));
        Qcow2Damage.Apply(files[0].Memory.Span, _random);
        var run = new CrashRun(_scenario, _session, files, model);
        await RepairAsync(run, Qcow2Repair.All);
        await JudgeAsync(run, _ => true, StateOfRepairAsync, isDamaged: true);
    }

    private async Task<CrashRun> WorkAsync()
    {
        var model = new DiskModel(_scenario.InitialTags(), CrashScenario.Sectors);
        var run = new CrashRun(_scenario, _session, await _scenario.CreateAsync(), model);
        await using var operations = new CrashOperations(run, _random);
        await operations.RunAsync(_scenario.Has(CrashExtras.TwoAtOnce) ? StepsOfTwo : Steps);
        return run;
    }

    private async Task JudgeAsync(
        CrashRun run, Func<CrashLog.Entry, bool> isFlush, Func<CrashRun, CrashState, Task> follow, bool isDamaged = false)
    {
        foreach (var state in new CrashStates(run.Initial, run.Log.Entries, _random, isFlush).Enumerate())
        {
            States++;
            if (await _judge.FindTroubleAsync(state, run.Model, isDamaged) is { } trouble)
            {
                Fail(state, trouble + Tell(run, state));
            }
            else if (_random.Next(RecoverEvery) == 0)
            {
                await FollowAsync(run, state, follow);
            }
        }
    }

    private async Task FollowAsync(CrashRun run, CrashState state, Func<CrashRun, CrashState, Task> follow)
    {
        try
        {
            await follow(run, state);
        }
        catch (Exception exception) when (exception is BlockStorageException or Xunit.Sdk.XunitException or InvalidOperationException)
        {
            Fail(state, $"afterwards: {exception.Message}\n{exception.StackTrace}");
        }
    }

    /// <summary>The operations before and after a state.</summary>
    private static string Tell(CrashRun run, CrashState state) => string.Concat(run.Log.Entries
        .Where(entry => Math.Abs(entry.Begin - (long)Math.Min(state.Tick, run.Log.Entries[^1].Begin)) < 30)
        .Select(entry => string.Create(
            CultureInfo.InvariantCulture,
            $"\n    {entry.Begin}..{entry.End} file {entry.File}: {entry.Operation} {entry.Length} at {entry.Offset}")));

    private void Fail(CrashState state, string trouble) =>
        Failures.Add(string.Create(CultureInfo.InvariantCulture, $"{_scenario}, seed {_seed}, {state.Name}: {trouble}"));

    /// <summary>Goes on after a crash: repairs or works, and may crash again.</summary>
    private async Task StateOfWorkAsync(CrashRun before, CrashState state)
    {
        Sample ??= state.Files[0].Memory.ToArray();
        var run = new CrashRun(_scenario, _session, state.Files, await _judge.ModelOfAsync(state));
        var repair = (Qcow2Repair)_random.Next(3);
        if (repair == Qcow2Repair.None)
        {
            await using var operations = new CrashOperations(run, _random);
            await operations.RunAsync(StepsAfterACrash);
        }
        else
        {
            await RepairAsync(run, repair);
        }

        var states = States;
        await JudgeAsync(run, _ => true, (_, _) => Task.CompletedTask);
        StatesAfterACrash += States - states;
    }

    /// <summary>After a crash in the repair of damage: the next repair must end well.</summary>
    private async Task StateOfRepairAsync(CrashRun before, CrashState state)
    {
        var run = new CrashRun(_scenario, _session, state.Files, await _judge.ModelOfAsync(state));
        await RepairAsync(run, Qcow2Repair.All);
        var after = new CrashState(await run.FilesAsync(), 0, "repaired again");
        if (await _judge.FindTroubleAsync(after, run.Model) is { } trouble)
        {
            Fail(state, $"repaired again: {trouble}");
        }
    }

    private static async Task RepairAsync(CrashRun run, Qcow2Repair repair)
    {
        await using var image = await run.OpenAsync(isForRepair: true);
        await image.CheckAsync(repair);
        var again = await image.CheckAsync();
        var mayBeWrong = image.Header.IsDirty || image.Header.Version == 2;
        Assert.True(
            repair == Qcow2Repair.All ? again.Corruptions + again.Leaks == 0 : mayBeWrong || again.Corruptions == 0,
            $"{run.Scenario}: after a repair of {repair}: {(again.Findings.Count > 0 ? again.Findings[0].Text : "clean")}");
    }
}
