using System.CommandLine;
using System.Globalization;
using Eider.Cli.Errors;
using Eider.Cli.Images;
using Eider.Storage;
using Eider.Storage.Formats;
using Eider.Storage.Operations;

namespace Eider.Cli.Commands.Img;

/// <summary><c>eider img resize</c>.</summary>
internal sealed class ImgResize
{
    private readonly Argument<string> _file = ImgOptions.File(description: "The image.");

    private readonly Argument<string> _size = new("SIZE")
    {
        Description = "The new size, as 20G; with + or - before it, how much to add or to cut off (write -- before a SIZE with -).",
    };

    private readonly ImageArguments _image = new();

    private readonly Option<bool> _shrink = new("--shrink")
    {
        Description = "Allow a smaller size: what lies behind the new end is lost.",
    };

    private readonly Option<string> _preallocation = new("--preallocation")
    {
        Description = "How what is added is set aside: off, metadata, falloc or full (default off).",
        HelpName = "MODE",
        DefaultValueFactory = _ => "off",
    };

    private ImgResize()
    {
    }

    /// <summary>The command.</summary>
    public static Command Create()
    {
        var self = new ImgResize();
        return ImgAction.Command(
            "resize", "Change the size of an image's disk; what is added reads as zeroes.",
            [self._file, self._size, self._shrink, self._preallocation, .. self._image.All], self.RunAsync);
    }

    private async Task<ExitCode> RunAsync(ParseResult result, ImgOutput output, CancellationToken cancellationToken)
    {
        var location = result.GetRequiredValue(_file);
        var mode = result.GetRequiredValue(_preallocation);
        if (!ImagePreallocations.TryParse(mode, out var preallocation))
        {
            throw new CliException(ExitCode.Usage, $"--preallocation {mode}: expected off, metadata, falloc or full");
        }

        await using var image = await _image.Read(result).OpenForWritingAsync(location, cancellationToken);
        var size = NewSize(result.GetRequiredValue(_size), image.SizeBytes);
        try
        {
            var options = new ImageResizeOptions { CanShrink = result.GetValue(_shrink), Preallocation = preallocation };
            await ImageResizer.ResizeAsync(image, size, options, cancellationToken);
        }
        catch (BlockStorageException refused) when (refused is { Kind: BlockErrorKind.UnsupportedFeature, Operation: BlockOperation.Resize })
        {
            throw new CliException(ExitCode.Usage, refused.Message, refused);
        }

        size = image.SizeBytes;
        await output.PrintAsync(
            text => text.Append(CultureInfo.InvariantCulture, $"{location}: {ImageSizes.Both(size)}\n"),
            json =>
            {
                json.WriteStartObject();
                json.WriteString("filename", location);
                json.WriteNumber("virtual-size", size);
                json.WriteEndObject();
            });
        return ExitCode.Ok;
    }

    private static long NewSize(string text, long old)
    {
        if (text is not ['+' or '-', ..])
        {
            return ImageSizes.Parse("SIZE", text);
        }

        var change = ImageSizes.Parse("SIZE", text[1..]);
        var isMore = text[0] == '+';
        return (isMore ? change <= long.MaxValue - old : change <= old)
            ? isMore ? old + change : old - change
            : throw new CliException(ExitCode.Usage, string.Create(CultureInfo.InvariantCulture, $"SIZE '{text}': the disk has {old} bytes"));
    }
}
