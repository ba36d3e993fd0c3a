using System.Globalization;
using Eider.Storage;
using Eider.Storage.Formats;
using Eider.Storage.Operations;

namespace Eider.Cli.QemuImg;

/// <summary><c>qemu-img convert</c> from one image into another.</summary>
internal static class QemuConvert
{
    private const int MaxWorkers = 16;

    private static readonly (string, string)[] LongNames =
        [("help", "h"), ("object:", "object"), ("source-image-opts", "image-opts"), ("target-image-opts", "target-image-opts"),
            ("force-share", "U"), ("target-is-zero", "zero"), ("salvage", "salvage"), ("bitmaps", "bitmaps"),
            ("skip-broken-bitmaps", "skip-broken-bitmaps"), ("image-opts", "image-opts")];

    public static async Task<int> RunAsync(IReadOnlyList<string> words, QemuOutput output, CancellationToken cancellationToken)
    {
        var arguments = QemuArguments.Parse(words, "hf:O:B:CcF:o:l:S:pt:T:qnm:WUr:", LongNames);
        if (arguments.Names.Count < 2)
        {
            throw new QemuImgException("Must specify image file name");
        }

        QemuOptions.Cache(arguments, "t", "cache", "unsafe");
        QemuOptions.Cache(arguments, "T", "source cache", "writeback");
        var format = arguments.Value("O") ?? "raw";
        if (!QemuCreateOptions.Creates(format))
        {
            throw new QemuImgException($"Unknown file format '{format}'");
        }

        Refuse(arguments);
        var secrets = QemuSecrets.Parse(arguments.Values("object"));
        var mode = new QemuFiles.Mode(arguments.Value("f"), IsForced: arguments.Has("U"));
        await using var source = await QemuFiles.OpenAsync(arguments.Names[0], mode, secrets, output, cancellationToken);
        var target = arguments.Names[1];
        if (!arguments.Has("n"))
        {
            await CreateTargetAsync(target, format, source, arguments, secrets, output, cancellationToken);
        }

        await using var image = await QemuFiles.OpenAsync(
            target, new QemuFiles.Mode(format, IsWritable: true), secrets, output, cancellationToken);
        await CopyAsync(source, image, arguments, output, cancellationToken);
        return 0;
    }

    /// <summary>What this face does not do is refused, not left out.</summary>
    private static void Refuse(QemuArguments arguments)
    {
        if (arguments.Names.Count > 2)
        {
            throw new QemuImgException("several source images are not supported by this command");
        }

        foreach (var key in (string[])["l", "bitmaps", "c", "image-opts", "target-image-opts"])
        {
            if (arguments.Has(key))
            {
                throw new QemuImgException($"option '{(key.Length == 1 ? "-" : "--")}{key}' is not supported by this command; see eider img convert --help");
            }
        }
    }

    private static async Task CreateTargetAsync(
        string target, string format, ImageStorage source, QemuArguments arguments, QemuSecrets secrets, QemuOutput output,
        CancellationToken cancellationToken)
    {
        var options = new QemuCreateOptions(format);
        try
        {
            foreach (var text in arguments.Values("o"))
            {
                options.Add(text);
            }

            if (arguments.Value("B") is { } backing)
            {
                options.Set("backing_file", backing);
            }

            if (arguments.Value("F") is { } backingFormat)
            {
                options.Set("backing_fmt", backingFormat);
            }

            await QemuCreate.CreateAsync(
                target, format, options, source.SizeBytes, isUnsafe: false, isQuiet: true, secrets, output, cancellationToken);
        }
        catch (QemuImgException failure)
        {
            throw new QemuImgException($"{target}: error while converting {format}: {failure.Message}");
        }
        catch (BlockStorageException failure)
        {
            throw new QemuImgException($"{target}: error while converting {format}: {QemuFiles.Words(failure, target)}");
        }
    }

    private static async Task CopyAsync(
        ImageStorage source, ImageStorage target, QemuArguments arguments, QemuOutput output, CancellationToken cancellationToken)
    {
        if (target.SizeBytes < source.SizeBytes)
        {
            throw new QemuImgException("output file is smaller than input file");
        }

        await using var progress = new QemuProgress(arguments.Has("p") && !arguments.Has("q"), output);
        var granule = arguments.Value("S") is { } text ? (int)QemuSizes.Parse("sparse size", text, 0, 1 << 30) : 4096;
        var options = new ImageCopyOptions
        {
            Workers = arguments.Value("m") is { } count
                ? (int)Math.Min(Count(count), Environment.ProcessorCount)
                : Environment.ProcessorCount,
            IsOrdered = !arguments.Has("W"),
            ZeroGranuleBytes = granule,
            TargetIsZero = arguments.Has("zero") || !arguments.Has("n"),
            SkipsUnreadable = arguments.Has("salvage"),
            OnUnreadable = (offset, _, failure) => output.Complain(
                string.Create(CultureInfo.InvariantCulture, $"warning: error while reading offset {offset}: {failure.Message}")),
            Progress = progress.Report,
        };
        try
        {
            await ImageCopier.CopyAsync(source, target, options, cancellationToken);
            await target.FlushAsync(cancellationToken);
        }
        catch (BlockStorageException failure)
        {
            var doing = failure.Operation is BlockOperation.Read or BlockOperation.Extents ? "reading" : "writing";
            throw new QemuImgException($"error while {doing} at byte {failure.OffsetBytes ?? 0}: {QemuFiles.Words(failure, failure.Path)}");
        }
    }

    private static long Count(string text) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count is >= 1 and <= MaxWorkers
            ? count
            : throw new QemuImgException($"Invalid number of coroutines. Allowed number of coroutines is between 1 and {MaxWorkers}");
}
