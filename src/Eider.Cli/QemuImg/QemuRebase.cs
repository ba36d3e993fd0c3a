using Eider.Cli.QemuImg.Nodes;
using Eider.Storage;
using Eider.Storage.Formats;
using Eider.Storage.Operations;

namespace Eider.Cli.QemuImg;

/// <summary><c>qemu-img rebase</c>.</summary>
internal static class QemuRebase
{
    private static readonly (string, string)[] LongNames =
        [("help", "h"), ("object:", "object"), ("image-opts", "image-opts"), ("force-share", "U")];

    public static async Task<int> RunAsync(IReadOnlyList<string> words, QemuOutput output, CancellationToken cancellationToken)
    {
        var arguments = QemuArguments.Parse(words, "hf:F:b:upt:T:qU", LongNames);
        if (arguments.Names is not [var name])
        {
            throw QemuImgException.Usage("Expecting one image file name");
        }

        var isUnsafe = arguments.Has("u");
        if (!isUnsafe && !arguments.Has("b"))
        {
            throw QemuImgException.Usage("Must specify backing file (-b) or use unsafe mode (-u)");
        }

        await using var progress = new QemuProgress(arguments, output);
        var cache = QemuOptions.Cache(arguments, "t", "cache", "writeback");
        QemuOptions.Cache(arguments, "T", "source cache", "writeback");
        var opener = QemuOptions.OpenerOf(arguments, output);
        var mode = QemuOptions.ModeOf(arguments, isWritable: true) with
        {
            HasNoBacking = isUnsafe,
            IsForMetadata = isUnsafe,
            IsForced = false,
            IsDirect = cache.IsDirect,
        };
        await using var node = await opener.OpenAsync(name, mode, cancellationToken);
        var (backing, format) = (arguments.Value("b"), arguments.Value("F"));
        if (format != null && !NodeNames.IsFormat(format) && !NodeNames.IsProtocol(format))
        {
            throw new QemuImgException($"Invalid format name: '{format}'");
        }

        if (!isUnsafe)
        {
            await using var behind = await OpenNewAsync(opener, node.Image, backing!, arguments, cancellationToken);
            await WriteAsync(node.Image, behind?.Image, progress, cancellationToken);
        }

        await RenameAsync(node.Image, backing is { Length: > 0 } ? backing : null, format, cancellationToken);
        return 0;
    }

    private static async Task<ImageNode?> OpenNewAsync(
        NodeOpener opener, ImageStorage image, string backing, QemuArguments arguments, CancellationToken cancellationToken)
    {
        if (backing.Length == 0)
        {
            return null;
        }

        var path = NodeNames.Beside(image.Name, backing);
        try
        {
            var mode = new OpenMode { Format = arguments.Value("F"), IsForced = arguments.Has("U") };
            return await opener.OpenPlainAsync(path, mode, cancellationToken);
        }
        catch (BlockStorageException failure)
        {
            throw new QemuImgException($"Could not open new backing file '{backing}': {QemuWords.Of(failure, path)}");
        }
        catch (QemuImgException failure)
        {
            throw new QemuImgException($"Could not open new backing file '{backing}': {failure.Message}");
        }
    }

    private static async Task WriteAsync(
        ImageStorage image, ImageStorage? behind, QemuProgress progress, CancellationToken cancellationToken)
    {
        try
        {
            // One worker: the places in the file are then in the order of the disk, as qemu-img has them.
            await ImageRebaser.WriteDifferencesAsync(
                image, behind, new ImageRebaseOptions { Workers = 1, KeepsData = true, Progress = progress.Report },
                cancellationToken);
        }
        catch (BlockStorageException failure) when (failure.Operation == BlockOperation.Read)
        {
            throw new QemuImgException($"error while reading from {(failure.Path == behind?.Name ? "new" : "old")} backing file");
        }
        catch (BlockStorageException failure) when (failure.Operation == BlockOperation.Extents)
        {
            throw new QemuImgException($"error while reading image metadata: {QemuWords.OfRequest(failure)}");
        }
        catch (BlockStorageException failure)
        {
            throw new QemuImgException($"Error while writing to COW image: {QemuWords.OfRequest(failure)}");
        }
    }

    private static async Task RenameAsync(ImageStorage image, string? backing, string? format, CancellationToken cancellationToken)
    {
        if (backing != null && format == null)
        {
            throw new QemuImgException($"Could not change the backing file to '{backing}': backing format must be specified");
        }

        try
        {
            await ImageBacking.SetAsync(image, backing, format, cancellationToken);
            UserNames.Note(image.Name, backing);
        }
        catch (BlockStorageException failure)
        {
            var why = failure.Kind == BlockErrorKind.InvalidFormat ? "No space left in the file header" : QemuWords.OfRequest(failure);
            throw new QemuImgException($"Could not change the backing file to '{backing ?? "(null)"}': {why}");
        }
    }
}
