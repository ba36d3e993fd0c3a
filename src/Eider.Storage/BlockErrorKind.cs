namespace Eider.Storage;

/// <summary>What kind of host failure a <see cref="BlockStorageException"/> reports.</summary>
public enum BlockErrorKind
{
    /// <summary>Reading or writing failed for a reason with no kind of its own.</summary>
    Io,

    /// <summary>The host has no room left.</summary>
    NoSpace,

    /// <summary>The file, or the page on the server, does not exist.</summary>
    NotFound,

    /// <summary>The host refuses access.</summary>
    AccessDenied,

    /// <summary>Somebody else holds the storage open for writing.</summary>
    Locked,

    /// <summary>The content changed under us (another ETag, another size).</summary>
    Changed,

    /// <summary>The other side broke its protocol, or lied.</summary>
    Protocol,

    /// <summary>No answer in time.</summary>
    TimedOut,

    /// <summary>An earlier flush failed: what was written since the last good one may be lost. Reopen.</summary>
    FlushFailed,

    /// <summary>An image is not of the format it should be.</summary>
    InvalidFormat,

    /// <summary>An image uses something that is not implemented.</summary>
    UnsupportedFeature,

    /// <summary>An image contradicts itself.</summary>
    CorruptImage,

    /// <summary>The storage was closed.</summary>
    Closed,
}
