namespace Eider.Storage.Compression;

/// <summary>
/// Compresses single clusters and takes them apart again. All methods may be called from any thread at once;
/// contexts of the native library are kept and used again, nothing is allocated on the managed heap.
/// </summary>
public abstract class ClusterCodec : IDisposable
{
    private protected ClusterCodec()
    {
    }

    /// <summary>Which way of compression it is.</summary>
    public abstract ClusterCompression Compression { get; }

    /// <summary>How hard it tries; larger is smaller and slower.</summary>
    public abstract int Level { get; }

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
    public abstract bool TryCompress(ReadOnlySpan<byte> cluster, Span<byte> destination, out int bytesWritten);

    /// <summary>Takes one cluster apart; bytes behind the compressed ones are not looked at.</summary>
    /// <param name="compressed">What was stored, up to the end of its last sector.</param>
    /// <param name="cluster">Filled wholly, never written past.</param>
    /// <returns>False if the bytes are damaged or make less than a cluster; the cluster's content is then undefined.</returns>
    public abstract bool TryDecompress(ReadOnlySpan<byte> compressed, Span<byte> cluster);

    /// <summary>Frees the contexts; no call may be under way.</summary>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Frees the contexts.</summary>
    protected abstract void Dispose(bool disposing);
}
