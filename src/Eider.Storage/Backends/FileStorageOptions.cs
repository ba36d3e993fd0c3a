namespace Eider.Storage.Backends;

/// <summary>How a file is opened as a disk.</summary>
public sealed record FileStorageOptions
{
    /// <summary>The defaults: read and write, through the page cache, locked.</summary>
    public static FileStorageOptions Default { get; } = new();

    /// <summary>True to open for reading only and to refuse writes.</summary>
    public bool IsReadOnly { get; init; }

    /// <summary>
    /// True to go round the host's page cache (O_DIRECT; Linux only). The size must then be a multiple of the
    /// file system's alignment; requests that are not aligned are copied through an aligned buffer.
    /// </summary>
    public bool IsDirect { get; init; }

    /// <summary>Who else may have the file open.</summary>
    public FileLocking Locking { get; init; }

    /// <summary>True to leave the handle open at the end; only for a storage made from the caller's handle.</summary>
    public bool LeaveOpen { get; init; }
}
