namespace Eider.Hardware.Bus;

/// <summary>
/// How an access ended, as the bus sees it. A device handles its own errors itself and answers <see cref="Ok"/>;
/// the other values say that the access as such made no sense. On anything but <see cref="Ok"/> and
/// <see cref="Pending"/> the bus fills a read with ones and drops a write, and counts it.
/// </summary>
public enum BusStatus : byte
{
    /// <summary>Done; the bytes of a read are valid.</summary>
    Ok = 0,

    /// <summary>Nobody claims this address.</summary>
    NoDevice,

    /// <summary>The device has no register there, or not in this direction.</summary>
    InvalidRegister,

    /// <summary>The register does not take this width.</summary>
    InvalidSize,

    /// <summary>The register does not take this alignment, or the access leaves the claimed range.</summary>
    Unaligned,

    /// <summary>
    /// Not done yet: only the hart that asked waits, no lock is held, until the device completes the
    /// <see cref="PendingAccess"/> that comes with the answer.
    /// </summary>
    Pending,
}
