namespace Eider.Storage.Compression;

/// <summary>One raw deflate stream that can be used again and again, by one thread at a time.</summary>
internal interface IDeflateContext : IDisposable
{
    /// <summary>Compresses in one go; false if the result does not fit.</summary>
    bool TryDeflate(ReadOnlySpan<byte> source, Span<byte> destination, out int bytesWritten);
}
