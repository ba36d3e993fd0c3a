using System.CommandLine;
using System.Globalization;
using Eider.Cli.Errors;
using Eider.Cli.Images;
using Eider.Storage;
using Eider.Storage.Formats;

namespace Eider.Cli.Commands.Img;

/// <summary><c>eider img create</c>.</summary>
internal sealed class ImgCreate
{
    private readonly Argument<string> _file = ImgOptions.File(description: "Where the image shall be; one that is there is replaced.");

    private readonly Argument<string?> _size = new("SIZE")
    {
        Description = "Size of the disk, as 10G; may be left out with a backing image.",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private readonly Option<string> _format = new("--format", "-f")
    {
        Description = "Format of the new image: raw, qcow2 or luks (default raw).",
        HelpName = "FORMAT",
        DefaultValueFactory = _ => "raw",
    };

    private readonly Option<string?> _backing = new("--backing", "-b")
    {
        Description = "The image behind the new one, as the new one shall name it: relative to the new image.",
        HelpName = "FILE",
    };

    private readonly Option<string?> _backingFormat = new("--backing-format", "-F")
    {
        Description = "Format of the backing image; needed with --backing.",
        HelpName = "FORMAT",
    };

    private readonly Option<bool> _unsafe = new("--unsafe", "-u")
    {
        Description = "Do not look at the backing image; it need not exist, and SIZE must be given.",
    };

    private readonly Option<string?> _keyFile = new("--key-file")
    {
        Description = "File with the passphrase of an encrypted image (-f luks, or -o encrypt.format=luks).",
        HelpName = "FILE",
    };

    private readonly Option<string[]> _options = ImgOptions.FormatOptions();

    private ImgCreate()
    {
    }

    /// <summary>The command.</summary>
    public static Command Create()
    {
        var self = new ImgCreate();
        return ImgAction.Command(
            "create", "Make an empty image. It takes its name when it is complete.",
            [self._file, self._size, self._format, self._options, self._backing, self._backingFormat, self._unsafe, self._keyFile],
            self.RunAsync);
    }

    private async Task<ExitCode> RunAsync(ParseResult result, ImgOutput output, CancellationToken cancellationToken)
    {
        var path = result.GetRequiredValue(_file);
        var request = new TargetRequest
        {
            Path = path,
            Format = ImgOptions.FormatOf("--format", result.GetRequiredValue(_format)),
            Options = BackingOptions.Add(
                OptionList.Parse(result.GetRequiredValue(_options)), result.GetValue(_backing), result.GetValue(_backingFormat)),
            Key = ImageArguments.ReadKey("--key-file", result.GetValue(_keyFile)),
        };
        var size = await SizeAsync(result, request, cancellationToken);
        await using var target = await TargetImage.CreateAsync(request, size, backing: null, cancellationToken);
        size = target.Image.SizeBytes;
        await target.CompleteAsync(cancellationToken);
        await output.PrintAsync(
            text => text.Append(CultureInfo.InvariantCulture, $"{path}: {request.Format.Name}, {ImageSizes.Both(size)}\n"),
            json =>
            {
                json.WriteStartObject();
                json.WriteString("filename", path);
                json.WriteString("format", request.Format.Name);
                json.WriteNumber("virtual-size", size);
                json.WriteEndObject();
            });
        return ExitCode.Ok;
    }

    /// <summary>The size that was given, or the one of the backing image, which is looked at in any case.</summary>
    private async Task<long> SizeAsync(ParseResult result, TargetRequest request, CancellationToken cancellationToken)
    {
        var given = result.GetValue(_size) is { } text ? ImageSizes.Parse("SIZE", text) : (long?)null;
        var backing = request.Options.GetValueOrDefault(BackingOptions.Name);
        if (backing == null || result.GetValue(_unsafe))
        {
            return given ?? throw new CliException(ExitCode.Usage, "SIZE is missing; expected the size of the disk, as 10G");
        }

        try
        {
            await using var image = await BackingOptions.OpenAsync(request, ImageChainPolicy.Ignore, cancellationToken);
            return given ?? image.SizeBytes;
        }
        catch (BlockStorageException failure)
        {
            throw new CliException(
                ErrorReport.Describe(failure).Code, $"{request.Path}: its backing file cannot be opened: {failure.Message} (-u makes the image without it)", failure);
        }
    }
}
