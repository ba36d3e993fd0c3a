namespace Eider.Storage;

/// <summary>What a <see cref="StorageLocation"/> leads to.</summary>
public enum StorageKind
{
    /// <summary>A file or block device of this host.</summary>
    File,

    /// <summary>A page of an HTTP or HTTPS server.</summary>
    Http,

    /// <summary>Memory that begins as zeroes.</summary>
    Memory,
}
