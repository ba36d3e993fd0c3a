using System.Diagnostics;

namespace Eider.Testing.Fuzzing;

/// <summary>One thread of a session.</summary>
internal sealed class FuzzWorker(FuzzPlan plan, int index)
{
    private const int RunsBetweenLooks = 16;

    private readonly FuzzInput _input = new();
    private string _target = "";
    private long _run;
    private long _startedAt;

    /// <summary>How long the case in progress runs already; from any thread.</summary>
    public TimeSpan RunningFor => Volatile.Read(ref _startedAt) is var started and not 0 ? Stopwatch.GetElapsedTime(started) : TimeSpan.Zero;

    /// <summary>A finding about the case in progress.</summary>
    public FuzzFinding Finding(string failure, bool standalone) => new(_target, plan.Seed, _run, _input.Choices.ToArray(), failure, standalone);

    /// <summary>Runs a target for its share of the time.</summary>
    public (string Target, FuzzCounters Counters, FuzzFinding? Finding) Run(Func<FuzzTarget> make, Func<bool> ended)
    {
        var counters = new FuzzCounters();
        using var target = make();
        _target = target.Name;
        var corpus = plan.Corpus is null ? [] : FuzzCase.LoadAll(plan.Corpus, target.Name);
        var share = plan.Time / plan.Targets.Count;
        var end = plan.FirstRun + Math.Min(plan.MaxRuns, long.MaxValue - plan.FirstRun);
        var watch = Stopwatch.StartNew();
        for (_run = plan.FirstRun + index; _run < end; _run += plan.Workers)
        {
            if (_run / plan.Workers % RunsBetweenLooks == 0 && (watch.Elapsed >= share || ended()))
            {
                break;
            }

            Begin(corpus);
            if (Attempt(target, counters) is { } failure)
            {
                Volatile.Write(ref _startedAt, 0);
                counters.Seconds = watch.Elapsed.TotalSeconds;
                return (target.Name, counters, Examine(make, failure));
            }
        }

        Volatile.Write(ref _startedAt, 0);
        counters.Seconds = watch.Elapsed.TotalSeconds;
        return (target.Name, counters, null);
    }

    /// <summary>Every fourth case starts from a known one.</summary>
    private void Begin(FuzzCase[] corpus)
    {
        if (corpus.Length == 0 || _run % 4 != 0)
        {
            _input.Begin(plan.Seed, _run);
            return;
        }

        var random = new Random(unchecked((int)((plan.Seed * 31) + (ulong)_run)));
        _input.Begin(plan.Seed, _run, FuzzMutator.Mutate(random, corpus));
    }

    private string? Attempt(FuzzTarget target, FuzzCounters? counters)
    {
        Volatile.Write(ref _startedAt, Stopwatch.GetTimestamp());
        var failure = FuzzCheck.Run(target, _input, out var completed, out var allocated);
        if (failure is null)
        {
            counters?.Count(completed, allocated, _input);
        }

        return failure;
    }

    /// <summary>Tries the case on a fresh target, and cuts it down if it fails there too.</summary>
    private FuzzFinding Examine(Func<FuzzTarget> make, string failure)
    {
        var found = _input.Choices.ToArray();
        var kind = FuzzCheck.KindOf(failure);
        if (!Shows(found))
        {
            return new FuzzFinding(_target, plan.Seed, _run, found, failure, Standalone: false);
        }

        return new FuzzFinding(_target, plan.Seed, _run, FuzzMinimizer.Minimize(found, Shows), failure, Standalone: true);

        bool Shows(byte[] choices)
        {
            var input = new FuzzInput();
            input.Replay(choices);
            using var fresh = make();
            return FuzzCheck.Run(fresh, input, out _, out _) is { } again && FuzzCheck.KindOf(again) == kind;
        }
    }
}
