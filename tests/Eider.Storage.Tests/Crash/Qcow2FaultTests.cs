using System.Collections.Concurrent;
using System.Globalization;
using Eider.Storage.Layers;

namespace Eider.Storage.Tests.Crash;

/// <summary>
/// Each operation of the host fails once, in fifty workloads: no other exception escapes, the error arrives, what failed
/// can be done again, and the image is in order afterwards.
/// </summary>
public sealed class Qcow2FaultTests
{
    private const int Workloads = 50;

    [Fact]
    [Trait("Category", "Slow")]
    public async Task Whichever_operation_of_the_host_fails_the_error_arrives_a_retry_works_and_the_image_is_in_order()
    {
        var scenarios = CrashScenario.All.Where(scenario => !scenario.Has(CrashExtras.TwoAtOnce)).ToArray();
        var failures = new ConcurrentQueue<string>();
        var (faults, told, leaky) = (0, 0, 0);
        await Parallel.ForAsync(0, Workloads, TestContext.Current.CancellationToken, async (workload, _) =>
        {
            var scenario = scenarios[workload % scenarios.Length];
            for (var file = 0; file < (scenario.HasSecondFile ? 2 : 1); file++)
            {
                foreach (var rule in Rules)
                {
                    for (var every = 1; ; every++)
                    {
                        var run = new FaultyRun(scenario, workload + 1, file, rule with { Every = every });
                        if (await run.RunAsync() is { } trouble)
                        {
                            failures.Enqueue(trouble);
                        }
                        else if (!run.IsInjected)
                        {
                            break;
                        }

                        Interlocked.Increment(ref faults);
                        Interlocked.Add(ref told, run.IsTold ? 1 : 0);
                        Interlocked.Add(ref leaky, run.Leaks > 0 ? 1 : 0);
                    }
                }
            }
        });
        var text = string.Create(
            CultureInfo.InvariantCulture, $"{faults} faults, {told} told to the caller, {leaky} left leaked clusters, {failures.Count} wrong");
        TestContext.Current.TestOutputHelper?.WriteLine(text);
        Assert.True(failures.IsEmpty, $"{text}\n{string.Join('\n', failures.Take(40))}");
        Assert.True(faults > 5000 && told > faults / 2, text);
    }

    private static readonly FaultRule[] Rules =
    [
        new() { IsOnce = true, Kind = BlockErrorKind.Io },
        new() { IsOnce = true, Kind = BlockErrorKind.NoSpace },
        new() { IsOnce = true, Kind = BlockErrorKind.Io, TornBytes = 700 },
    ];
}
