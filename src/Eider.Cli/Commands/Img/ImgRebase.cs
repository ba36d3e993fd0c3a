using System.CommandLine;
using System.Globalization;
using Eider.Cli.Errors;
using Eider.Cli.Images;
using Eider.Storage.Formats;
using Eider.Storage.Operations;

namespace Eider.Cli.Commands.Img;

/// <summary><c>eider img rebase</c>.</summary>
internal sealed class ImgRebase
{
    private readonly Argument<string> _file = ImgOptions.File(description: "The image whose backing image changes.");
    private readonly ImageArguments _image = new();
    private readonly Option<string?> _progress = ImgOptions.Progress();
    private readonly Option<int> _workers = ImgOptions.Workers();

    private readonly Option<string> _backing = new("--backing", "-b")
    {
        Description = "The new backing image as the image shall name it, relative to the image; an empty name for none.",
        HelpName = "FILE",
        Required = true,
    };

    private readonly Option<string?> _backingFormat = new("--backing-format", "-F")
    {
        Description = "Its format; needed with a name.",
        HelpName = "FORMAT",
    };

    private readonly Option<bool> _unsafe = new("--unsafe", "-u")
    {
        Description = "Change the name only: for a backing image that was moved. Opens nothing else; the user answers for the content.",
    };

    private ImgRebase()
    {
    }

    /// <summary>The command.</summary>
    public static Command Create()
    {
        var self = new ImgRebase();
        return ImgAction.Command(
            "rebase", "Put an image before another backing image; it reads as before. Needs --allow-chain or --within, but for -u.",
            [self._file, self._backing, self._backingFormat, self._unsafe, self._workers, self._progress, .. self._image.All], self.RunAsync);
    }

    private async Task<ExitCode> RunAsync(ParseResult result, ImgOutput output, CancellationToken cancellationToken)
    {
        var location = result.GetRequiredValue(_file);
        var name = result.GetRequiredValue(_backing) is { Length: > 0 } given ? given : null;
        var request = new TargetRequest
        {
            Path = location,
            Format = ImageFormats.Qcow2,
            Options = BackingOptions.Add([], name, result.GetValue(_backingFormat)),
        };
        var access = _image.Read(result);
        var isUnsafe = result.GetValue(_unsafe);
        access = isUnsafe ? access with { Chain = ImageChainPolicy.Ignore } : access;
        var written = 0L;
        await using (var image = isUnsafe
            ? await access.OpenAsync(location, isReadOnly: false, cancellationToken)
            : await access.OpenForWritingAsync(location, cancellationToken))
        {
            if (!isUnsafe)
            {
                await using var backing = name == null ? null : await BackingOptions.OpenAsync(request, access.Chain, cancellationToken);
                var workers = ImgOptions.WorkersOf(result.GetValue(_workers));
                await ImageProgress.Of(result.GetValue(_progress)).RunAsync(
                    "rebase",
                    async progress => written = await ImageRebaser.WriteDifferencesAsync(
                        image, backing, new ImageRebaseOptions { Workers = workers, Progress = progress }, cancellationToken));
            }

            await ImageBacking.SetAsync(image, name, result.GetValue(_backingFormat), cancellationToken);
        }

        await output.PrintAsync(
            text => text.Append(
                CultureInfo.InvariantCulture,
                $"{location}: {(name == null ? "no backing file" : $"backing file {name}")}{(isUnsafe ? "" : $", {ImageSizes.Text(written)} written")}\n"),
            json =>
            {
                json.WriteStartObject();
                json.WriteString("filename", location);
                json.WriteString("backing-filename", name);
                json.WriteNumber("written-bytes", written);
                json.WriteEndObject();
            });
        return ExitCode.Ok;
    }
}
