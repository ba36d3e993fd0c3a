using System.Runtime.InteropServices;

namespace Eider.Testing.Fuzzing;

/// <summary>What a target did.</summary>
public sealed class FuzzCounters
{
    private readonly Dictionary<string, byte[]> _shortest = [];
    private readonly Dictionary<string, long> _cases = [];

    /// <summary>Whole cases that were made, run and checked.</summary>
    public long Runs { get; private set; }

    /// <summary>Those that <see cref="FuzzTarget.Run"/> called completed.</summary>
    public long Completed { get; private set; }

    /// <summary>Time that these took, in seconds, of all workers together.</summary>
    public double Seconds { get; internal set; }

    /// <summary>Most bytes that one case allocated.</summary>
    public long MostAllocatedBytes { get; private set; }

    /// <summary>For each outcome, the choices of the shortest case that showed it.</summary>
    public IReadOnlyDictionary<string, byte[]> Shortest => _shortest;

    /// <summary>How many cases showed each outcome.</summary>
    public IReadOnlyDictionary<string, long> Cases => _cases;

    internal void Count(bool completed, long allocatedBytes, FuzzInput input)
    {
        Runs++;
        Completed += completed ? 1 : 0;
        MostAllocatedBytes = Math.Max(MostAllocatedBytes, allocatedBytes);
        foreach (var outcome in (HashSet<string>)input.Outcomes)
        {
            CollectionsMarshal.GetValueRefOrAddDefault(_cases, outcome, out _)++;
            if (!_shortest.TryGetValue(outcome, out var known) || known.Length > input.Choices.Length)
            {
                _shortest[outcome] = input.Choices.ToArray();
            }
        }
    }

    internal void Add(FuzzCounters other)
    {
        Runs += other.Runs;
        Completed += other.Completed;
        Seconds += other.Seconds;
        MostAllocatedBytes = Math.Max(MostAllocatedBytes, other.MostAllocatedBytes);
        foreach (var (outcome, cases) in other._cases)
        {
            CollectionsMarshal.GetValueRefOrAddDefault(_cases, outcome, out _) += cases;
        }

        foreach (var (outcome, choices) in other._shortest)
        {
            if (!_shortest.TryGetValue(outcome, out var known) || known.Length > choices.Length)
            {
                _shortest[outcome] = choices;
            }
        }
    }
}
