using System.CommandLine;
using System.Globalization;
using Eider.Cli.Errors;
using Eider.Cli.Images;
using Eider.Storage;
using Eider.Storage.Formats;
using Eider.Storage.Formats.Qcow2;
using Eider.Storage.Operations;

namespace Eider.Cli.Commands.Img;

/// <summary><c>eider img measure</c>.</summary>
internal sealed class ImgMeasure
{
    private readonly Argument<string?> _file = new("FILE")
    {
        Description = "The image whose content the new one shall have.",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private readonly ImageArguments _image = new();
    private readonly Option<string[]> _options = ImgOptions.FormatOptions();

    private readonly Option<string?> _size = new("--size")
    {
        Description = "Instead of FILE: the size of an empty disk.",
        HelpName = "SIZE",
    };

    private readonly Option<string> _format = new("--target-format", "-O")
    {
        Description = "Format of the new image: raw or qcow2 (default raw).",
        HelpName = "FORMAT",
        DefaultValueFactory = _ => "raw",
    };

    private ImgMeasure()
    {
    }

    /// <summary>The command.</summary>
    public static Command Create()
    {
        var self = new ImgMeasure();
        return ImgAction.Command(
            "measure", "Tell how much space a new image would need, uncompressed.",
            [self._file, self._size, self._format, self._options, .. self._image.All], self.RunAsync);
    }

    private async Task<ExitCode> RunAsync(ParseResult result, ImgOutput output, CancellationToken cancellationToken)
    {
        var (file, size) = (result.GetValue(_file), result.GetValue(_size));
        if (file == null == (size == null))
        {
            throw new CliException(ExitCode.Usage, "expected either FILE or --size SIZE");
        }

        var format = ImgOptions.FormatOf("--target-format", result.GetRequiredValue(_format));
        var texts = OptionList.Parse(result.GetRequiredValue(_options));
        await using var image = file == null ? null : await _image.Read(result).OpenForReadingAsync(file, cancellationToken);
        var measured = await MeasureAsync(format, texts, image, size, cancellationToken);
        await output.PrintAsync(
            text =>
            {
                text.Append(CultureInfo.InvariantCulture, $"needed now:       {ImageSizes.Both(measured.RequiredBytes)}\n");
                text.Append(CultureInfo.InvariantCulture, $"fully allocated:  {ImageSizes.Both(measured.FullyAllocatedBytes)}\n");
                if (measured.BitmapBytes is > 0 and var bitmaps)
                {
                    text.Append(CultureInfo.InvariantCulture, $"bitmaps:          {ImageSizes.Both(bitmaps)}\n");
                }
            },
            json =>
            {
                json.WriteStartObject();
                json.WriteNumber("required", measured.RequiredBytes);
                json.WriteNumber("fully-allocated", measured.FullyAllocatedBytes);
                if (measured.BitmapBytes is { } bitmaps)
                {
                    json.WriteNumber("bitmaps", bitmaps);
                }

                json.WriteEndObject();
            });
        return ExitCode.Ok;
    }

    private static async Task<ImageMeasurement> MeasureAsync(
        ImageFormat format, Dictionary<string, string> texts, BlockStorage? image, string? size, CancellationToken cancellationToken)
    {
        var bytes = image?.SizeBytes ?? ImageSizes.Parse("--size", size!);
        if (format == ImageFormats.Raw && texts.Count == 0)
        {
            return ImageMeasurer.MeasureRaw(bytes);
        }

        if (format != ImageFormats.Qcow2)
        {
            throw new CliException(
                ExitCode.Usage, format == ImageFormats.Raw ? "-o: raw has no option to measure" : $"-O {format.Name}: expected raw or qcow2");
        }

        Qcow2CreateOptions options;
        try
        {
            options = Qcow2Format.ParseOptions(texts, bytes);
        }
        catch (BlockStorageException wrong)
        {
            throw new CliException(ExitCode.Usage, wrong.Message, wrong);
        }

        return image == null
            ? ImageMeasurer.MeasureQcow2(bytes, options)
            : await ImageMeasurer.MeasureQcow2Async(image, options, cancellationToken);
    }
}
