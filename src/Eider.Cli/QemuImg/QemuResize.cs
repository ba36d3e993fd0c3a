using Eider.Storage;
using Eider.Storage.Formats;
using Eider.Storage.Operations;

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
        var preallocation = ImagePreallocation.Off;
        if (arguments.Value("preallocation") is { } text && !ImagePreallocations.TryParse(text, out preallocation))
        {
            throw new QemuImgException($"Invalid preallocation mode '{text}'");
        }

        if (arguments.Names is not [var name])
        {
            throw QemuImgException.Usage("Expecting image file name and size");
        }

        var sign = size.Length > 0 && size[0] is '+' or '-' ? size[0] : ' ';
        var bytes = QemuSizes.OfParameter("size", sign == ' ' ? size : size[1..]);
        var mode = QemuOptions.ModeOf(arguments, isWritable: true);
        await using var node = await QemuOptions.OpenerOf(arguments, output).OpenAsync(name, mode, cancellationToken);
        var image = node.Image;
        var total = sign switch
        {
            '+' => image.SizeBytes + Math.Min(bytes, long.MaxValue - image.SizeBytes),
            '-' => image.SizeBytes - bytes,
            _ => bytes,
        };
        Check(image.SizeBytes, total, preallocation, arguments.Has("shrink"));
        total = (Math.Min(total, long.MaxValue - SectorBytes) + SectorBytes - 1) / SectorBytes * SectorBytes;
        await ApplyAsync(image, total, new ImageResizeOptions { CanShrink = true, Preallocation = preallocation }, cancellationToken);
        if (!arguments.Has("q"))
        {
            output.Out.Write("Image resized.\n");
        }

        return 0;
    }

    private static void Check(long old, long total, ImagePreallocation preallocation, bool canShrink)
    {
        if (total <= 0)
        {
            throw new QemuImgException("New image size must be positive");
        }

        if (total <= old && preallocation != ImagePreallocation.Off)
        {
            throw new QemuImgException("Preallocation can only be used for growing images");
        }

        if (total < old && !canShrink)
        {
            throw new QemuImgException(
                "Use the --shrink option to perform a shrink operation.\nqemu-img: warning: Shrinking an image will delete all data beyond "
                + "the shrunken image's end. Before performing such an operation, make sure there is no important data there.");
        }
    }

    private static async Task ApplyAsync(ImageStorage image, long total, ImageResizeOptions options, CancellationToken cancellationToken)
    {
        try
        {
            await ImageResizer.ResizeAsync(image, total, options, cancellationToken);
        }
        catch (BlockStorageException failure)
        {
            throw new QemuImgException(QemuWords.Of(failure, image.Name));
        }
    }
}
