using System.CommandLine;
using System.Globalization;
using Eider.Cli.Errors;
using Eider.Cli.Images;

namespace Eider.Cli.Commands.Img;

/// <summary><c>eider img bench</c>.</summary>
internal sealed class ImgBench
{
    private readonly Argument<string> _file = ImgOptions.File(description: "The image; with --write its content is overwritten.");
    private readonly ImageArguments _image = new();
    private readonly Option<int> _count = Number("--count", "-c", "How many requests (default 75000).", 75000);
    private readonly Option<int> _depth = Number("--depth", "-d", "How many of them are under way at once, 1 to 1024 (default 64).", 64);
    private readonly Option<string> _size = Size("--size", "-s", "Bytes of a request (default 4K).", "4K");
    private readonly Option<string?> _step = new("--step-size", "-S") { Description = "From one request to the next (default: their size).", HelpName = "SIZE" };
    private readonly Option<string> _offset = Size("--offset", "-o", "Where the first one begins (default 0).", "0");
    private readonly Option<bool> _write = new("--write", "-w") { Description = "Write instead of read." };
    private readonly Option<int> _pattern = Number("--pattern", null, "The byte that is written (default 0).", 0);
    private readonly Option<int> _flush = Number("--flush-interval", null, "With --write: flush after so many requests; 0 for never (default 0).", 0);
    private readonly Option<bool> _direct = new("--direct") { Description = "Go round the page cache." };

    private ImgBench()
    {
    }

    /// <summary>The command.</summary>
    public static Command Create()
    {
        var self = new ImgBench();
        return ImgAction.Command(
            "bench", "Measure how fast requests on an image are. Requests wrap around at the end of the disk.",
            [self._file, self._count, self._depth, self._size, self._step, self._offset, self._write, self._pattern, self._flush, self._direct,
                .. self._image.All],
            self.RunAsync);
    }

    private async Task<ExitCode> RunAsync(ParseResult result, ImgOutput output, CancellationToken cancellationToken)
    {
        var size = ImageSizes.Parse("--size", result.GetRequiredValue(_size));
        var settings = new BenchSettings
        {
            Count = Between("--count", result.GetValue(_count), 1, int.MaxValue),
            Depth = Between("--depth", result.GetValue(_depth), 1, 1024),
            RequestBytes = Between("--size", size, 1, 64 << 20),
            StepBytes = result.GetValue(_step) is { } step ? ImageSizes.Parse("--step-size", step) : size,
            OffsetBytes = ImageSizes.Parse("--offset", result.GetRequiredValue(_offset)),
            IsWrite = result.GetValue(_write),
            Pattern = (byte)Between("--pattern", result.GetValue(_pattern), 0, 255),
            FlushInterval = Between("--flush-interval", result.GetValue(_flush), 0, int.MaxValue),
        };
        var access = _image.Read(result);
        access = result.GetValue(_direct) ? access with { IsDirect = true } : access;
        var location = result.GetRequiredValue(_file);
        await using var image = settings.IsWrite
            ? await access.OpenForWritingAsync(location, cancellationToken) : await access.OpenForReadingAsync(location, cancellationToken);
        var seconds = (await new BenchSession(image, settings, TimeProvider.System).RunAsync(cancellationToken)).TotalSeconds;
        var rate = seconds > 0 ? settings.Count / seconds : 0;
        await output.PrintAsync(
            text => text.Append(
                CultureInfo.InvariantCulture,
                $"{settings.Count} {(settings.IsWrite ? "writes" : "reads")} of {ImageSizes.Text(size)} in {seconds:0.000} s: {rate:0} a second, {ImageSizes.Text((long)(rate * size))}/s\n"),
            json =>
            {
                json.WriteStartObject();
                json.WriteNumber("requests", settings.Count);
                json.WriteNumber("request-bytes", size);
                json.WriteNumber("depth", settings.Depth);
                json.WriteNumber("seconds", Math.Round(seconds, 6));
                json.WriteNumber("requests-per-second", Math.Round(rate, 1));
                json.WriteEndObject();
            });
        return ExitCode.Ok;
    }

    private static int Between(string option, long value, int least, int most) =>
        value >= least && value <= most
            ? (int)value
            : throw new CliException(ExitCode.Usage, string.Create(CultureInfo.InvariantCulture, $"{option} {value}: expected {least} to {most}"));

    private static Option<int> Number(string name, string? alias, string help, int standard) =>
        new(name, alias == null ? [] : [alias]) { Description = help, HelpName = "N", DefaultValueFactory = _ => standard };

    private static Option<string> Size(string name, string alias, string help, string standard) =>
        new(name, alias) { Description = help, HelpName = "SIZE", DefaultValueFactory = _ => standard };
}
