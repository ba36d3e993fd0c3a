namespace Eider.Storage.Compression;

/// <summary>A zlib stream as one library lays it out in memory, with that library's calls; each returns a status of zlib.h.</summary>
/// <typeparam name="TSelf">The layout.</typeparam>
internal unsafe interface IZlibStream<TSelf>
    where TSelf : unmanaged, IZlibStream<TSelf>
{
    /// <summary>How much of the output is not written.</summary>
    uint AvailableOut { get; }

    /// <summary>Says where the next call reads and writes.</summary>
    void Point(byte* from, int fromBytes, byte* to, int toBytes);

    /// <summary>Begins a raw deflate stream.</summary>
    static abstract int DeflateInit(TSelf* stream, int level);

    /// <summary>Begins the next one with what the last one had.</summary>
    static abstract int DeflateReset(TSelf* stream, int level);

    /// <summary>Compresses all that there is.</summary>
    static abstract int Deflate(TSelf* stream, int flush);

    /// <summary>Frees what the library keeps.</summary>
    static abstract int DeflateEnd(TSelf* stream);

    /// <summary>Begins a raw inflate stream.</summary>
    static abstract int InflateInit(TSelf* stream);

    /// <summary>Begins the next one.</summary>
    static abstract int InflateReset(TSelf* stream);

    /// <summary>Takes apart what there is.</summary>
    static abstract int Inflate(TSelf* stream, int flush);

    /// <summary>Frees what the library keeps.</summary>
    static abstract int InflateEnd(TSelf* stream);
}
