using System.Globalization;
using System.Numerics;
using Eider.Cli.Images;

namespace Eider.Cli.QemuImg;

/// <summary>The options of <c>qemu-img convert</c>, and which of them go together.</summary>
internal sealed record QemuConvertOptions
{
    private const int MaxWorkers = 16;
    private const int SectorBytes = 512;
    private const int MaxSparseBytes = 16 << 20;
    private const int NormalSparseBytes = 4096;

    private QemuConvertOptions()
    {
    }

    /// <summary>The options of the new image, as they were given.</summary>
    public required List<string> Lists { get; init; }

    /// <summary>The format of the target.</summary>
    public required string Format { get; init; }

    /// <summary>The backing file, and its format.</summary>
    public required (string? Name, string? Format) Backing { get; init; }

    /// <summary>True to write into an image that is there.</summary>
    public bool IsInPlace { get; init; }

    /// <summary>True if the user says that it reads as zeroes.</summary>
    public bool TargetIsZero { get; init; }

    /// <summary>How to copy.</summary>
    public required ConvertSettings Copy { get; init; }

    /// <summary>Reads the options.</summary>
    /// <exception cref="QemuImgException">One is wrong, or two exclude each other.</exception>
    public static QemuConvertOptions Read(QemuArguments arguments)
    {
        var lists = QemuCreateOptions.ListOf(arguments);
        var sparse = SparseOf(arguments);
        var workers = arguments.Value("m") is { } count ? CountOf(count) : MaxWorkers / 2;
        var rate = arguments.Value("r") is { } text ? QemuSizes.Parse("rate limit", text) : 0;
        QemuSnapshotName.Check(arguments.Value("l"));
        Check(arguments, lists);
        return new QemuConvertOptions
        {
            Lists = lists,
            Format = arguments.Value("O") ?? "raw",
            Backing = (arguments.Value("B"), arguments.Value("F")),
            IsInPlace = arguments.Has("n"),
            TargetIsZero = arguments.Has("zero"),
            Copy = new ConvertSettings
            {
                IsCompressed = arguments.Has("c"),
                IsOrdered = !arguments.Has("W"),
                Workers = Math.Min(workers, Environment.ProcessorCount),
                SparseBytes = sparse,
                Salvages = arguments.Has("salvage"),
                BytesPerSecond = rate,
            },
        };
    }

    /// <summary>The options of the new image.</summary>
    /// <exception cref="QemuImgException">There is no such format, or an option is wrong.</exception>
    public QemuCreateOptions ForTarget(string name, long sizeBytes)
    {
        if (!QemuCreateOptions.Creates(Format))
        {
            throw new QemuImgException($"Unknown file format '{Format}'");
        }

        QemuCreate.ThrowIfNoFile(name);
        var options = new QemuCreateOptions(Format);
        Lists.ForEach(options.Add);
        options.SetSize(sizeBytes);
        options.Set("backing_file", Backing.Name, $"Backing file not supported for file format '{Format}'");
        options.Set("backing_fmt", Backing.Format, $"Backing file format not supported for file format '{Format}'");
        return options;
    }

    /// <summary>Refuses a target that cannot be as it is asked for.</summary>
    public void CheckTarget(QemuCreateOptions? options, string? behind, bool isConcatenation)
    {
        Expect(!TargetIsZero || behind == null, "Cannot use --target-is-zero when the destination image has a backing file");
        Expect(
            !isConcatenation || behind == null, "Having a backing file for the target makes no sense when concatenating multiple input images");
        Expect(options?["backing_file"] == null || options["backing_fmt"] != null, "Use of backing file requires explicit backing format");
        if (Copy.IsCompressed)
        {
            Expect(options == null || Format == "qcow2", "Compression not supported for this file format");
            Expect(
                options?["encryption"] is null or "off" && options?["encrypt.format"] == null,
                "Compression and encryption not supported at the same time");
            Expect(options?["preallocation"] is null or "off", "Compression and preallocation not supported at the same time");
        }
    }

    private static void Check(QemuArguments arguments, List<string> lists)
    {
        var copiesRange = arguments.Has("C");
        Expect(!arguments.Has("skip-broken-bitmaps") || arguments.Has("bitmaps"), "Use of --skip-broken-bitmaps requires --bitmaps");
        Expect(!arguments.Has("c") || !copiesRange, "Cannot enable copy offloading when -c is used");
        Expect(!arguments.Has("S") || !copiesRange, "Cannot enable copy offloading when -S is used");
        Expect(!copiesRange || !arguments.Has("salvage"), "Cannot use copy offloading in salvaging mode");
        Expect(!arguments.Has("target-image-opts") || arguments.Has("n"), "--target-image-opts requires use of -n flag");
        Expect(!arguments.Has("n") || lists.Count == 0, "-o has no effect when skipping image creation");
        Expect(!arguments.Has("zero") || arguments.Has("n"), "--target-is-zero requires use of -n flag");
    }

    private static int SparseOf(QemuArguments arguments)
    {
        if (arguments.Value("S") is not { } text)
        {
            return NormalSparseBytes;
        }

        var size = QemuSizes.Parse("buffer size for sparse output", text);
        Expect(
            size % SectorBytes == 0 && size <= MaxSparseBytes,
            $"Invalid buffer size for sparse output specified. Valid sizes are multiples of {SectorBytes} up to {MaxSparseBytes}. "
                + "Select 0 to disable sparse detection (fully allocates output).");

        // Zeroes are looked for in powers of two.
        return size == 0 ? 0 : 1 << BitOperations.Log2((uint)size);
    }

    private static int CountOf(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count is >= 1 and <= MaxWorkers
            ? count
            : throw new QemuImgException($"Invalid number of coroutines. Allowed number of coroutines is between 1 and {MaxWorkers}");

    private static void Expect(bool condition, string message)
    {
        if (!condition)
        {
            throw new QemuImgException(message);
        }
    }
}
