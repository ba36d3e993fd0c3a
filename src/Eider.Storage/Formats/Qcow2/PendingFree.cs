namespace Eider.Storage.Formats.Qcow2;

/// <summary>A reference that is gone in memory, and taken off the refcounts once it is gone in the file.</summary>
/// <param name="Offset">First byte in the file.</param>
/// <param name="LengthBytes">How many bytes; every cluster that they touch loses one reference.</param>
/// <param name="MayPunch">True if the host may have the space back.</param>
internal readonly record struct PendingFree(long Offset, long LengthBytes, bool MayPunch);
