using Eider.Storage;

namespace Eider.Devices.Requests;

/// <summary>What a storage threw at a request, as a host is told of it.</summary>
internal static class HostFailure
{
    /// <summary>True for a failure of the request; false for one of the process, which nobody catches.</summary>
    public static bool IsOfRequest(Exception cause) => cause is not (OutOfMemoryException or StackOverflowException or AccessViolationException);

    /// <summary>The failure with what is known of the request.</summary>
    /// <param name="cause">What was thrown; a storage of the caller's may throw anything.</param>
    /// <param name="operation">What was asked for.</param>
    /// <param name="name">The storage.</param>
    /// <param name="offsetBytes">Where in it, in bytes; null if the request has no place.</param>
    public static BlockStorageException From(Exception cause, BlockOperation operation, string name, long? offsetBytes) =>
        cause as BlockStorageException
        ?? new BlockStorageException(BlockErrorKind.Io, operation, name, offsetBytes, $"{name}: {operation} failed: {cause.Message}", cause);
}
