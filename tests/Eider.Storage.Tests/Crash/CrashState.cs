namespace Eider.Storage.Tests.Crash;

/// <summary>Files after a crash.</summary>
/// <param name="Files">Their bytes.</param>
/// <param name="Tick">The last moment before the crash.</param>
/// <param name="Name">How the state came to be.</param>
internal sealed record CrashState(IReadOnlyList<CrashFile> Files, int Tick, string Name);
