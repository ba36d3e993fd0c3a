using Eider.Storage;

namespace Eider.Cli.QemuImg;

/// <summary>QEMU's words for failures.</summary>
internal static class QemuWords
{
    private const string UnknownFeatures = "the image needs features that are not known here: ";
    private const string InputOutput = "Input/output error";
    private const string NotFound = "No such file or directory";
    private const string Denied = "Permission denied";
    private const string Full = "No space left on device";

    /// <summary>The words for a failure of a request or of an opening.</summary>
    /// <param name="failure">The failure.</param>
    /// <param name="name">The image that was asked for.</param>
    public static string Of(BlockStorageException failure, string name) => failure.Kind switch
    {
        BlockErrorKind.NotFound when failure.Operation == BlockOperation.Open => $"Could not open '{failure.Path}': {NotFound}",
        BlockErrorKind.Locked => $"Failed to get \"write\" lock\nIs another process using the image [{failure.Path}]?",
        BlockErrorKind.InvalidFormat when failure.Message.Contains("not in qcow2 format", StringComparison.Ordinal)
            => "Image is not in qcow2 format",
        BlockErrorKind.InvalidFormat when failure.Message.Contains("is too big for clusters", StringComparison.Ordinal) => "Image is too big",
        BlockErrorKind.UnsupportedFeature when failure.Message.IndexOf(UnknownFeatures, StringComparison.Ordinal) is >= 0 and var at
            => "Unsupported qcow2 feature(s): "
                + failure.Message[(at + UnknownFeatures.Length)..].Replace("bits ", "Unknown incompatible feature: ", StringComparison.Ordinal),
        BlockErrorKind.AccessDenied when failure.Message.EndsWith("the passphrase fits no key slot", StringComparison.Ordinal)
            => "Invalid password, cannot unlock any keyslot",
        BlockErrorKind.AccessDenied when failure.OffsetBytes == null && failure.Operation == BlockOperation.Open && failure.Path == name
            => $"Could not open '{failure.Path}': {Denied}",
        BlockErrorKind.NoSpace => Full,
        _ => WithoutName(failure),
    };

    /// <summary>The words of an error number for a request that failed.</summary>
    public static string OfRequest(BlockStorageException failure) => OfKind(failure.Kind);

    /// <summary>The words for a kind of failure.</summary>
    public static string OfKind(BlockErrorKind kind) => kind switch
    {
        BlockErrorKind.NotFound => NotFound,
        BlockErrorKind.NoSpace => Full,
        BlockErrorKind.AccessDenied => Denied,
        BlockErrorKind.UnsupportedFeature => "Operation not supported",
        _ => InputOutput,
    };

    /// <summary>The kind of an error number.</summary>
    public static BlockErrorKind KindOf(int number) => number switch
    {
        2 => BlockErrorKind.NotFound,
        1 or 13 => BlockErrorKind.AccessDenied,
        28 => BlockErrorKind.NoSpace,
        95 => BlockErrorKind.UnsupportedFeature,
        _ => BlockErrorKind.Io,
    };

    /// <summary>The words for a file of the user that cannot be read.</summary>
    public static string OfHost(Exception failure) => failure switch
    {
        FileNotFoundException or DirectoryNotFoundException => NotFound,
        UnauthorizedAccessException => Denied,
        _ => InputOutput,
    };

    /// <summary>The message of a failure without the name that it begins with.</summary>
    public static string WithoutName(BlockStorageException failure)
    {
        var message = failure.Message;
        return failure.Path.Length > 0 && message.StartsWith(failure.Path + ": ", StringComparison.Ordinal)
            ? message[(failure.Path.Length + 2)..]
            : message;
    }
}
