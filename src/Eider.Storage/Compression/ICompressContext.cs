namespace Eider.Storage.Compression;

/// <summary>What a library keeps to compress; used again and again, by one thread at a time.</summary>
internal interface ICompressContext : IDisposable
{
    /// <summary>Compresses in one go; false if the result does not fit.</summary>
    bool TryCompress(ReadOnlySpan<byte> source, Span<byte> destination, out int bytesWritten);
}
