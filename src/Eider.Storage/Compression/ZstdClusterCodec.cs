namespace Eider.Storage.Compression;

/// <summary>
/// Clusters as Zstandard frames (RFC 8878), by the system's libzstd. A cluster is written as one frame with its
/// size; one that is read may be made of several.
/// </summary>
public sealed class ZstdClusterCodec : ClusterCodec
{
    /// <summary>The level that is taken unless another is named.</summary>
    public const int DefaultLevel = 3;

    /// <summary>The fastest level.</summary>
    public const int MinLevel = 1;

    /// <summary>The hardest level.</summary>
    public const int MaxLevel = 22;

    /// <summary>A codec.</summary>
    /// <param name="level">1 (fast) to 22 (small).</param>
    /// <exception cref="BlockStorageException">There is no libzstd on this host; the message says what to install.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The level is not from <see cref="MinLevel"/> to <see cref="MaxLevel"/>.</exception>
    public ZstdClusterCodec(int level = DefaultLevel)
        : this(CheckLevel(level, MinLevel, MaxLevel), ZstdLibrary.Default)
    {
    }

    private ZstdClusterCodec(int level, ZstdLibrary library)
        : base(level, () => library.CreateCompress(level), library.CreateDecompress)
    {
    }

    /// <inheritdoc/>
    public override ClusterCompression Compression => ClusterCompression.Zstd;
}
