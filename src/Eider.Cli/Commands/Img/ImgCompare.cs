using System.CommandLine;
using System.Globalization;
using Eider.Cli.Errors;
using Eider.Cli.Images;
using Eider.Storage.Operations;

namespace Eider.Cli.Commands.Img;

/// <summary><c>eider img compare</c>.</summary>
internal sealed class ImgCompare
{
    private readonly Argument<string> _left = ImgOptions.File("FILE1", "The one image.");
    private readonly Argument<string> _right = ImgOptions.File("FILE2", "The other image.");
    private readonly ImageArguments _image = new();
    private readonly Option<string?> _progress = ImgOptions.Progress();
    private readonly Option<int> _workers = ImgOptions.Workers();

    private readonly Option<string?> _secondFormat = new("--second-format", "-F")
    {
        Description = "Format of the second image; --format is that of the first.",
        HelpName = "FORMAT",
    };

    private readonly Option<bool> _strict = new("--strict", "-s")
    {
        Description = "Disks of different size differ, even where the rest of the longer one is zero.",
    };

    private ImgCompare()
    {
    }

    /// <summary>The command.</summary>
    public static Command Create()
    {
        var self = new ImgCompare();
        return ImgAction.Command(
            "compare", "Tell whether two images read the same; exits with 0 if they do and 1 if not.",
            [self._left, self._right, self._secondFormat, self._strict, self._workers, self._progress, .. self._image.All], self.RunAsync);
    }

    private async Task<ExitCode> RunAsync(ParseResult result, ImgOutput output, CancellationToken cancellationToken)
    {
        var access = _image.Read(result);
        await using var left = await access.OpenForReadingAsync(result.GetRequiredValue(_left), cancellationToken);
        await using var right = await (access with { Format = result.GetValue(_secondFormat) })
            .OpenForReadingAsync(result.GetRequiredValue(_right), cancellationToken);
        await ImageTruncation.ThrowIfTruncatedAsync(left, cancellationToken);
        await ImageTruncation.ThrowIfTruncatedAsync(right, cancellationToken);
        var comparison = new ImageComparison(null, left.SizeBytes == right.SizeBytes);
        var isStrict = result.GetValue(_strict);
        if (!isStrict || comparison.IsSameSize)
        {
            var workers = ImgOptions.WorkersOf(result.GetValue(_workers));
            await ImageProgress.Of(result.GetValue(_progress)).RunAsync(
                "compare", async progress => comparison = await ImageComparer.CompareAsync(left, right, workers, progress, cancellationToken));
        }

        var isSame = comparison.IsSameContent && (comparison.IsSameSize || !isStrict);
        await output.PrintAsync(
            text => text.Append(Sentence(comparison, isSame)).Append('\n'),
            json =>
            {
                json.WriteStartObject();
                json.WriteBoolean("identical", isSame);
                json.WriteBoolean("same-size", comparison.IsSameSize);
                if (comparison.FirstDifferenceBytes is { } place)
                {
                    json.WriteNumber("first-difference", place);
                }

                json.WriteEndObject();
            });
        return isSame ? ExitCode.Ok : ExitCode.Differs;
    }

    private static string Sentence(ImageComparison comparison, bool isSame) => comparison switch
    {
        { FirstDifferenceBytes: { } place } => string.Create(CultureInfo.InvariantCulture, $"The images differ at byte {place}."),
        _ when !isSame => "The images differ in size.",
        { IsSameSize: false } => "The images are identical; behind the end of the shorter one the longer one is zero.",
        _ => "The images are identical.",
    };
}
