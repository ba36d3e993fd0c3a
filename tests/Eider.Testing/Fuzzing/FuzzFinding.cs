namespace Eider.Testing.Fuzzing;

/// <summary>A case that broke a promise.</summary>
/// <param name="Target">Name of the target.</param>
/// <param name="Seed">The seed.</param>
/// <param name="Run">The run number.</param>
/// <param name="Choices">The choices; cut down if the case fails on its own.</param>
/// <param name="Failure">What happened.</param>
/// <param name="Standalone">False if it needs what the worker ran before it.</param>
public sealed record FuzzFinding(
    string Target, ulong Seed, long Run, ReadOnlyMemory<byte> Choices, string Failure, bool Standalone)
{
    /// <summary>Keeps it as a file that a test can replay.</summary>
    /// <param name="folder">Folder of all findings.</param>
    /// <returns>Its path.</returns>
    public string Save(string folder) =>
        new FuzzCase(FormattableString.Invariant($"found-{Seed}-{Run}"), Choices, null).Save(
            Path.Combine(folder, Target),
            FormattableString.Invariant($"{Target}, seed {Seed}, run {Run}{(Standalone ? "" : "; only after the runs before it")}\n{Failure}"));
}
