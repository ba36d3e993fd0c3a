using Eider.Cli.QemuImg.Nodes;
using Eider.Storage;
using Eider.Storage.Formats.Qcow2;

namespace Eider.Cli.QemuImg;

/// <summary><c>qemu-img bitmap</c>.</summary>
internal static class QemuBitmap
{
    private static readonly string[] Actions = ["add", "remove", "clear", "enable", "disable", "merge"];

    private static readonly (string, string)[] LongNames =
        [("help", "h"), ("object:", "object"), ("image-opts", "image-opts"), ("add", "add"), ("remove", "remove"), ("clear", "clear"),
            ("enable", "enable"), ("disable", "disable"), ("merge:", "merge"), ("granularity:", "g"), ("source-file:", "b"), ("source-format:", "F")];

    public static async Task<int> RunAsync(IReadOnlyList<string> words, QemuOutput output, CancellationToken cancellationToken)
    {
        var arguments = QemuArguments.Parse(words, "b:f:F:g:h", LongNames);
        var granularity = arguments.Value("g") is { } text ? QemuSizes.Parse("granularity", text) : 0;
        var actions = arguments.All.Where(option => Actions.Contains(option.Key)).ToList();
        Expect(actions.Count > 0, "Need at least one of --add, --remove, --clear, --enable, --disable, or --merge");
        Expect(granularity == 0 || arguments.Has("add"), "granularity only supported with --add");
        Expect(!arguments.Has("F") || arguments.Has("b"), "-F only supported with -b");
        Expect(!arguments.Has("b") || arguments.Has("merge"), "Merge bitmap source file only supported with --merge");
        Expect(arguments.Names.Count == 2, "Expecting filename and bitmap name");
        var opener = QemuOptions.OpenerOf(arguments, output);
        var mode = QemuOptions.ModeOf(arguments, isWritable: true) with { HasNoBacking = true, IsForMetadata = true };
        await using var node = await opener.OpenAsync(arguments.Names[0], mode, cancellationToken);
        await using var other = arguments.Value("b") is not { } name ? null : await opener.OpenAsync(
            name, new OpenMode { Format = arguments.Value("F"), HasNoBacking = true, IsForMetadata = true }, cancellationToken);
        foreach (var (action, source) in actions)
        {
            await ChangeAsync(node, other, action, arguments.Names[1], source, granularity, cancellationToken);
        }

        return 0;
    }

    private static async Task ChangeAsync(
        ImageNode node, ImageNode? other, string action, string name, string source, long granularity, CancellationToken cancellationToken)
    {
        try
        {
            var bitmaps = (node.Image as Qcow2Image)?.Bitmaps
                ?? throw new QemuImgException($"Driver '{node.Text.Driver}' does not support persistent bitmaps");
            await (action switch
            {
                "add" => bitmaps.AddAsync(name, granularity, cancellationToken: cancellationToken),
                "remove" => bitmaps.RemoveAsync(name, cancellationToken),
                "clear" => bitmaps.ClearAsync(name, cancellationToken),
                "enable" => bitmaps.EnableAsync(name, cancellationToken),
                "disable" => bitmaps.DisableAsync(name, cancellationToken),
                _ => bitmaps.MergeAsync(
                    name, source, (other ?? node).Image as Qcow2Image ?? throw new QemuImgException($"Dirty bitmap '{source}' not found"), cancellationToken),
            });
            await node.Image.FlushAsync(cancellationToken);
        }
        catch (BlockStorageException failure)
        {
            throw new QemuImgException($"Operation {action} on bitmap {name} failed: {Words(failure, name, source)}");
        }
        catch (QemuImgException failure)
        {
            throw new QemuImgException($"Operation {action} on bitmap {name} failed: {failure.Message}");
        }
    }

    private static string Words(BlockStorageException failure, string name, string source)
    {
        var message = QemuWords.WithoutName(failure);
        var meant = source.Length > 0 && message.Contains($"'{source}'", StringComparison.Ordinal) ? source : name;
        return failure.Kind == BlockErrorKind.NotFound ? $"Dirty bitmap '{meant}' not found"
            : message.Contains("cannot be used, only removed", StringComparison.Ordinal)
                ? $"Bitmap '{meant}' is inconsistent and cannot be used\nTry block-dirty-bitmap-remove to delete this bitmap from disk"
            : message.Contains("already", StringComparison.Ordinal) ? $"Bitmap already exists: {name}"
            : message;
    }

    private static void Expect(bool condition, string message)
    {
        if (!condition)
        {
            throw new QemuImgException(message);
        }
    }
}
