namespace Eider.Storage.Backends.Http;

/// <summary>What must stay the same while a page is a disk.</summary>
/// <param name="SizeBytes">Its size.</param>
/// <param name="EntityTag">The ETag header as it came, weak or strong; null if there was none.</param>
/// <param name="LastModified">The Last-Modified header as it came; null if there was none.</param>
internal sealed record HttpIdentity(long SizeBytes, string? EntityTag, string? LastModified)
{
    /// <summary>True if the tag may stand in If-Range (RFC 9110, 13.1.5: a strong one only).</summary>
    public bool HasStrongTag => EntityTag is ['"', ..];
}
