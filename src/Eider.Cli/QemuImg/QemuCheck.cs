using System.Globalization;
using System.Text.RegularExpressions;
using Eider.Storage.Formats;
using Eider.Storage.Formats.Qcow2;
using Eider.Storage.Formats.Qcow2.Checking;
using Eider.Storage.Operations;

namespace Eider.Cli.QemuImg;

/// <summary><c>qemu-img check</c>: 0 for clean, 2 for corruptions, 3 for leaks, 63 for formats without a check.</summary>
internal static partial class QemuCheck
{
    private const int Corrupt = 2;
    private const int Leaks = 3;
    private const int NotSupported = 63;
    private const Qcow2AutoclearFeatures KnownAutoclear = Qcow2AutoclearFeatures.Bitmaps | Qcow2AutoclearFeatures.RawExternalData;

    private static readonly (string, string)[] LongNames =
        [("help", "h"), ("format:", "f"), ("repair:", "r"), ("output:", "output"), ("object:", "object"),
            ("image-opts", "image-opts"), ("force-share", "U")];

    public static async Task<int> RunAsync(IReadOnlyList<string> words, QemuOutput output, CancellationToken cancellationToken)
    {
        var arguments = QemuArguments.Parse(words, "hf:r:T:qU", LongNames);
        var isJson = QemuOptions.IsJson(arguments);
        var repair = arguments.Value("r") switch
        {
            null => Qcow2Repair.None,
            "leaks" => Qcow2Repair.Leaks,
            "all" => Qcow2Repair.All,
            var other => throw QemuImgException.Usage($"Unknown option value for -r (expecting 'leaks' or 'all'): {other}"),
        };
        if (arguments.Names is not [var name])
        {
            throw QemuImgException.Usage("Expecting one image file name");
        }

        QemuOptions.Cache(arguments, "T", "source cache", "writeback");
        var mode = QemuOptions.ModeOf(arguments, repair != Qcow2Repair.None) with { HasNoBacking = true, IsForMetadata = true, IsForRepair = true };
        await using var node = await QemuOptions.OpenerOf(arguments, output).OpenAsync(name, mode, cancellationToken);
        var image = node.Image;
        if (image is not Qcow2Image qcow)
        {
            throw new QemuImgException("This image format does not support checks", NotSupported);
        }

        if (repair != Qcow2Repair.None && (qcow.Header.AutoclearFeatures & ~KnownAutoclear) != 0)
        {
            // Who opens an image to write drops what it does not keep up, though nothing else is changed.
            await ImageAmender.AmendAsync(qcow, new Dictionary<string, string>(), cancellationToken);
        }

        var first = await qcow.CheckAsync(repair, cancellationToken);
        var isFixed = first.LeaksFixed + first.CorruptionsFixed > 0;
        var found = isFixed ? await qcow.CheckAsync(Qcow2Repair.None, cancellationToken) : first;
        if (!arguments.Has("q"))
        {
            output.Out.Write(isJson ? QemuJson.Print(Json(name, image, first, found)) + "\n" : Text(first, found, isFixed, output));
        }

        return found.Corruptions > 0 ? Corrupt : found.Leaks > 0 ? Leaks : 0;
    }

    private static string Text(Qcow2CheckResult first, Qcow2CheckResult found, bool isFixed, QemuOutput output)
    {
        var isRebuilt = isFixed && first.Findings.Any(finding => Uncounted().IsMatch(finding.Text));
        foreach (var finding in first.Findings)
        {
            var text = EntryAtPlace().Replace(finding.Text, "l2_entry=$1 refcount=");
            var isMended = finding.Kind == Qcow2FindingKind.Leak ? first.LeaksFixed > 0 : first.CorruptionsFixed > 0;
            output.Error.Write((isMended && !isRebuilt ? Mended().Replace(text, "Repairing ") : text) + "\n");
        }

        output.Error.Write(isRebuilt ? "Rebuilding refcount structure\n" : "");
        var fixedText = isFixed
            ? "The following inconsistencies were found and repaired:\n\n"
                + $"    {first.LeaksFixed} leaked clusters\n    {first.CorruptionsFixed} corruptions\n\nDouble checking the fixed image now...\n"
            : "";
        return fixedText + Verdict(found) + Clusters(found) + $"Image end offset: {found.ImageEndBytes}\n";
    }

    // The place of an entry is left out: qemu-img does not tell it.
    [GeneratedRegex(@"(?<=data cluster: )entry ([0-9a-f]+) at \d+, refcount=")]
    private static partial Regex EntryAtPlace();

    // What was mended is told as that.
    [GeneratedRegex("^(Leaked |ERROR )(?=cluster |OFLAG_COPIED )")]
    private static partial Regex Mended();

    // A cluster in use that no block counts: then all refcounts are written anew.
    [GeneratedRegex(@"^ERROR cluster \d+ refcount=0 ")]
    private static partial Regex Uncounted();

    private static string Verdict(Qcow2CheckResult found) =>
        found.Corruptions + found.Leaks == 0
            ? "No errors were found on the image.\n"
            : (found.Corruptions > 0
                ? $"\n{found.Corruptions} errors were found on the image.\n"
                    + "Data may be corrupted, or further writes to the image may corrupt it.\n"
                : "")
            + (found.Leaks > 0
                ? $"\n{found.Leaks} leaked clusters were found on the image.\nThis means waste of disk space, but no harm to data.\n"
                : "");

    private static string Clusters(Qcow2CheckResult found) =>
        found.AllocatedClusters == 0 || found.TotalClusters == 0
            ? ""
            : string.Create(
                CultureInfo.InvariantCulture,
                $"{found.AllocatedClusters}/{found.TotalClusters} = {Share(found.AllocatedClusters, found.TotalClusters)}% allocated, "
                    + $"{Share(found.FragmentedClusters, found.AllocatedClusters)}% fragmented, "
                    + $"{Share(found.CompressedClusters, found.AllocatedClusters)}% compressed clusters\n");

    private static string Share(long part, long whole) => (100.0 * part / whole).ToString("0.00", CultureInfo.InvariantCulture);

    private static Dictionary<string, object> Json(string name, ImageStorage image, Qcow2CheckResult first, Qcow2CheckResult found)
    {
        var value = new Dictionary<string, object>
        {
            ["filename"] = name,
            ["format"] = image.Format.Name,
            ["check-errors"] = 0,
            ["image-end-offset"] = found.ImageEndBytes,
        };
        foreach (var (key, count) in new[]
        {
            ("corruptions", found.Corruptions), ("leaks", found.Leaks), ("corruptions-fixed", first.CorruptionsFixed),
            ("leaks-fixed", first.LeaksFixed), ("total-clusters", found.TotalClusters), ("allocated-clusters", found.AllocatedClusters),
            ("fragmented-clusters", found.FragmentedClusters), ("compressed-clusters", found.CompressedClusters),
        })
        {
            if (count != 0)
            {
                value[key] = count;
            }
        }

        return value;
    }
}
