namespace Eider.Hardware.Memory;

/// <summary>
/// Why somebody wants to know of the next write to a page. A page with any flag set is not written directly by
/// an engine's fast path: the slow path takes the flags first.
/// </summary>
[Flags]
public enum PageWatch : byte
{
    /// <summary>Nobody does.</summary>
    None = 0,

    /// <summary>An engine holds code decoded from this page.</summary>
    HasCode = 1,

    /// <summary>Dirty tracking is on and the page is still clean.</summary>
    IsClean = 2,
}
