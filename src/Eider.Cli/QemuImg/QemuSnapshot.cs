using System.Globalization;
using Eider.Storage;
using Eider.Storage.Formats.Qcow2;

namespace Eider.Cli.QemuImg;

/// <summary><c>qemu-img snapshot</c>.</summary>
internal static class QemuSnapshot
{
    private const string Actions = "lacd";

    private static readonly (string, string)[] LongNames =
        [("help", "h"), ("object:", "object"), ("image-opts", "image-opts"), ("force-share", "U")];

    public static async Task<int> RunAsync(IReadOnlyList<string> words, QemuOutput output, CancellationToken cancellationToken)
    {
        var arguments = QemuArguments.Parse(words, "la:c:d:hqU", LongNames);
        var actions = arguments.All.Where(option => option.Key.Length == 1 && Actions.Contains(option.Key, StringComparison.Ordinal)).ToList();
        if (actions.Count > 1)
        {
            throw QemuImgException.Usage("Cannot mix '-l', '-a', '-c', '-d'");
        }

        if (arguments.Names is not [var name])
        {
            throw QemuImgException.Usage("Expecting one image file name");
        }

        var (action, snapshot) = actions.FirstOrDefault();
        var mode = QemuOptions.ModeOf(arguments, isWritable: action != "l");
        await using var node = await QemuOptions.OpenerOf(arguments, output).OpenAsync(name, mode, cancellationToken);
        var image = node.Image as Qcow2Image;
        switch (action)
        {
            case "l":
                output.Out.Write(image == null ? "" : QemuSnapshotTable.Text(await image.GetSnapshotsAsync(cancellationToken)));
                break;
            case "c":
                await CreateAsync(image, snapshot, cancellationToken);
                break;
            case "a":
                await ApplyAsync(image, snapshot, cancellationToken);
                break;
            case "d":
                await DeleteAsync(image, snapshot, cancellationToken);
                break;
        }

        return 0;
    }

    private static async Task CreateAsync(Qcow2Image? image, string name, CancellationToken cancellationToken)
    {
        try
        {
            var taken = image ?? throw NotSupported("");
            await taken.CreateSnapshotAsync(name, TimeProvider.System.GetUtcNow(), cancellationToken);
            await taken.FlushAsync(cancellationToken);
        }
        catch (BlockStorageException failure)
        {
            var number = failure.Kind switch
            {
                BlockErrorKind.UnsupportedFeature => -95,
                BlockErrorKind.NoSpace => -28,
                _ => -5,
            };
            throw new QemuImgException(string.Create(
                CultureInfo.InvariantCulture, $"Could not create snapshot '{name}': {number} ({QemuWords.OfRequest(failure)})"));
        }
    }

    private static async Task ApplyAsync(Qcow2Image? image, string name, CancellationToken cancellationToken)
    {
        if (image == null)
        {
            throw new QemuImgException($"Could not apply snapshot '{name}': Block driver does not support snapshots");
        }

        try
        {
            await image.ApplySnapshotAsync(name, cancellationToken);
            await image.FlushAsync(cancellationToken);
        }
        catch (BlockStorageException failure)
        {
            throw new QemuImgException($"Could not apply snapshot '{name}': Failed to load snapshot: {QemuWords.OfRequest(failure)}");
        }
    }

    private static async Task DeleteAsync(Qcow2Image? image, string name, CancellationToken cancellationToken)
    {
        try
        {
            var changed = image ?? throw NotSupported(name);
            await changed.DeleteSnapshotAsync(name, cancellationToken);
            await changed.FlushAsync(cancellationToken);
        }
        catch (BlockStorageException failure)
        {
            var isMissing = image == null || failure.Kind == BlockErrorKind.NotFound;
            throw new QemuImgException($"Could not delete snapshot '{name}': {(isMissing ? "snapshot not found" : QemuWords.WithoutName(failure))}");
        }
    }

    private static BlockStorageException NotSupported(string name) =>
        new(BlockErrorKind.UnsupportedFeature, BlockOperation.Write, name, null, "no snapshots");
}
