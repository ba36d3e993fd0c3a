using Eider.Storage.Backends;

namespace Eider.Storage.Formats;

/// <summary>How an image is opened.</summary>
public sealed record ImageOpenOptions
{
    /// <summary>The default for <see cref="CacheBytes"/>: 32 MiB, enough for 256 GiB in clusters of 64 KiB.</summary>
    public const long DefaultCacheBytes = 32L << 20;

    /// <summary>The deepest chain of images that is opened.</summary>
    public const int MaxDepth = 16;

    /// <summary>The defaults: read and write, no other file.</summary>
    public static ImageOpenOptions Default { get; } = new();

    /// <summary>True to refuse writes; nothing in the file changes, not even a flag.</summary>
    public bool IsReadOnly { get; init; }

    /// <summary>Which other files may be opened because the image names them.</summary>
    public ImageChainPolicy Chain { get; init; } = ImageChainPolicy.Refuse;

    /// <summary>
    /// Opens a file that an image names, already resolved against the place of the image and allowed by
    /// <see cref="Chain"/>; null for plain files of the host. Names are paths, no prefix means anything.
    /// </summary>
    public Func<string, bool, CancellationToken, ValueTask<BlockStorage>>? OpenFile { get; init; }

    /// <summary>
    /// The backing image, instead of the one that the image names; it is closed with the image. Null to follow the
    /// name.
    /// </summary>
    public BlockStorage? Backing { get; init; }

    /// <summary>The external data file, instead of the one that the image names; it is closed with the image.</summary>
    public BlockStorage? DataFile { get; init; }

    /// <summary>
    /// True to guess the format of a backing file where the image does not say it. A guest that wrote to a raw backing
    /// file may have chosen the outcome.
    /// </summary>
    public bool ProbesBackingFormat { get; init; }

    /// <summary>
    /// How many steps down the chain an image lies that is opened for writing too, as a commit needs it; 0 for none.
    /// The images between stay read-only.
    /// </summary>
    public int WritableDepth { get; init; }

    /// <summary>True if the format of this image was guessed: a raw one then keeps what looks like a format out of its first sector.</summary>
    public bool IsFormatProbed { get; init; }

    /// <summary>The passphrase or key of an encrypted image by the image's name; null if there is none.</summary>
    public Func<string, ReadOnlyMemory<byte>?>? KeyOf { get; init; }

    /// <summary>Most memory for cached metadata of one image, in bytes.</summary>
    public long CacheBytes { get; init; } = DefaultCacheBytes;

    /// <summary>True to open an image that is marked as corrupt for writing, to repair it.</summary>
    public bool IsForRepair { get; init; }

    /// <summary>Id or name of the internal snapshot to read, in place of the disk as it is now; then read-only. Null for the disk.</summary>
    public string? Snapshot { get; init; }

    /// <summary>Who else may have the files open that this image names.</summary>
    public FileLocking Locking { get; init; }

    /// <summary>True to go round the host's page cache for the files that this image names.</summary>
    public bool IsDirect { get; init; }

    /// <summary>The images above this one, outermost first: against loops and endless chains.</summary>
    internal IReadOnlyList<BlockStorage> Above { get; init; } = [];
}
