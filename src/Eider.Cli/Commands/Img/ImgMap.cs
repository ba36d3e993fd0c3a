using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Eider.Cli.Errors;
using Eider.Cli.Images;
using Eider.Storage.Operations;

namespace Eider.Cli.Commands.Img;

/// <summary><c>eider img map</c>.</summary>
internal sealed class ImgMap
{
    private readonly Argument<string> _file = ImgOptions.File();
    private readonly ImageArguments _image = new();

    private readonly Option<string?> _start = new("--start-offset", "-s")
    {
        Description = "Where on the disk to begin.",
        HelpName = "OFFSET",
    };

    private readonly Option<string?> _length = new("--max-length", "-l")
    {
        Description = "How far to look.",
        HelpName = "SIZE",
    };

    private ImgMap()
    {
    }

    /// <summary>The command.</summary>
    public static Command Create()
    {
        var self = new ImgMap();
        return ImgAction.Command(
            "map", "Tell which image of a chain, and which place of its file, each run of the disk comes from.",
            [self._file, self._start, self._length, .. self._image.All], self.RunAsync);
    }

    private async Task<ExitCode> RunAsync(ParseResult result, ImgOutput output, CancellationToken cancellationToken)
    {
        await using var image = await _image.Read(result).OpenForReadingAsync(result.GetRequiredValue(_file), cancellationToken);
        var start = result.GetValue(_start) is { } from ? ImageSizes.Parse("--start-offset", from) : 0;
        var length = result.GetValue(_length) is { } most ? ImageSizes.Parse("--max-length", most) : long.MaxValue;
        if (start > image.SizeBytes)
        {
            throw new CliException(
                ExitCode.Usage, string.Create(CultureInfo.InvariantCulture, $"--start-offset {start}: the disk ends at {image.SizeBytes}"));
        }

        var runs = new List<ImageMapEntry>();
        await foreach (var run in ImageMap.EnumerateAsync(image, start, Math.Min(length, image.SizeBytes - start), cancellationToken))
        {
            runs.Add(run);
        }

        await output.PrintAsync(
            text =>
            {
                text.Append("offset           length           kind       depth  place in file\n");
                foreach (var run in runs)
                {
                    text.Append(string.Create(
                        CultureInfo.InvariantCulture,
                        $"0x{run.OffsetBytes,-14:x} 0x{run.LengthBytes,-14:x} {KindOf(run),-10} {run.Depth,-6} {Place(run)}").TrimEnd()).Append('\n');
                }
            },
            json => WriteJson(json, runs));
        return ExitCode.Ok;
    }

    private static string KindOf(ImageMapEntry run) =>
        !run.IsPresent ? "nothing" : run.IsZero ? "zero" : run.IsCompressed ? "compressed" : "data";

    private static string Place(ImageMapEntry run) =>
        run.HostOffsetBytes is { } place ? string.Create(CultureInfo.InvariantCulture, $"0x{place:x} {run.FileName}") : "";

    /// <summary>The members of qemu-img map, and whether a run is compressed.</summary>
    private static void WriteJson(Utf8JsonWriter json, List<ImageMapEntry> runs)
    {
        json.WriteStartArray();
        foreach (var run in runs)
        {
            json.WriteStartObject();
            json.WriteNumber("start", run.OffsetBytes);
            json.WriteNumber("length", run.LengthBytes);
            json.WriteNumber("depth", run.Depth);
            json.WriteBoolean("present", run.IsPresent);
            json.WriteBoolean("zero", run.IsZero);
            json.WriteBoolean("data", run.HasData);
            json.WriteBoolean("compressed", run.IsCompressed);
            if (run.HostOffsetBytes is { } place)
            {
                json.WriteNumber("offset", place);
                json.WriteString("filename", run.FileName);
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
    }
}
