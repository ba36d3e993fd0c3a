namespace Eider.Storage.Backends;

/// <summary>Writing, for a storage of one's own that can be written.</summary>
public interface IWriteAt
{
    /// <summary>Writes all bytes from an offset on.</summary>
    /// <param name="offsetBytes">Where to begin; the range lies inside the size.</param>
    /// <param name="source">The bytes; never empty.</param>
    /// <param name="cancellationToken">Asks to end early.</param>
    ValueTask WriteAtAsync(long offsetBytes, ReadOnlyMemory<byte> source, CancellationToken cancellationToken);
}
