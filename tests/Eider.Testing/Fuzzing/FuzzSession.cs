using System.Diagnostics;

namespace Eider.Testing.Fuzzing;

/// <summary>Runs a plan: each worker gives each target the same share of the time, and stops at the first finding.</summary>
public sealed class FuzzSession
{
    private readonly FuzzPlan _plan;
    private readonly Dictionary<string, FuzzCounters> _counters = [];
    private readonly Lock _gate = new();
    private FuzzFinding? _finding;

    private FuzzSession(FuzzPlan plan) => _plan = plan;

    /// <summary>Runs all of it.</summary>
    public static FuzzReport Run(FuzzPlan plan)
    {
        ArgumentNullException.ThrowIfNull(plan);
        return new FuzzSession(plan).RunAll();
    }

    private FuzzReport RunAll()
    {
        var processor = Process.GetCurrentProcess().TotalProcessorTime;
        var watch = Stopwatch.StartNew();
        var workers = Enumerable.Range(0, _plan.Workers).Select(index => new FuzzWorker(_plan, index)).ToArray();
        var threads = workers.Select(worker => new Thread(() => Work(worker)) { IsBackground = true, Name = "fuzz" }).ToArray();
        foreach (var thread in threads)
        {
            thread.Start();
        }

        // The watchdog: a thread that hangs cannot be ended, but it can be reported.
        while (threads.Any(thread => thread.IsAlive) && Volatile.Read(ref _finding) is null)
        {
            threads[0].Join(TimeSpan.FromMilliseconds(50));
            if (Array.Find(workers, worker => worker.RunningFor > _plan.HangsAfter) is { } hanging)
            {
                Report(hanging.Finding($"hangs: {hanging.RunningFor.TotalSeconds:0} s in one case", standalone: false));
            }
        }

        foreach (var thread in threads)
        {
            thread.Join(_finding is null ? Timeout.InfiniteTimeSpan : TimeSpan.FromSeconds(5));
        }

        lock (_gate)
        {
            return new FuzzReport(
                _plan, new SortedDictionary<string, FuzzCounters>(_counters, StringComparer.Ordinal), _finding, watch.Elapsed,
                Process.GetCurrentProcess().TotalProcessorTime - processor);
        }
    }

    private void Work(FuzzWorker worker)
    {
        foreach (var make in _plan.Targets)
        {
            if (Volatile.Read(ref _finding) is not null)
            {
                return;
            }

            var (target, counters, finding) = worker.Run(make, () => Volatile.Read(ref _finding) is not null);
            lock (_gate)
            {
                if (!_counters.TryGetValue(target, out var all))
                {
                    _counters[target] = all = new FuzzCounters();
                }

                all.Add(counters);
            }

            if (finding is not null)
            {
                Report(finding);
            }
        }
    }

    private void Report(FuzzFinding finding) => Interlocked.CompareExchange(ref _finding, finding, null);
}
