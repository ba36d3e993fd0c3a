using System.CommandLine;
using System.Globalization;
using Eider.Cli.Errors;
using Eider.Cli.Images;
using Eider.Storage.Layers;
using Eider.Storage.Operations;

namespace Eider.Cli.Commands.Img;

/// <summary><c>eider img dd</c>.</summary>
internal sealed class ImgDd
{
    private static readonly string[] Known = ["if", "of", "bs", "count", "skip"];

    private readonly Argument<string[]> _operands = new("OPERAND")
    {
        Description = "if=FILE of=FILE, and bs=SIZE (default 512), count=N and skip=N in units of it.",
        Arity = ArgumentArity.OneOrMore,
    };

    private readonly ImageArguments _image = new();

    private readonly Option<string> _format = new("--target-format", "-O")
    {
        Description = "Format of the target: raw, qcow2 or luks (default raw).",
        HelpName = "FORMAT",
        DefaultValueFactory = _ => "raw",
    };

    private ImgDd()
    {
    }

    /// <summary>The command.</summary>
    public static Command Create()
    {
        var self = new ImgDd();
        return ImgAction.Command(
            "dd", "Copy a part of an image's disk into a new image.", [self._operands, self._format, .. self._image.All], self.RunAsync);
    }

    private async Task<ExitCode> RunAsync(ParseResult result, ImgOutput output, CancellationToken cancellationToken)
    {
        var operands = Operands(result.GetRequiredValue(_operands));
        var unit = Number(operands, "bs") ?? 512;
        if (unit is < 1 or > int.MaxValue)
        {
            throw new CliException(ExitCode.Usage, $"bs={operands["bs"]}: expected 1 to 2G - 1");
        }

        var source = operands["if"];
        var target = new TargetRequest
        {
            Path = operands["of"],
            Format = ImgOptions.FormatOf("--target-format", result.GetRequiredValue(_format)),
        };
        await using var image = await _image.Read(result).OpenForReadingAsync(source, cancellationToken);
        await ImageTruncation.ThrowIfTruncatedAsync(image, cancellationToken);
        var skipped = Math.Min(image.SizeBytes, Times(Number(operands, "skip") ?? 0, unit));
        var length = Math.Min(image.SizeBytes - skipped, Times(Number(operands, "count") ?? long.MaxValue, unit));
        await using var part = new RangeStorage(image, skipped, length, leaveOpen: true);
        await using var created = await TargetImage.CreateAsync(target, length, backing: null, cancellationToken);
        var options = new ImageCopyOptions { TargetIsZero = !created.Image.IsEncrypted, IsOrdered = true };
        await created.FillAsync(async to => await ImageCopier.CopyAsync(part, to, options, cancellationToken));
        await created.CompleteAsync(cancellationToken);
        await output.PrintAsync(
            text => text.Append(CultureInfo.InvariantCulture, $"{target.Path}: {ImageSizes.Both(length)} from byte {skipped} of {source}\n"),
            json =>
            {
                json.WriteStartObject();
                json.WriteString("filename", target.Path);
                json.WriteNumber("skipped-bytes", skipped);
                json.WriteNumber("copied-bytes", length);
                json.WriteEndObject();
            });
        return ExitCode.Ok;
    }

    private static long Times(long count, long unit) => count <= long.MaxValue / unit ? count * unit : long.MaxValue;

    private static long? Number(Dictionary<string, string> operands, string name) =>
        operands.TryGetValue(name, out var text) ? ImageSizes.Parse($"{name}=", text) : null;

    private static Dictionary<string, string> Operands(string[] words)
    {
        var operands = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var word in words)
        {
            var pair = word.Split('=', 2);
            if (pair.Length != 2 || !Known.Contains(pair[0]) || !operands.TryAdd(pair[0], pair[1]))
            {
                throw new CliException(ExitCode.Usage, $"{word}: expected each of {string.Join("=, ", Known)}= at most once");
            }
        }

        return operands.ContainsKey("if") && operands.ContainsKey("of")
            ? operands
            : throw new CliException(ExitCode.Usage, "expected if=FILE and of=FILE");
    }
}
