namespace Eider.Storage.Backends;

/// <summary>Writing, for a storage of one's own that can be written.</summary>
public interface IWriteAt
{
    /// <summary>
    /// Writes all bytes from an offset on. Once its task has ended, also by an exception, nothing of the range may change any
    /// more because of it: the place may belong to other data by then.
    /// </summary>
    /// <param name="offsetBytes">Where to begin; the range lies inside the size.</param>
    /// <param name="source">The bytes; never empty.</param>
    /// <param name="cancellationToken">Asks to end early.</param>
    ValueTask WriteAtAsync(long offsetBytes, ReadOnlyMemory<byte> source, CancellationToken cancellationToken);
}
