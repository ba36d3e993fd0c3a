using System.Globalization;
using Eider.Storage;
using Eider.Storage.Formats;
using Eider.Storage.Operations;

namespace Eider.Cli.QemuImg;

/// <summary><c>qemu-img compare</c>: 0 for the same, 1 for different, 2 or 3 for failures.</summary>
internal static class QemuCompare
{
    private const int Different = 1;
    private const int CannotOpen = 2;
    private const int CannotLook = 3;
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

        QemuOptions.Cache(arguments, "T", "source cache", "writeback");
        try
        {
            var opener = QemuOptions.OpenerOf(arguments, output);
            var mode = QemuOptions.ModeOf(arguments);
            await using var first = await opener.OpenAsync(left, mode, cancellationToken);
            await using var second = await opener.OpenAsync(right, mode with { Format = arguments.Value("F") }, cancellationToken);
            await using var a = new NamedStorage(first.Image, left);
            await using var b = new NamedStorage(second.Image, right);
            var otherKind = arguments.Has("s") && a.SizeBytes == b.SizeBytes
                ? await KindsDifferAsync(first.Image, second.Image, cancellationToken) : null;
            return await CompareAsync(a, b, otherKind, arguments, output, cancellationToken);
        }
        catch (QemuImgException failure)
        {
            throw new QemuImgException(failure.Message, failure.ExitCode > 1 ? failure.ExitCode : CannotOpen);
        }
    }

    private static async Task<int> CompareAsync(
        BlockStorage left, BlockStorage right, long? otherKind, QemuArguments arguments, QemuOutput output, CancellationToken cancellationToken)
    {
        var isQuiet = arguments.Has("q");
        if (left.SizeBytes != right.SizeBytes && arguments.Has("s"))
        {
            Say("Strict mode: Image size mismatch!\n");
            return Different;
        }

        await using var progress = new QemuProgress(arguments, output);
        var common = Math.Min(left.SizeBytes, right.SizeBytes);
        ImageComparison found;
        try
        {
            found = await ImageComparer.CompareAsync(left, right, 2, progress.Report, cancellationToken);
        }
        catch (BlockStorageException failure)
        {
            WarnOfSize(failure.OffsetBytes);
            throw new QemuImgException(failure.Operation == BlockOperation.Extents
                ? $"Sector allocation test failed for {failure.Path}"
                : $"Error while reading offset {failure.OffsetBytes ?? 0} of {failure.Path}: {QemuWords.OfRequest(failure)}",
                failure.Operation == BlockOperation.Extents ? CannotLook : CannotRead);
        }

        if (otherKind is { } kind && kind <= (found.FirstDifferenceBytes ?? long.MaxValue))
        {
            Say(string.Create(CultureInfo.InvariantCulture, $"Strict mode: Offset {kind} block status mismatch!\n"));
            return Different;
        }

        WarnOfSize(found.FirstDifferenceBytes ?? long.MaxValue);
        if (found.FirstDifferenceBytes is { } place)
        {
            Say(string.Create(CultureInfo.InvariantCulture, $"Content mismatch at offset {place / SectorBytes * SectorBytes}!\n"));
            return Different;
        }

        Say("Images are identical.\n");
        return 0;

        // What only the larger one has is looked at after the rest, and after this line.
        void WarnOfSize(long? reached)
        {
            if (left.SizeBytes != right.SizeBytes && reached >= common)
            {
                Say("Warning: Image size mismatch!\n");
            }
        }

        void Say(string text)
        {
            if (!isQuiet)
            {
                output.Out.Write(text);
            }
        }
    }

    /// <summary>The first place that is data, zero or absent in one image, and not so in the other; null if there is none.</summary>
    private static async Task<long?> KindsDifferAsync(ImageStorage left, ImageStorage right, CancellationToken cancellationToken)
    {
        await using var a = ImageMap.EnumerateAsync(left, 0, left.SizeBytes, cancellationToken).GetAsyncEnumerator(cancellationToken);
        await using var b = ImageMap.EnumerateAsync(right, 0, right.SizeBytes, cancellationToken).GetAsyncEnumerator(cancellationToken);
        var (endA, endB) = (0L, 0L);
        for (var offset = 0L; offset < left.SizeBytes; offset = Math.Min(endA, endB))
        {
            endA = endA == offset && await a.MoveNextAsync() ? offset + a.Current.LengthBytes : endA;
            endB = endB == offset && await b.MoveNextAsync() ? offset + b.Current.LengthBytes : endB;
            if (Kind(a.Current) != Kind(b.Current))
            {
                return offset;
            }
        }

        return null;

        static (bool IsPresent, bool IsZero, bool HasData, bool HasPlace) Kind(ImageMapEntry entry) =>
            (entry.IsPresent, entry.IsZero, entry.HasData, entry.HostOffsetBytes != null);
    }
}
