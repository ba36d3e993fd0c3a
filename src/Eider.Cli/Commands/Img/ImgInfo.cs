using System.CommandLine;
using Eider.Cli.Errors;
using Eider.Cli.Images;
using Eider.Storage;
using Eider.Storage.Formats;
using Eider.Storage.Formats.Foreign;
using Eider.Storage.Operations;

namespace Eider.Cli.Commands.Img;

/// <summary><c>eider img info</c>.</summary>
internal sealed class ImgInfo
{
    private readonly Argument<string> _file = ImgOptions.File();

    private readonly ImageArguments _image = new();

    private readonly Option<bool> _chain = new("--chain")
    {
        Description = "Also the images behind it; they are opened, so this needs --allow-chain or --within.",
    };

    private ImgInfo()
    {
    }

    /// <summary>The command.</summary>
    public static Command Create()
    {
        var self = new ImgInfo();
        return ImgAction.Command(
            "info", "Tell what an image is: raw, qcow2, LUKS, or the header of VHD, VHDX, VMDK and VDI. Opens nothing but the file it was told.",
            [self._file, self._chain, .. self._image.All], self.RunAsync);
    }

    private async Task<ExitCode> RunAsync(ParseResult result, ImgOutput output, CancellationToken cancellationToken)
    {
        var access = _image.Read(result);
        var isChain = result.GetValue(_chain);
        var location = result.GetRequiredValue(_file);
        if (access.Format == null && await ForeignAsync(location, access, cancellationToken) is { } foreign)
        {
            await output.PrintAsync(foreign.AppendTo, foreign.WriteTo);
            return ExitCode.Ok;
        }

        access = isChain ? access : access with { Chain = ImageChainPolicy.Ignore };
        await using var image = await access.OpenAsync(location, isReadOnly: true, cancellationToken);
        var reports = new List<ImageReport>();
        foreach (var layer in isChain ? ImageChainWalk.Of(image) : [image])
        {
            reports.Add(await ImageReport.OfAsync(layer, cancellationToken));
        }

        await output.PrintAsync(
            text => text.AppendJoin('\n', reports.Select(report => report.Text())),
            json =>
            {
                if (!isChain)
                {
                    reports[0].WriteTo(json);
                    return;
                }

                json.WriteStartArray();
                reports.ForEach(report => report.WriteTo(json));
                json.WriteEndArray();
            });
        return ExitCode.Ok;
    }

    /// <summary>The header of an image whose data are not read here; null for a file of another kind.</summary>
    private static async Task<ForeignReport?> ForeignAsync(string location, ImageAccess access, CancellationToken cancellationToken)
    {
        await using BlockStorage file = await access.OpenFileAsync(location, isReadOnly: true, cancellationToken);
        if (Path.GetExtension(location) == ".raw" || await ImageFormats.ProbeAsync(file, cancellationToken) != ImageFormats.Raw)
        {
            return null;
        }

        return await ForeignImage.TryReadAsync(file, cancellationToken) is { } image ? new ForeignReport(location, image) : null;
    }
}
