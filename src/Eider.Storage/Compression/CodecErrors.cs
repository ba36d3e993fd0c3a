namespace Eider.Storage.Compression;

/// <summary>What is thrown when a library has no context to give: the host is out of memory.</summary>
internal static class CodecErrors
{
    public static BlockStorageException NoContext(string library) => new(
        BlockErrorKind.Io, BlockOperation.Open, library, null, $"{library}: no memory for a context; close other images or free memory");
}
