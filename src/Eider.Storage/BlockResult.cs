namespace Eider.Storage;

/// <summary>
/// The ordinary outcomes of a block request. A host failure (disk full, server gone) is not among them: that
/// is a <see cref="BlockStorageException"/>.
/// </summary>
public enum BlockResult
{
    /// <summary>Done, wholly.</summary>
    Ok = 0,

    /// <summary>The request reaches past the end; nothing was done.</summary>
    OutOfRange,

    /// <summary>The storage cannot be written; nothing was done.</summary>
    ReadOnly,

    /// <summary>The storage has no such operation; nothing was done.</summary>
    Unsupported,
}
