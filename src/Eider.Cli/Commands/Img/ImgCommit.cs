using System.CommandLine;
using System.Globalization;
using Eider.Cli.Errors;
using Eider.Cli.Images;
using Eider.Storage;
using Eider.Storage.Formats;
using Eider.Storage.Operations;

namespace Eider.Cli.Commands.Img;

/// <summary><c>eider img commit</c>.</summary>
internal sealed class ImgCommit
{
    private readonly Argument<string> _file = ImgOptions.File(description: "The upper image.");
    private readonly ImageArguments _image = new();
    private readonly Option<string?> _progress = ImgOptions.Progress();
    private readonly Option<int> _workers = ImgOptions.Workers();

    private readonly Option<string?> _base = new("--base", "-b")
    {
        Description = "Write into this image of the chain instead of the one right behind; the upper image then keeps its data.",
        HelpName = "FILE",
    };

    private readonly Option<bool> _keep = new("--keep", "-d")
    {
        Description = "Leave the data in the upper image instead of emptying it.",
    };

    private ImgCommit()
    {
    }

    /// <summary>The command.</summary>
    public static Command Create()
    {
        var self = new ImgCommit();
        return ImgAction.Command(
            "commit", "Write what an image has into the image behind it, then empty it. Needs --allow-chain or --within.",
            [self._file, self._base, self._keep, self._workers, self._progress, .. self._image.All], self.RunAsync);
    }

    private async Task<ExitCode> RunAsync(ParseResult result, ImgOutput output, CancellationToken cancellationToken)
    {
        var location = result.GetRequiredValue(_file);
        var access = _image.Read(result);
        var depth = await DepthAsync(location, result.GetValue(_base), access, cancellationToken);
        await using var image = await (access with { WritableDepth = depth }).OpenForWritingAsync(location, cancellationToken);
        var target = ImageChainWalk.Of(image).ElementAt(depth);
        var workers = ImgOptions.WorkersOf(result.GetValue(_workers));
        await ImageProgress.Of(result.GetValue(_progress)).RunAsync(
            "commit", async progress => await ImageCommitter.CommitAsync(image, target, workers, progress, rate: null, cancellationToken));
        var isEmptied = depth == 1 && !result.GetValue(_keep) && await EmptyAsync(image, cancellationToken);
        await output.PrintAsync(
            text => text.Append(CultureInfo.InvariantCulture, $"{location}: committed into {target.Name}{(isEmptied ? ", and emptied" : "")}\n"),
            json =>
            {
                json.WriteStartObject();
                json.WriteString("filename", location);
                json.WriteString("base", target.Name);
                json.WriteBoolean("emptied", isEmptied);
                json.WriteEndObject();
            });
        return ExitCode.Ok;
    }

    private static async Task<bool> EmptyAsync(ImageStorage image, CancellationToken cancellationToken) =>
        await image.MakeEmptyAsync(cancellationToken) == BlockResult.Ok
        && await image.FlushAsync(cancellationToken) == BlockResult.Ok;

    /// <summary>How far down the chain the image lies that is written.</summary>
    private static async Task<int> DepthAsync(string location, string? name, ImageAccess access, CancellationToken cancellationToken)
    {
        await using var image = await access.OpenAsync(location, isReadOnly: true, cancellationToken);
        var chain = ImageChainWalk.Of(image).ToList();
        if (chain.Count == 1)
        {
            throw new CliException(ExitCode.BadInput, $"{location}: there is no image behind it to commit into");
        }

        return ImageChainWalk.FindBehind(image, name) is { } depth
            ? depth
            : throw new CliException(
                ExitCode.BadInput, $"--base {name}: not in the chain of {location}; expected one of {string.Join(", ", chain.Skip(1).Select(layer => layer.Name))}");
    }
}
