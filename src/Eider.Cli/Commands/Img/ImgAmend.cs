using System.CommandLine;
using System.Globalization;
using Eider.Cli.Errors;
using Eider.Cli.Images;
using Eider.Storage;
using Eider.Storage.Formats;
using Eider.Storage.Operations;

namespace Eider.Cli.Commands.Img;

/// <summary><c>eider img amend</c>.</summary>
internal sealed class ImgAmend
{
    private readonly Argument<string> _file = ImgOptions.File(description: "The image.");
    private readonly ImageArguments _image = new();

    private readonly Option<string[]> _options = new("--option", "-o")
    {
        Description = "New values: compat=0.10|1.1, lazy_refcounts=on|off, backing_file=NAME, backing_fmt=FORMAT, size=SIZE.",
        HelpName = "OPTIONS",
        Required = true,
    };

    private ImgAmend()
    {
    }

    /// <summary>The command.</summary>
    public static Command Create()
    {
        var self = new ImgAmend();
        return ImgAction.Command(
            "amend", "Change options of a qcow2 image in place. Opens no other file, but for size.", [self._file, self._options, .. self._image.All], self.RunAsync);
    }

    private async Task<ExitCode> RunAsync(ParseResult result, ImgOutput output, CancellationToken cancellationToken)
    {
        var location = result.GetRequiredValue(_file);
        var options = OptionList.Parse(result.GetRequiredValue(_options));
        if (options.TryGetValue("size", out var size))
        {
            options["size"] = ImageSizes.Parse("size", size).ToString(CultureInfo.InvariantCulture);
        }

        // A larger disk must not show more of what lies behind it: for that the backing image has to be known.
        var access = _image.Read(result);
        access = options.ContainsKey("size") ? access : access with { Chain = ImageChainPolicy.Ignore };
        await using (var image = await access.OpenAsync(location, isReadOnly: false, cancellationToken))
        {
            try
            {
                await ImageAmender.AmendAsync(image, options, cancellationToken);
            }
            catch (BlockStorageException refused) when (refused.Kind == BlockErrorKind.UnsupportedFeature)
            {
                throw new CliException(ExitCode.Usage, refused.Message, refused);
            }
        }

        await output.PrintAsync(
            text => text.Append(CultureInfo.InvariantCulture, $"{location}: amended\n"),
            json =>
            {
                json.WriteStartObject();
                json.WriteString("filename", location);
                json.WriteEndObject();
            });
        return ExitCode.Ok;
    }
}
