using Eider.Storage;
using Eider.Storage.Backends;
using Eider.Storage.Formats;

namespace Eider.Cli.QemuImg;

/// <summary>Opens images as qemu-img does: the format guessed where none is given, chains followed, its words on failure.</summary>
internal static class QemuFiles
{
    private static readonly string[] Formats = ["raw", "qcow2", "luks"];

    /// <summary>How an image is opened.</summary>
    /// <param name="Format">The format, or null to guess it.</param>
    /// <param name="IsWritable">True to write.</param>
    /// <param name="HasNoBacking">True to leave the backing images out.</param>
    /// <param name="IsForced">True to open what somebody else writes (-U).</param>
    /// <param name="IsForRepair">True to open an image that is marked corrupt for writing.</param>
    public sealed record Mode(
        string? Format = null, bool IsWritable = false, bool HasNoBacking = false, bool IsForced = false, bool IsForRepair = false);

    /// <summary>Opens an image; a failure begins with the file's name, as qemu-img's own does.</summary>
    public static async Task<ImageStorage> OpenAsync(
        string name, Mode mode, QemuSecrets secrets, QemuOutput output, CancellationToken cancellationToken)
    {
        try
        {
            return await OpenPlainAsync(name, mode, secrets, output, cancellationToken);
        }
        catch (BlockStorageException failure)
        {
            throw new QemuImgException($"Could not open '{name}': {Words(failure, name)}");
        }
    }

    /// <summary>Opens an image; failures are the storage's own.</summary>
    public static async Task<ImageStorage> OpenPlainAsync(
        string name, Mode mode, QemuSecrets secrets, QemuOutput output, CancellationToken cancellationToken)
    {
        var file = OpenFile(name, mode);
        try
        {
            var isProbed = mode.Format == null;
            var format = isProbed ? await ImageFormats.ProbeAsync(file, cancellationToken) : Find(mode.Format!);
            if (isProbed && format == ImageFormats.Raw && mode.IsWritable)
            {
                WarnOfGuess(name, output);
            }

            var options = new ImageOpenOptions
            {
                IsReadOnly = !mode.IsWritable,
                IsFormatProbed = isProbed,
                Chain = mode.HasNoBacking ? ImageChainPolicy.Ignore : ImageChainPolicy.Allow,
                ProbesBackingFormat = true,
                KeyOf = _ => secrets.Key,
                Locking = mode.IsForced ? FileLocking.None : FileLocking.Exclusive,
                IsForRepair = mode.IsForRepair,
            };
            return await format.OpenAsync(file, options, cancellationToken);
        }
        catch
        {
            await file.DisposeAsync();
            throw;
        }
    }

    /// <summary>The driver of a name.</summary>
    /// <exception cref="QemuImgException">There is none.</exception>
    public static ImageFormat Find(string name) =>
        Formats.Contains(name) && ImageFormats.Find(name) is { } found ? found : throw new QemuImgException($"Unknown driver '{name}'");

    /// <summary>QEMU's words for a failure.</summary>
    public static string Words(BlockStorageException failure, string name) => failure.Kind switch
    {
        BlockErrorKind.NotFound => $"Could not open '{failure.Path}': No such file or directory",
        BlockErrorKind.AccessDenied when failure.OffsetBytes == null && failure.Operation == BlockOperation.Open && failure.Path == name
            => $"Could not open '{failure.Path}': Permission denied",
        BlockErrorKind.Locked => $"Failed to get \"write\" lock\nIs another process using the image [{failure.Path}]?",
        BlockErrorKind.InvalidFormat when failure.Message.Contains("not in qcow2 format", StringComparison.Ordinal)
            => "Image is not in qcow2 format",
        BlockErrorKind.NoSpace => "No space left on device",
        _ => WithoutName(failure),
    };

    private static string WithoutName(BlockStorageException failure)
    {
        var message = failure.Message;
        return failure.Path.Length > 0 && message.StartsWith(failure.Path + ": ", StringComparison.Ordinal)
            ? message[(failure.Path.Length + 2)..]
            : message;
    }

    private static FileStorage OpenFile(string name, Mode mode) => FileStorage.Open(
        name.StartsWith("file:", StringComparison.Ordinal) ? name["file:".Length..] : name,
        new FileStorageOptions { IsReadOnly = !mode.IsWritable, Locking = mode.IsForced ? FileLocking.None : FileLocking.Exclusive });

    private static void WarnOfGuess(string name, QemuOutput output) => output.Error.Write(
        $"WARNING: Image format was not specified for '{name}' and probing guessed raw.\n"
        + "         Automatically detecting the format is dangerous for raw images, write operations on block 0 will be restricted.\n"
        + "         Specify the 'raw' format explicitly to remove the restrictions.\n");
}
