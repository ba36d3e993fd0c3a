namespace Eider.Storage.Backends;

/// <summary>
/// What a storage of one's own must offer: a size and reading at an offset. With <see cref="IWriteAt"/> it can be
/// written too, with <see cref="IFlush"/> it knows durability. Calls come from many threads at once.
/// </summary>
public interface IReadAt
{
    /// <summary>Size in bytes; asked once, when the storage is made.</summary>
    long SizeBytes { get; }

    /// <summary>Reads from an offset on.</summary>
    /// <param name="offsetBytes">Where to begin; the range lies inside the size.</param>
    /// <param name="destination">Where to put the bytes; never empty.</param>
    /// <param name="cancellationToken">Asks to end early.</param>
    /// <returns>How many bytes were read: at least one; a short read is continued.</returns>
    ValueTask<int> ReadAtAsync(long offsetBytes, Memory<byte> destination, CancellationToken cancellationToken);
}
