namespace Eider.Storage.Formats.Qcow2.Checking;

/// <summary>What a check found, and what it mended.</summary>
public sealed record Qcow2CheckResult
{
    /// <summary>What is wrong, in the order of the file; at most <see cref="MaxFindings"/>, the counts go on.</summary>
    public required IReadOnlyList<Qcow2Finding> Findings { get; init; }

    /// <summary>Most findings that are kept one by one.</summary>
    public const int MaxFindings = 10_000;

    /// <summary>Number of leaked clusters that were found.</summary>
    public required long Leaks { get; init; }

    /// <summary>Number of contradictions that were found.</summary>
    public required long Corruptions { get; init; }

    /// <summary>Number of leaked clusters that were given back.</summary>
    public long LeaksFixed { get; init; }

    /// <summary>Number of contradictions that were mended.</summary>
    public long CorruptionsFixed { get; init; }

    /// <summary>The end of the last cluster in use, in bytes.</summary>
    public required long ImageEndBytes { get; init; }

    /// <summary>Clusters of the disk.</summary>
    public required long TotalClusters { get; init; }

    /// <summary>Clusters of the disk that the image itself has.</summary>
    public required long AllocatedClusters { get; init; }

    /// <summary>Those of them that do not follow the one before; compressed ones always count.</summary>
    public required long FragmentedClusters { get; init; }

    /// <summary>Those of them that are compressed.</summary>
    public required long CompressedClusters { get; init; }
}
