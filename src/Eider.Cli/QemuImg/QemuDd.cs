using System.Globalization;
using Eider.Cli.Images;
using Eider.Cli.QemuImg.Nodes;
using Eider.Storage;
using Eider.Storage.Layers;
using Eider.Storage.Operations;

namespace Eider.Cli.QemuImg;

/// <summary><c>qemu-img dd</c>.</summary>
internal static class QemuDd
{
    private static readonly (string, string)[] LongNames =
        [("help", "h"), ("object:", "object"), ("image-opts", "image-opts"), ("force-share", "U")];

    public static async Task<int> RunAsync(IReadOnlyList<string> words, QemuOutput output, CancellationToken cancellationToken)
    {
        var arguments = QemuArguments.Parse(words, "hf:O:U", LongNames);
        var operands = Operands(arguments.Names);
        if (!operands.Files.TryGetValue("if", out var from) || !operands.Files.TryGetValue("of", out var to))
        {
            throw new QemuImgException("Must specify both input and output files");
        }

        var opener = QemuOptions.OpenerOf(arguments, output);
        await using var source = await opener.OpenAsync(from, QemuOptions.ModeOf(arguments), cancellationToken);
        var format = arguments.Value("O") ?? "raw";
        if (!QemuCreateOptions.Creates(format))
        {
            throw new QemuImgException("Unknown file format");
        }

        var (unit, skipped) = (operands.UnitBytes, operands.Skip);
        var size = source.Image.SizeBytes;
        size = operands.Count is { } count && count <= long.MaxValue / unit && count * unit < size ? count * unit : size;
        var isBehind = skipped > long.MaxValue / unit || size < skipped * unit;
        var start = isBehind ? size : skipped * unit;
        await CreateAsync(to, format, size - start, cancellationToken);
        await using var target = await opener.OpenAsync(to, new OpenMode { Format = format, IsWritable = true }, cancellationToken);
        if (isBehind)
        {
            output.Complain($"{from}: cannot skip to specified offset");
        }

        await CopyAsync(source, target, start, size - start, cancellationToken);
        return 0;
    }

    private static async Task CreateAsync(string name, string format, long bytes, CancellationToken cancellationToken)
    {
        try
        {
            await QemuCreate.WriteAsync(name, format, new QemuCreateOptions(format), bytes, QemuSecrets.Parse([]), cancellationToken);
        }
        catch (BlockStorageException failure)
        {
            throw new QemuImgException($"{name}: error while creating output image: {QemuWords.Of(failure, name)}");
        }
    }

    private static async Task CopyAsync(ImageNode source, ImageNode target, long start, long length, CancellationToken cancellationToken)
    {
        // All of it is written, zeroes too, as qemu-img does.
        var options = new ImageCopyOptions { ZeroGranuleBytes = 0, IsOrdered = true };
        try
        {
            await using var part = new RangeStorage(source.Image, start, length, leaveOpen: true);
            await using var all = new AllDataStorage(part);
            await ImageCopier.CopyAsync(all, target.Image, options, cancellationToken);
            await target.Image.FlushAsync(cancellationToken);
        }
        catch (BlockStorageException failure)
        {
            var isRead = failure.Operation is BlockOperation.Read or BlockOperation.Extents;
            throw new QemuImgException(
                $"error while {(isRead ? "reading from input" : "writing to output")} image file: {QemuWords.OfRequest(failure)}");
        }
    }

    private static (Dictionary<string, string> Files, long UnitBytes, long? Count, long Skip) Operands(List<string> words)
    {
        var files = new Dictionary<string, string>();
        var (unit, count, skip) = (512L, default(long?), 0L);
        foreach (var word in words)
        {
            var pair = word.Split('=', 2);
            switch (pair)
            {
                case ["bs", var text]:
                    unit = QemuSizes.Parse("bs", text, 1, int.MaxValue);
                    break;
                case ["count", var text]:
                    count = QemuSizes.Parse("count", text);
                    break;
                case ["skip", var text]:
                    skip = QemuSizes.Parse("skip", text);
                    break;
                case ["if" or "of", var text]:
                    files[pair[0]] = text;
                    break;
                default:
                    throw new QemuImgException(string.Create(CultureInfo.InvariantCulture, $"unrecognized operand {pair[0]}"));
            }
        }

        return (files, unit, count, skip);
    }
}
