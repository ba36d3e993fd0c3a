using Eider.Testing;
using Eider.Testing.Fuzzing;

namespace Eider.Fuzz.Tests;

/// <summary>Finds the targets: every public class of this project that is one. Nothing else needs to know of a new one.</summary>
public static class FuzzTargets
{
    /// <summary>How each is made, by name.</summary>
    public static IReadOnlyDictionary<string, Func<FuzzTarget>> All { get; } = Find();

    /// <summary>Folder of the known cases: one folder a target.</summary>
    public static string Corpus { get; } = Path.Combine(ProjectTree.Root, "tests", "Eider.Fuzz.Tests", "Corpus");

    /// <summary>Folder of new findings and of the last table.</summary>
    public static string Findings { get; } = Path.Combine(ProjectTree.Root, "artifacts", "fuzz");

    private static SortedDictionary<string, Func<FuzzTarget>> Find()
    {
        var targets = new SortedDictionary<string, Func<FuzzTarget>>(StringComparer.Ordinal);
        foreach (var type in typeof(FuzzTargets).Assembly.GetExportedTypes())
        {
            if (type.IsSubclassOf(typeof(FuzzTarget)) && !type.IsAbstract)
            {
                FuzzTarget Make() => (FuzzTarget)Activator.CreateInstance(type)!;
                using var target = Make();
                targets.Add(target.Name, Make);
            }
        }

        return targets;
    }
}
