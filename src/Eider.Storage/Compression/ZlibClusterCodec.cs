namespace Eider.Storage.Compression;

/// <summary>
/// Clusters as raw deflate (RFC 1951), without header and checksum, as qcow2 stores them (qcow2 specification,
/// compressed clusters). What is written keeps its distances within 4 KiB, so that it decodes with a window of
/// that size in pieces of any length; what is read may have any distance.
/// </summary>
public sealed class ZlibClusterCodec : ClusterCodec
{
    /// <summary>The level that is taken unless another is named.</summary>
    public const int DefaultLevel = 6;

    /// <summary>The smallest and fastest level.</summary>
    public const int MinLevel = 1;

    /// <summary>The hardest level.</summary>
    public const int MaxLevel = 9;

    /// <summary>A codec.</summary>
    /// <param name="level">1 (fast) to 9 (small).</param>
    /// <exception cref="BlockStorageException">No zlib can be called here.</exception>
    public ZlibClusterCodec(int level = DefaultLevel)
        : this(level, ZlibLibrary.Default)
    {
    }

    internal ZlibClusterCodec(int level, ZlibLibrary library)
        : base(CheckLevel(level, MinLevel, MaxLevel), () => library.CreateDeflate(level), library.CreateInflate)
    {
    }

    /// <inheritdoc/>
    public override ClusterCompression Compression => ClusterCompression.Zlib;
}
