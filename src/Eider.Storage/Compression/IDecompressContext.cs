namespace Eider.Storage.Compression;

/// <summary>What a library keeps to take apart; used again and again, by one thread at a time.</summary>
internal interface IDecompressContext : IDisposable
{
    /// <summary>Fills the destination wholly in one go; false if the source is damaged or shorter.</summary>
    bool TryDecompress(ReadOnlySpan<byte> source, Span<byte> destination);
}
