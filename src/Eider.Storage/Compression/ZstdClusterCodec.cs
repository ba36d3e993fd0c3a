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

    private readonly ContextPool<ZstdLibrary.CompressContext> _compress;
    private readonly ContextPool<ZstdLibrary.DecompressContext> _decompress;

    /// <summary>A codec.</summary>
    /// <param name="level">1 (fast) to 22 (small).</param>
    /// <exception cref="BlockStorageException">There is no libzstd on this host; the message says what to install.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The level is not from <see cref="MinLevel"/> to <see cref="MaxLevel"/>.</exception>
    public ZstdClusterCodec(int level = DefaultLevel)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(level, MinLevel);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(level, MaxLevel);
        Level = level;
        var library = ZstdLibrary.Default;
        _compress = new ContextPool<ZstdLibrary.CompressContext>(() => library.CreateCompress(level));
        _decompress = new ContextPool<ZstdLibrary.DecompressContext>(library.CreateDecompress);
    }

    /// <inheritdoc/>
    public override ClusterCompression Compression => ClusterCompression.Zstd;

    /// <inheritdoc/>
    public override int Level { get; }

    /// <inheritdoc/>
    public override bool TryCompress(ReadOnlySpan<byte> cluster, Span<byte> destination, out int bytesWritten)
    {
        var context = _compress.Rent();
        try
        {
            return context.TryCompress(cluster, destination, out bytesWritten);
        }
        finally
        {
            _compress.Return(context);
        }
    }

    /// <inheritdoc/>
    public override bool TryDecompress(ReadOnlySpan<byte> compressed, Span<byte> cluster)
    {
        var context = _decompress.Rent();
        try
        {
            return context.TryDecompress(compressed, cluster);
        }
        finally
        {
            _decompress.Return(context);
        }
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        _compress.Dispose();
        _decompress.Dispose();
    }
}
