namespace Eider.Storage.Operations;

/// <summary>Inside an operation a refusal of a storage is a failure: the operation cannot go on.</summary>
internal static class OperationResults
{
    /// <summary>Throws what a refusal means.</summary>
    /// <exception cref="BlockStorageException">The result is not <see cref="BlockResult.Ok"/>.</exception>
    public static void ThrowUnlessOk(BlockResult result, BlockStorage storage, BlockOperation operation, long offsetBytes)
    {
        if (result == BlockResult.Ok)
        {
            return;
        }

        var (kind, why) = result switch
        {
            BlockResult.ReadOnly => (BlockErrorKind.AccessDenied, "it is read-only"),
            BlockResult.Unsupported => (BlockErrorKind.UnsupportedFeature, "it cannot do that"),
            _ => (BlockErrorKind.Io, "the place lies behind its end"),
        };
        throw new BlockStorageException(
            kind, operation, storage.Name, offsetBytes, $"{storage.Name}: {operation} at offset {offsetBytes}: {why}");
    }
}
