using System.CommandLine;
using System.Globalization;
using Eider.Cli.Errors;
using Eider.Storage;
using Eider.Storage.Formats;

namespace Eider.Cli.Commands.Img;

/// <summary><c>eider img empty</c>.</summary>
internal sealed class ImgEmpty
{
    private readonly Argument<string> _file = ImgOptions.File(description: "The image.");
    private readonly ImageArguments _image = new();

    private ImgEmpty()
    {
    }

    /// <summary>The command.</summary>
    public static Command Create()
    {
        var self = new ImgEmpty();
        return ImgAction.Command(
            "empty", "Drop an image's own data: it reads as its backing image afterwards, or as zeroes. Opens no other file.",
            [self._file, .. self._image.All], self.RunAsync);
    }

    private async Task<ExitCode> RunAsync(ParseResult result, ImgOutput output, CancellationToken cancellationToken)
    {
        var location = result.GetRequiredValue(_file);
        var access = _image.Read(result) with { Chain = ImageChainPolicy.Ignore };
        await using var image = await access.OpenAsync(location, isReadOnly: false, cancellationToken);
        if (await image.MakeEmptyAsync(cancellationToken) != BlockResult.Ok)
        {
            throw new CliException(ExitCode.BadInput, $"{location}: a {image.Format.Name} image cannot be emptied; make a new one");
        }

        await image.FlushAsync(cancellationToken);
        await output.PrintAsync(
            text => text.Append(CultureInfo.InvariantCulture, $"{location}: empty\n"),
            json =>
            {
                json.WriteStartObject();
                json.WriteString("filename", location);
                json.WriteEndObject();
            });
        return ExitCode.Ok;
    }
}
