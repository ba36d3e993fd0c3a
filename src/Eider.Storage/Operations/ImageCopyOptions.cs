namespace Eider.Storage.Operations;

/// <summary>How <see cref="ImageCopier"/> copies.</summary>
public sealed record ImageCopyOptions
{
    /// <summary>The defaults: two workers with buffers of 2 MiB, zeroes found in granules of 4 KiB.</summary>
    public static ImageCopyOptions Default { get; } = new();

    /// <summary>How many requests are under way at once; 1 to 64.</summary>
    public int Workers { get; init; } = 2;

    /// <summary>The longest read and write, in bytes; a power of two, at least 64 KiB.</summary>
    public int BufferBytes { get; init; } = 2 << 20;

    /// <summary>The smallest run of zeroes in data that is left out, in bytes; a power of two, at least 512; 0 to write all data.</summary>
    public int ZeroGranuleBytes { get; init; } = 4096;

    /// <summary>True if the target reads as zeroes everywhere: zeroes then need no request.</summary>
    public bool TargetIsZero { get; init; }

    /// <summary>True to have the target, an image, say each zero itself, though it would read as zero without a word.</summary>
    public bool SaysEveryZero { get; init; }

    /// <summary>
    /// True to copy only what the source, an image, has itself: for a target that has in front of the same image what the
    /// source has. The rest of the target is left alone.
    /// </summary>
    public bool IsOwnOnly { get; init; }

    /// <summary>True if the writes are to be made in the order of the disk, so that a new image grows in that order.</summary>
    public bool IsOrdered { get; init; }

    /// <summary>True to go on after a failed read: that piece becomes zeroes, and is told to <see cref="OnUnreadable"/>.</summary>
    public bool SkipsUnreadable { get; init; }

    /// <summary>Told the place of each piece that could not be read and why.</summary>
    public Action<long, long, BlockStorageException>? OnUnreadable { get; init; }

    /// <summary>Told how far the copy is.</summary>
    public OperationProgress? Progress { get; init; }

    /// <summary>Where the workers run; null for the thread pool.</summary>
    public TaskScheduler? Scheduler { get; init; }
}
