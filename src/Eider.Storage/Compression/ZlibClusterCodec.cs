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

    private readonly ContextPool<IDeflateContext> _deflate;
    private readonly ContextPool<IInflateContext> _inflate;

    /// <summary>A codec.</summary>
    /// <param name="level">1 (fast) to 9 (small).</param>
    /// <exception cref="BlockStorageException">No zlib can be called here.</exception>
    public ZlibClusterCodec(int level = DefaultLevel)
        : this(level, ZlibLibrary.Default)
    {
    }

    internal ZlibClusterCodec(int level, ZlibLibrary library)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(level, MinLevel);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(level, MaxLevel);
        Level = level;
        _deflate = new ContextPool<IDeflateContext>(() => library.CreateDeflate(level));
        _inflate = new ContextPool<IInflateContext>(library.CreateInflate);
    }

    /// <inheritdoc/>
    public override ClusterCompression Compression => ClusterCompression.Zlib;

    /// <inheritdoc/>
    public override int Level { get; }

    /// <inheritdoc/>
    public override bool TryCompress(ReadOnlySpan<byte> cluster, Span<byte> destination, out int bytesWritten)
    {
        var context = _deflate.Rent();
        try
        {
            return context.TryDeflate(cluster, destination, out bytesWritten);
        }
        finally
        {
            _deflate.Return(context);
        }
    }

    /// <inheritdoc/>
    public override bool TryDecompress(ReadOnlySpan<byte> compressed, Span<byte> cluster)
    {
        var context = _inflate.Rent();
        try
        {
            return context.TryInflate(compressed, cluster);
        }
        finally
        {
            _inflate.Return(context);
        }
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        _deflate.Dispose();
        _inflate.Dispose();
    }
}
