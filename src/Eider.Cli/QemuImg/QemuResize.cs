using Eider.Storage;
using Eider.Storage.Formats;

namespace Eider.Cli.QemuImg;

/// <summary><c>qemu-img resize</c>.</summary>
internal static class QemuResize
{
    private const long SectorBytes = 512;

    private static readonly (string, string)[] LongNames =
        [("help", "h"), ("object:", "object"), ("image-opts", "image-opts"), ("preallocation:", "preallocation"), ("shrink", "shrink")];

    public static async Task<int> RunAsync(IReadOnlyList<string> words, QemuOutput output, CancellationToken cancellationToken)
    {
        // The size may begin with a minus, so it is taken off before the options are read.
        if (words.Count < 2)
        {
            throw QemuImgException.Usage("Not enough arguments");
        }

        var size = words[^1];
        var arguments = QemuArguments.Parse([.. words.Take(words.Count - 1)], "f:hq", LongNames);
        if (arguments.Names is not [var name])
        {
            throw QemuImgException.Usage("Expecting image file name and size");
        }

        var sign = size.Length > 0 && size[0] is '+' or '-' ? size[0] : ' ';
        var bytes = QemuSizes.TryParse(sign == ' ' ? size : size[1..])
            ?? throw new QemuImgException("Invalid parameter 'size' expects a size");
        var mode = new QemuFiles.Mode(arguments.Value("f"), IsWritable: true);
        await using var image = await QemuFiles.OpenAsync(
            name, mode, QemuSecrets.Parse(arguments.Values("object")), output, cancellationToken);
        var total = sign switch
        {
            '+' => image.SizeBytes + Math.Min(bytes, long.MaxValue - image.SizeBytes),
            '-' => image.SizeBytes - bytes,
            _ => bytes,
        };
        Check(image, total, arguments);
        await ApplyAsync(image, (Math.Min(total, long.MaxValue - SectorBytes) + SectorBytes - 1) / SectorBytes * SectorBytes, cancellationToken);
        if (!arguments.Has("q"))
        {
            output.Out.Write("Image resized.\n");
        }

        return 0;
    }

    private static void Check(ImageStorage image, long total, QemuArguments arguments)
    {
        if (total <= 0)
        {
            throw new QemuImgException("New image size must be positive");
        }

        if (total < image.SizeBytes && !arguments.Has("shrink"))
        {
            throw new QemuImgException(
                "Use the --shrink option to perform a shrink operation.\nqemu-img: warning: Shrinking an image will delete all data beyond "
                + "the shrunken image's end. Before performing such an operation, make sure there is no important data there.");
        }

        if (total <= image.SizeBytes && arguments.Value("preallocation") is not (null or "off"))
        {
            throw new QemuImgException("Preallocation can only be used for growing images");
        }
    }

    private static async Task ApplyAsync(ImageStorage image, long total, CancellationToken cancellationToken)
    {
        try
        {
            await image.ResizeAsync(total, cancellationToken);
            await image.FlushAsync(cancellationToken);
        }
        catch (BlockStorageException failure)
        {
            throw new QemuImgException(QemuFiles.Words(failure, image.Name));
        }
    }
}
