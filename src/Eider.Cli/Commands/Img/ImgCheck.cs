using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Eider.Cli.Errors;
using Eider.Storage.Formats;
using Eider.Storage.Formats.Qcow2;
using Eider.Storage.Formats.Qcow2.Checking;

namespace Eider.Cli.Commands.Img;

/// <summary><c>eider img check</c>.</summary>
internal sealed class ImgCheck
{
    private const int MaxLines = 100;

    private readonly Argument<string> _file = ImgOptions.File(description: "The image.");
    private readonly ImageArguments _image = new();

    private readonly Option<string?> _repair = new("--repair", "-r")
    {
        Description = "Mend leaks, or all that can be mended without losing data. Without it nothing is written.",
        HelpName = "leaks|all",
    };

    private ImgCheck()
    {
        _repair.AcceptOnlyFromAmong("leaks", "all");
    }

    /// <summary>The command.</summary>
    public static Command Create()
    {
        var self = new ImgCheck();
        return ImgAction.Command(
            "check", "Compare an image's refcounts with what its tables refer to; exits with 0 if all is in order, 2 if it is damaged, 3 for leaks only.",
            [self._file, self._repair, .. self._image.All], self.RunAsync);
    }

    private async Task<ExitCode> RunAsync(ParseResult result, ImgOutput output, CancellationToken cancellationToken)
    {
        var location = result.GetRequiredValue(_file);
        var repair = result.GetValue(_repair) switch
        {
            "leaks" => Qcow2Repair.Leaks,
            "all" => Qcow2Repair.All,
            _ => Qcow2Repair.None,
        };
        var access = _image.Read(result) with { Chain = ImageChainPolicy.Ignore, IsForRepair = repair != Qcow2Repair.None };
        await using var image = await access.OpenAsync(location, repair == Qcow2Repair.None, cancellationToken);
        if (image is not Qcow2Image qcow2)
        {
            throw new CliException(ExitCode.BadInput, $"{location}: a {image.Format.Name} image has nothing to check; expected qcow2");
        }

        var found = await qcow2.CheckAsync(repair, cancellationToken);
        await output.PrintAsync(text => AppendTo(text, location, found), json => WriteTo(json, location, found));
        return found.Corruptions > found.CorruptionsFixed ? ExitCode.Damaged
            : found.Leaks > found.LeaksFixed ? ExitCode.Leaks : ExitCode.Ok;
    }

    private static void AppendTo(StringBuilder text, string location, Qcow2CheckResult found)
    {
        foreach (var finding in found.Findings.Take(MaxLines))
        {
            var word = finding.Kind == Qcow2FindingKind.Leak ? "leak" : "damage";
            text.Append(CultureInfo.InvariantCulture, $"{word} at 0x{finding.OffsetBytes:x}: {ImageReport.Printable(finding.Text)}\n");
        }

        var more = found.Leaks + found.Corruptions - Math.Min(found.Findings.Count, MaxLines);
        if (more > 0)
        {
            text.Append(CultureInfo.InvariantCulture, $"and {more} more\n");
        }

        text.Append(
            CultureInfo.InvariantCulture,
            $"{location}: {Count(found.Corruptions, found.CorruptionsFixed, "damage")}, {Count(found.Leaks, found.LeaksFixed, "leaked cluster")}; "
            + $"{found.AllocatedClusters} of {found.TotalClusters} clusters in use, {found.CompressedClusters} compressed\n");
    }

    private static string Count(long count, long mended, string what) =>
        string.Create(
            CultureInfo.InvariantCulture, $"{(count == 0 ? "no" : $"{count}")} {what}{(count > 1 ? "s" : "")}{(mended > 0 ? $" ({mended} mended)" : "")}");

    private static void WriteTo(Utf8JsonWriter json, string location, Qcow2CheckResult found)
    {
        json.WriteStartObject();
        json.WriteString("filename", location);
        json.WriteNumber("corruptions", found.Corruptions);
        json.WriteNumber("corruptions-fixed", found.CorruptionsFixed);
        json.WriteNumber("leaks", found.Leaks);
        json.WriteNumber("leaks-fixed", found.LeaksFixed);
        json.WriteNumber("image-end-offset", found.ImageEndBytes);
        json.WriteNumber("total-clusters", found.TotalClusters);
        json.WriteNumber("allocated-clusters", found.AllocatedClusters);
        json.WriteNumber("fragmented-clusters", found.FragmentedClusters);
        json.WriteNumber("compressed-clusters", found.CompressedClusters);
        json.WriteStartArray("findings");
        foreach (var finding in found.Findings)
        {
            json.WriteStartObject();
            json.WriteString("kind", finding.Kind == Qcow2FindingKind.Leak ? "leak" : "corruption");
            json.WriteNumber("offset", finding.OffsetBytes);
            json.WriteString("text", finding.Text);
            json.WriteBoolean("repairable", finding.IsRepairable);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }
}
