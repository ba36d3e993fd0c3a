using System.Globalization;
using Eider.Storage;
using Eider.Storage.Operations;

namespace Eider.Cli.QemuImg;

/// <summary><c>qemu-img compare</c>: 0 for the same, 1 for different, 2 or 3 for failures.</summary>
internal static class QemuCompare
{
    private const int Different = 1;
    private const int CannotOpen = 2;
    private const int CannotRead = 4;
    private const long SectorBytes = 512;

    private static readonly (string, string)[] LongNames =
        [("help", "h"), ("object:", "object"), ("image-opts", "image-opts"), ("force-share", "U")];

    public static async Task<int> RunAsync(IReadOnlyList<string> words, QemuOutput output, CancellationToken cancellationToken)
    {
        var arguments = QemuArguments.Parse(words, "hf:F:T:pqsU", LongNames);
        if (arguments.Names is not [var left, var right])
        {
            throw QemuImgException.Usage("Expecting two image file names");
        }

        var secrets = QemuSecrets.Parse(arguments.Values("object"));
        var isForced = arguments.Has("U");
        try
        {
            await using var a = await QemuFiles.OpenAsync(
                left, new QemuFiles.Mode(arguments.Value("f"), IsForced: isForced), secrets, output, cancellationToken);
            await using var b = await QemuFiles.OpenAsync(
                right, new QemuFiles.Mode(arguments.Value("F"), IsForced: isForced), secrets, output, cancellationToken);
            return await CompareAsync(a, b, arguments, output, cancellationToken);
        }
        catch (QemuImgException failure)
        {
            throw new QemuImgException(failure.Message, CannotOpen);
        }
        catch (BlockStorageException failure)
        {
            throw new QemuImgException(
                $"Error while reading offset {failure.OffsetBytes ?? 0} of {failure.Path}: Input/output error", CannotRead);
        }
    }

    private static async Task<int> CompareAsync(
        BlockStorage left, BlockStorage right, QemuArguments arguments, QemuOutput output, CancellationToken cancellationToken)
    {
        var isQuiet = arguments.Has("q");
        if (left.SizeBytes != right.SizeBytes && arguments.Has("s"))
        {
            Say("Strict mode: Image size mismatch!\n");
            return Different;
        }

        await using var progress = new QemuProgress(arguments.Has("p") && !isQuiet, output);
        var found = await ImageComparer.CompareAsync(left, right, 2, progress.Report, cancellationToken);
        if (!found.IsSameSize && found.IsSameContent)
        {
            Say("Warning: Image size mismatch!\n");
        }

        if (found.FirstDifferenceBytes is { } place)
        {
            var isBehind = place >= Math.Min(left.SizeBytes, right.SizeBytes);
            Say(string.Create(
                CultureInfo.InvariantCulture, $"Content mismatch at offset {(isBehind ? place : place / SectorBytes * SectorBytes)}!\n"));
            return Different;
        }

        Say("Images are identical.\n");
        return 0;

        void Say(string text)
        {
            if (!isQuiet)
            {
                output.Out.Write(text);
            }
        }
    }
}
