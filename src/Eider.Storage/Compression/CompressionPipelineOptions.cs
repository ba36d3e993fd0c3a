namespace Eider.Storage.Compression;

/// <summary>How a <see cref="CompressionPipeline"/> works.</summary>
public sealed record CompressionPipelineOptions
{
    /// <summary>Size of each cluster, in bytes.</summary>
    public int ClusterBytes { get; init; } = 65536;

    /// <summary>How many clusters are compressed at once; 0 for as many as there are processors.</summary>
    public int Threads { get; init; }

    /// <summary>
    /// Most clusters that are lent, waiting, compressed or being stored at once; 0 for four a thread. Memory is twice
    /// that many clusters.
    /// </summary>
    public int MaxClusters { get; init; }

    /// <summary>True to hand clusters on in the order in which they came, one at a time.</summary>
    public bool IsOrdered { get; init; }

    /// <summary>True to store at once what a cheap look says cannot be made smaller.</summary>
    public bool SkipsIncompressible { get; init; } = true;
}
