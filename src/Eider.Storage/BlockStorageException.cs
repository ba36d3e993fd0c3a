namespace Eider.Storage;

/// <summary>A host failure behind a block request: what, where, during which operation.</summary>
public sealed class BlockStorageException : IOException
{
    /// <summary>A failure with all that is known of it.</summary>
    /// <param name="kind">What kind of failure.</param>
    /// <param name="operation">During which operation.</param>
    /// <param name="path">The file, address or other name of the storage.</param>
    /// <param name="offsetBytes">Where in it; null if it has no place.</param>
    /// <param name="message">What happened, found and expected, in one line.</param>
    /// <param name="innerException">The cause, if the host gave one.</param>
    public BlockStorageException(
        BlockErrorKind kind, BlockOperation operation, string path, long? offsetBytes, string message, Exception? innerException = null)
        : base(message, innerException)
    {
        Kind = kind;
        Operation = operation;
        Path = path;
        OffsetBytes = offsetBytes;
    }

    /// <summary>An unspecified failure.</summary>
    public BlockStorageException()
        : this("block storage failed")
    {
    }

    /// <summary>An unspecified failure with a message.</summary>
    public BlockStorageException(string message)
        : base(message) => Path = "";

    /// <summary>An unspecified failure with a message and a cause.</summary>
    public BlockStorageException(string message, Exception innerException)
        : base(message, innerException) => Path = "";

    /// <summary>What kind of failure.</summary>
    public BlockErrorKind Kind { get; }

    /// <summary>During which operation.</summary>
    public BlockOperation Operation { get; }

    /// <summary>The file, address or other name of the storage.</summary>
    public string Path { get; }

    /// <summary>Where in it, in bytes; null if the failure has no place.</summary>
    public long? OffsetBytes { get; }
}
