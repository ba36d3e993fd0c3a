namespace Eider.Storage.Compression;

/// <summary>How a cluster is compressed; the values are those of a qcow2 header (qcow2 specification, compression type).</summary>
public enum ClusterCompression
{
    /// <summary>Raw deflate (RFC 1951) whose distances stay within 4 KiB, which old readers expect.</summary>
    Zlib = 0,

    /// <summary>Zstandard (RFC 8878).</summary>
    Zstd = 1,
}
