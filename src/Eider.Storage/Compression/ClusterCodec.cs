namespace Eider.Storage.Compression;

/// <summary>
/// Compresses single clusters and takes them apart again. All methods may be called from any thread at once;
/// contexts of the native library are kept and used again, nothing is allocated on the managed heap.
/// </summary>
public abstract class ClusterCodec : IDisposable
{
    private readonly ContextPool<ICompressContext> _compress;
    private readonly ContextPool<IDecompressContext> _decompress;

    private protected ClusterCodec(int level, Func<ICompressContext> createCompress, Func<IDecompressContext> createDecompress)
    {
        Level = level;
        _compress = new ContextPool<ICompressContext>(createCompress);
        _decompress = new ContextPool<IDecompressContext>(createDecompress);
    }

    /// <summary>Which way of compression it is.</summary>
    public abstract ClusterCompression Compression { get; }

    /// <summary>How hard it tries; larger is smaller and slower.</summary>
    public int Level { get; }

    /// <summary>A codec.</summary>
    /// <param name="compression">Which.</param>
    /// <param name="level">
    /// How hard to try: 1 to 9 for zlib, 1 to 22 for zstd; null for the level that QEMU takes (6 and 3).
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such level.</exception>
    /// <exception cref="BlockStorageException">The library that does the work is not there; the message says what to install.</exception>
    public static ClusterCodec Create(ClusterCompression compression, int? level = null) => compression switch
    {
        ClusterCompression.Zlib => new ZlibClusterCodec(level ?? ZlibClusterCodec.DefaultLevel),
        ClusterCompression.Zstd => new ZstdClusterCodec(level ?? ZstdClusterCodec.DefaultLevel),
        _ => throw new ArgumentOutOfRangeException(nameof(compression), compression, "There is no such compression."),
    };

    /// <summary>Compresses one cluster.</summary>
    /// <param name="cluster">The whole cluster.</param>
    /// <param name="destination">
    /// Where the result goes; its length is the most that is worth storing, so that less than a cluster makes sense.
    /// </param>
    /// <param name="bytesWritten">How long the result is.</param>
    /// <returns>False if it does not fit: the cluster is better stored as it is.</returns>
    public bool TryCompress(ReadOnlySpan<byte> cluster, Span<byte> destination, out int bytesWritten)
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

    /// <summary>Takes one cluster apart; bytes behind the compressed ones are not looked at.</summary>
    /// <param name="compressed">What was stored, up to the end of its last sector.</param>
    /// <param name="cluster">Filled wholly, never written past.</param>
    /// <returns>False if the bytes are damaged or make less than a cluster; the cluster's content is then undefined.</returns>
    public bool TryDecompress(ReadOnlySpan<byte> compressed, Span<byte> cluster)
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

    /// <summary>Frees the contexts; no call may be under way.</summary>
    public void Dispose()
    {
        _compress.Dispose();
        _decompress.Dispose();
        GC.SuppressFinalize(this);
    }

    private protected static int CheckLevel(int level, int least, int most)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(level, least);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(level, most);
        return level;
    }
}
