using System.Globalization;
using Eider.Cli.QemuImg.Nodes;
using Eider.Storage;
using Eider.Storage.Formats.Qcow2;
using Eider.Storage.Operations;

namespace Eider.Cli.QemuImg;

/// <summary><c>qemu-img measure</c>.</summary>
internal static class QemuMeasure
{
    private static readonly (string, string)[] LongNames =
        [("help", "h"), ("image-opts", "image-opts"), ("object:", "object"), ("output:", "output"), ("size:", "size"), ("force-share", "U")];

    public static async Task<int> RunAsync(IReadOnlyList<string> words, QemuOutput output, CancellationToken cancellationToken)
    {
        var arguments = QemuArguments.Parse(words, "hf:O:o:l:U", LongNames);
        var options = QemuCreateOptions.ListOf(arguments);
        QemuSnapshotName.Check(arguments.Value("l"));
        var isJson = QemuOptions.IsJson(arguments);
        var size = arguments.Value("size") is { } text ? QemuSizes.Parse("image size", text) : (long?)null;
        var name = NameOf(arguments, size);
        await using var node = name == null ? null : await QemuSnapshotName.OpenAsync(
            QemuOptions.OpenerOf(arguments, output), name, QemuOptions.ModeOf(arguments), arguments.Value("l"), cancellationToken);
        var format = arguments.Value("O") ?? "raw";
        if (!QemuCreateOptions.Creates(format))
        {
            throw new QemuImgException($"Unknown file format '{format}'");
        }

        var wanted = new QemuCreateOptions(format);
        try
        {
            options.ForEach(wanted.Add);
        }
        catch (QemuImgException wrong)
        {
            throw new QemuImgException($"{wrong.Message}\nqemu-img: Invalid options for file format '{format}'");
        }

        var found = await MeasureAsync(format, wanted, node, size ?? wanted.SizeBytes ?? 0, cancellationToken);
        output.Out.Write(isJson ? QemuJson.Print(Json(found)) + "\n" : Text(found));
        return 0;
    }

    private static Dictionary<string, object> Json(ImageMeasurement found)
    {
        var value = new Dictionary<string, object> { ["required"] = found.RequiredBytes, ["fully-allocated"] = found.FullyAllocatedBytes };
        if (found.BitmapBytes is { } bitmaps)
        {
            value["bitmaps"] = bitmaps;
        }

        return value;
    }

    private static string Text(ImageMeasurement found) => string.Create(
        CultureInfo.InvariantCulture,
        $"required size: {found.RequiredBytes}\nfully allocated size: {found.FullyAllocatedBytes}\n{(found.BitmapBytes is { } bitmaps ? $"bitmaps size: {bitmaps}\n" : "")}");

    private static string? NameOf(QemuArguments arguments, long? size)
    {
        if (arguments.Names.Count > 1)
        {
            throw new QemuImgException("At most one filename argument is allowed.");
        }

        var name = arguments.Names.FirstOrDefault();
        if (name == null && (arguments.Has("image-opts") || arguments.Has("f") || arguments.Has("l")))
        {
            throw new QemuImgException("--image-opts, -f, and -l require a filename argument.");
        }

        if (name != null && size != null)
        {
            throw new QemuImgException("--size N cannot be used together with a filename.");
        }

        return name != null || size != null ? name : throw new QemuImgException("Either --size N or one filename must be specified.");
    }

    private static async Task<ImageMeasurement> MeasureAsync(
        string format, QemuCreateOptions wanted, ImageNode? node, long size, CancellationToken cancellationToken)
    {
        try
        {
            switch (format)
            {
                case "raw":
                    return ImageMeasurer.MeasureRaw(node?.Image.SizeBytes ?? size);
                case "qcow2":
                    QemuCreateWords.Check(wanted);
                    var options = Qcow2Format.ParseOptions(wanted.Values(), node?.Image.SizeBytes ?? size);
                    return node == null
                        ? ImageMeasurer.MeasureQcow2(size, options)
                        : await ImageMeasurer.MeasureQcow2Async(node.Image, options, cancellationToken);
                default:
                    throw new QemuImgException($"Block driver '{format}' does not support size measurement");
            }
        }
        catch (BlockStorageException failure)
        {
            throw new QemuImgException(QemuCreateWords.Of(failure, format));
        }
    }
}
