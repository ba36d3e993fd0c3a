namespace Eider.Testing.Fuzzing;

/// <summary>What to run, and for how long.</summary>
public sealed record FuzzPlan
{
    /// <summary>How each target is made, once for each worker.</summary>
    public required IReadOnlyList<Func<FuzzTarget>> Targets { get; init; }

    /// <summary>How long, all targets together.</summary>
    public TimeSpan Time { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Most runs of a target; with <see cref="FirstRun"/> it repeats a single one.</summary>
    public long MaxRuns { get; init; } = long.MaxValue;

    /// <summary>With the run number it decides each case.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Number of the first run.</summary>
    public long FirstRun { get; init; }

    /// <summary>Workers at once; each takes every nth run.</summary>
    public int Workers { get; init; } = Math.Max(1, Environment.ProcessorCount);

    /// <summary>Folder of the cases to start from; null for none.</summary>
    public string? Corpus { get; init; }

    /// <summary>A case that takes longer hangs. Cases take microseconds; the rest is for a machine that others use, too.</summary>
    public TimeSpan HangsAfter { get; init; } = TimeSpan.FromMinutes(1);
}
