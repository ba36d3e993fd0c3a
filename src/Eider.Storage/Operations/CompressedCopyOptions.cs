namespace Eider.Storage.Operations;

/// <summary>How <see cref="CompressedImageCopier"/> copies.</summary>
public sealed record CompressedCopyOptions
{
    /// <summary>The defaults: as many threads as processors, the level that QEMU takes.</summary>
    public static CompressedCopyOptions Default { get; } = new();

    /// <summary>How hard to try: 1 to 9 for zlib, 1 to 22 for zstd; null for the usual level.</summary>
    public int? Level { get; init; }

    /// <summary>How many clusters are compressed at once; 0 for as many as there are processors.</summary>
    public int Threads { get; init; }

    /// <summary>True to store the clusters in the order of the disk.</summary>
    public bool IsOrdered { get; init; }

    /// <summary>True to store at once, as they are, clusters that a cheap look says cannot be made smaller.</summary>
    public bool SkipsIncompressible { get; init; } = true;

    /// <summary>True if the target reads as zeroes everywhere: zeroes then need no request.</summary>
    public bool TargetIsZero { get; init; }

    /// <summary>True to store clusters of zeroes too, in place of leaving them out.</summary>
    public bool StoresZeroes { get; init; }

    /// <summary>True to copy only clusters of which the source, an image, has something itself; the rest of the target is left alone.</summary>
    public bool IsOwnOnly { get; init; }

    /// <summary>Told how far the copy is.</summary>
    public OperationProgress? Progress { get; init; }

    /// <summary>Where the work is done; null for the thread pool.</summary>
    public TaskScheduler? Scheduler { get; init; }
}
