using System.CommandLine;
using System.Globalization;
using Eider.Cli.Errors;
using Eider.Cli.Images;
using Eider.Storage.Operations;

namespace Eider.Cli.Commands.Img;

/// <summary><c>eider img checksum</c>.</summary>
internal sealed class ImgChecksum
{
    private readonly Argument<string> _file = ImgOptions.File();
    private readonly ImageArguments _image = new();
    private readonly Option<string?> _progress = ImgOptions.Progress();
    private readonly Option<int> _workers = ImgOptions.Workers();

    private ImgChecksum()
    {
    }

    /// <summary>The command.</summary>
    public static Command Create()
    {
        var self = new ImgChecksum();
        return ImgAction.Command(
            "checksum", "Print a hash of the disk's content: the same for any format, cluster size and allocation. Holes cost nothing.",
            [self._file, self._workers, self._progress, .. self._image.All], self.RunAsync);
    }

    private async Task<ExitCode> RunAsync(ParseResult result, ImgOutput output, CancellationToken cancellationToken)
    {
        var location = result.GetRequiredValue(_file);
        await using var image = await _image.Read(result).OpenForReadingAsync(location, cancellationToken);
        var workers = ImgOptions.WorkersOf(result.GetValue(_workers));
        await ImageTruncation.ThrowIfTruncatedAsync(image, cancellationToken);
        byte[] hash = [];
        await ImageProgress.Of(result.GetValue(_progress)).RunAsync(
            "checksum", async progress => hash = await ImageChecksum.ComputeAsync(image, workers, progress, cancellationToken));
        var digits = Convert.ToHexStringLower(hash);
        await output.PrintAsync(
            text => text.Append(CultureInfo.InvariantCulture, $"{digits}  {location}\n"),
            json =>
            {
                json.WriteStartObject();
                json.WriteString("filename", location);
                json.WriteString("algorithm", "eider-content-1");
                json.WriteString("checksum", digits);
                json.WriteNumber("virtual-size", image.SizeBytes);
                json.WriteEndObject();
            });
        return ExitCode.Ok;
    }
}
