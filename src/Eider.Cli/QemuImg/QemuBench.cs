using System.Globalization;
using Eider.Cli.Errors;
using Eider.Cli.Images;
using Eider.Storage;

namespace Eider.Cli.QemuImg;

/// <summary><c>qemu-img bench</c>.</summary>
internal static class QemuBench
{
    private static readonly (string, string)[] LongNames =
        [("help", "h"), ("flush-interval:", "flush-interval"), ("image-opts", "image-opts"), ("pattern:", "pattern"), ("no-drain", "no-drain"),
            ("force-share", "U")];

    public static async Task<int> RunAsync(IReadOnlyList<string> words, QemuOutput output, CancellationToken cancellationToken)
    {
        var arguments = QemuArguments.Parse(words, "hc:d:f:ni:o:qs:S:t:wU", LongNames);
        var settings = Settings(arguments);
        if (CacheMode.Find(arguments.Value("t") ?? "writeback") is not { } cache)
        {
            throw new QemuImgException("Invalid cache mode");
        }

        if (arguments.Value("i") is { } way && way is not ("threads" or "native" or "io_uring"))
        {
            throw new QemuImgException($"Invalid aio option: {way}");
        }

        if (arguments.Names is not [var name])
        {
            throw QemuImgException.Usage("Expecting one image file name");
        }

        if (!settings.IsWrite && settings.FlushInterval > 0)
        {
            throw new QemuImgException("--flush-interval is only available in write tests");
        }

        if (settings.FlushInterval > 0 && settings.FlushInterval < settings.Depth)
        {
            throw new QemuImgException("Flush interval can't be smaller than depth");
        }

        var mode = QemuOptions.ModeOf(arguments, settings.IsWrite) with { IsDirect = cache.IsDirect };
        await using var node = await QemuOptions.OpenerOf(arguments, output).OpenAsync(name, mode, cancellationToken);
        output.Out.Write(string.Create(
            CultureInfo.InvariantCulture,
            $"Sending {settings.Count} {(settings.IsWrite ? "write" : "read")} requests, {settings.RequestBytes} bytes each, {settings.Depth} in parallel "
                + $"(starting at offset {settings.OffsetBytes}, step size {settings.StepBytes})\n"));
        output.Out.Write(settings.FlushInterval == 0
            ? "" : string.Create(CultureInfo.InvariantCulture, $"Sending flush every {settings.FlushInterval} requests\n"));
        var spent = await MeasureAsync(node.Image, settings, cancellationToken);
        output.Out.Write(string.Create(CultureInfo.InvariantCulture, $"Run completed in {spent.TotalSeconds:0.000} seconds.\n"));
        return 0;
    }

    private static async Task<TimeSpan> MeasureAsync(BlockStorage image, BenchSettings settings, CancellationToken cancellationToken)
    {
        try
        {
            return settings.Count == 0 ? TimeSpan.Zero : await new BenchSession(image, settings, TimeProvider.System).RunAsync(cancellationToken);
        }
        catch (Exception failure) when (failure is BlockStorageException or CliException)
        {
            throw new QemuImgException($"Failed request: {(failure is BlockStorageException known ? QemuWords.OfRequest(known) : "Input/output error")}");
        }
    }

    private static BenchSettings Settings(QemuArguments arguments)
    {
        var size = Size("s", "buffer size", 4096);
        return new BenchSettings
        {
            Count = Number("c", "request count", 75000),
            Depth = Number("d", "queue depth", 64),
            RequestBytes = size,
            StepBytes = Size("S", "step_size", 0) is > 0 and var step ? step : size,
            OffsetBytes = arguments.Value("o") is { } text ? QemuSizes.Parse("offset", text) : 0,
            IsWrite = arguments.Has("w"),
            Pattern = (byte)Number("pattern", "pattern byte", 0, byte.MaxValue),
            FlushInterval = Number("flush-interval", "flush interval", 0),
        };

        int Size(string key, string what, int normal) =>
            arguments.Value(key) is { } text ? (int)QemuSizes.Parse(what, text, 0, int.MaxValue) : normal;

        int Number(string key, string what, int normal, int most = int.MaxValue) => arguments.Value(key) is not { } text ? normal
            : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number <= most ? number
            : throw new QemuImgException($"Invalid {what} specified");
    }
}
