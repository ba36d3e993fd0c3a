using System.CommandLine;
using System.Globalization;
using Eider.Cli.Errors;
using Eider.Cli.Images;
using Eider.Storage.Formats.Qcow2;
using Eider.Storage.Formats.Qcow2.Checking;
using Eider.Storage.Operations;

namespace Eider.Cli.Commands.Img;

/// <summary><c>eider img compact</c>.</summary>
internal sealed class ImgCompact
{
    private readonly Argument<string> _file = ImgOptions.File(description: "The qcow2 image.");
    private readonly ImageArguments _image = new();
    private readonly Option<string?> _progress = ImgOptions.Progress();

    private ImgCompact()
    {
    }

    /// <summary>The command.</summary>
    public static Command Create()
    {
        var self = new ImgCompact();
        return ImgAction.Command(
            "compact", "Make the file of a qcow2 image as short as its content allows: in place, without a second copy, safe at any crash.",
            [self._file, self._progress, .. self._image.All], self.RunAsync);
    }

    private async Task<ExitCode> RunAsync(ParseResult result, ImgOutput output, CancellationToken cancellationToken)
    {
        var location = result.GetRequiredValue(_file);
        await using var image = await _image.Read(result).OpenForWritingAsync(location, cancellationToken);
        if (image is not Qcow2Image qcow2)
        {
            throw new CliException(ExitCode.BadInput, $"{location}: found a {image.Format.Name} image, expected qcow2");
        }

        // The end of the file is cut off: that no table is wrong about what lies there must be known before.
        var found = await qcow2.CheckAsync(Qcow2Repair.None, cancellationToken);
        if (found.Corruptions > 0)
        {
            throw new CliException(
                ExitCode.Damaged, $"{location}: the image is damaged in {found.Corruptions} places; see 'eider img check', nothing was changed");
        }

        var done = default(ImageCompaction);
        await ImageProgress.Of(result.GetValue(_progress)).RunAsync(
            "compact", async progress => done = await ImageCompactor.CompactAsync(qcow2, progress, cancellationToken));
        await output.PrintAsync(
            text => text.Append(
                CultureInfo.InvariantCulture,
                $"{location}: {ImageSizes.Text(done.BeforeBytes)} became {ImageSizes.Text(done.AfterBytes)}; "
                + $"{ImageSizes.Text(done.ZeroedBytes)} were zeroes, {ImageSizes.Text(done.MovedBytes)} moved\n"),
            json =>
            {
                json.WriteStartObject();
                json.WriteString("filename", location);
                json.WriteNumber("before-bytes", done.BeforeBytes);
                json.WriteNumber("after-bytes", done.AfterBytes);
                json.WriteNumber("zeroed-bytes", done.ZeroedBytes);
                json.WriteNumber("moved-bytes", done.MovedBytes);
                json.WriteEndObject();
            });
        return ExitCode.Ok;
    }
}
