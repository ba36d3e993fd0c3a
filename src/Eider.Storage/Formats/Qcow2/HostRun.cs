namespace Eider.Storage.Formats.Qcow2;

/// <summary>Clusters of the file, one behind the other.</summary>
/// <param name="Offset">Where they start.</param>
/// <param name="Clusters">How many.</param>
/// <param name="IsFresh">True if nothing was ever written there: the file reads as zeroes.</param>
internal readonly record struct HostRun(long Offset, int Clusters, bool IsFresh);
