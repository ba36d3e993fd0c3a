namespace Eider.Storage.Compression;

/// <summary>One raw inflate stream that can be used again and again, by one thread at a time.</summary>
internal interface IInflateContext : IDisposable
{
    /// <summary>Fills the destination wholly in one go; false if the stream is damaged or shorter.</summary>
    bool TryInflate(ReadOnlySpan<byte> source, Span<byte> destination);
}
