using System.Globalization;
using Eider.Storage;
using Eider.Storage.Formats.Qcow2;
using Eider.Storage.Operations;

namespace Eider.Cli.QemuImg;

/// <summary><c>qemu-img amend</c>.</summary>
internal static class QemuAmend
{
    private static readonly (string, string)[] LongNames =
        [("help", "h"), ("object:", "object"), ("image-opts", "image-opts"), ("force", "force")];

    public static async Task<int> RunAsync(IReadOnlyList<string> words, QemuOutput output, CancellationToken cancellationToken)
    {
        var arguments = QemuArguments.Parse(words, "ho:f:t:pq", LongNames);
        var lists = QemuCreateOptions.ListOf(arguments);
        if (lists.Count == 0)
        {
            throw QemuImgException.Usage("Must specify options (-o)");
        }

        await using var progress = new QemuProgress(arguments, output, beginsLater: true);
        if (arguments.Value("f") is { } format && QemuCreateOptions.AsksForHelp(lists))
        {
            output.Out.Write(HelpFor(format));
            return 0;
        }

        if (arguments.Names is not [var name])
        {
            throw new QemuImgException("Expecting one image file name");
        }

        var cache = QemuOptions.Cache(arguments, "t", "cache", "writeback");
        var mode = QemuOptions.ModeOf(arguments, isWritable: true) with { IsDirect = cache.IsDirect };
        await using var node = await QemuOptions.OpenerOf(arguments, output).OpenAsync(name, mode, cancellationToken);
        if (QemuCreateOptions.AsksForHelp(lists))
        {
            output.Out.Write(HelpFor(node.Text.Driver));
            return 0;
        }

        if (node.Image is not Qcow2Image image)
        {
            throw new QemuImgException($"Format driver '{node.Text.Driver}' does not support option amendment");
        }

        var options = Options(lists);
        progress.Report(0, 1);
        await AmendAsync(image, options, progress, cancellationToken);
        return 0;
    }

    private static string HelpFor(string format) => format == "qcow2"
        ? QemuCreateOptions.AmendHelp()
        : throw new QemuImgException(QemuCreateOptions.Creates(format)
            ? $"Format driver '{format}' does not support option amendment" : $"Unknown file format '{format}'");

    private static QemuCreateOptions Options(List<string> lists)
    {
        var options = QemuCreateOptions.ForAmend();
        try
        {
            lists.ForEach(options.Add);
            return options;
        }
        catch (QemuImgException wrong)
        {
            var isForCreation = true;
            try
            {
                lists.ForEach(new QemuCreateOptions("qcow2").Add);
            }
            catch (QemuImgException)
            {
                isForCreation = false;
            }

            throw isForCreation ? new QemuImgException($"{wrong.Message}\nThis option is only supported for image creation") : wrong;
        }
    }

    private static async Task AmendAsync(
        Qcow2Image image, QemuCreateOptions options, QemuProgress progress, CancellationToken cancellationToken)
    {
        var values = options.Values();
        Check(image.Header, options);
        values.Remove("backing_file");
        values.Remove("backing_fmt");
        values.Remove("data_file_raw");
        if (options.SizeBytes is > 0 and var size)
        {
            values["size"] = size.ToString(CultureInfo.InvariantCulture);
        }

        if (options["lazy_refcounts"] is { } lazy)
        {
            values["lazy_refcounts"] = IsOn(lazy) ? "on" : "off";
        }

        try
        {
            await ImageAmender.AmendAsync(image, values, cancellationToken);
            progress.Report(1, 1);
        }
        catch (BlockStorageException failure)
        {
            progress.Report(1, 1);
            throw new QemuImgException(QemuWords.WithoutName(failure));
        }
    }

    /// <summary>Refuses what qemu-img refuses, in its order and words.</summary>
    private static void Check(Qcow2Header header, QemuCreateOptions options)
    {
        var version = options["compat"] switch
        {
            null => header.Version,
            "0.10" or "v2" => 2,
            "1.1" or "v3" => 3,
            var other => throw new QemuImgException($"Unknown compatibility level {other}"),
        };
        if (options.Values().Keys.Any(name => name.StartsWith("encrypt.", StringComparison.Ordinal)))
        {
            throw new QemuImgException(header.Encryption switch
            {
                Qcow2EncryptionMethod.None => "Can't amend encryption options - encryption not present",
                Qcow2EncryptionMethod.Luks => "Changing the key slots of an image is not supported by this command",
                _ => "Only LUKS encryption options can be amended",
            });
        }

        var bits = options["refcount_bits"] is { } text ? long.Parse(text, CultureInfo.InvariantCulture) : 1L << header.RefcountOrder;
        Expect(bits is >= 1 and <= 64 && long.IsPow2(bits), "Refcount width must be a power of two and may not exceed 64 bits");
        Expect(options["data_file"] == null || header.HasDataFile, "data-file can only be set for images that use an external data file");
        Expect(!IsOn(options["data_file_raw"]) || header.IsDataFileRaw, "data-file-raw cannot be set on existing images");
        Expect(
            version >= 3 || bits == 16 || bits == 1L << header.RefcountOrder,
            "Refcount widths other than 16 bits require compatibility level 1.1 or above (use compat=1.1 or greater)");
        Expect(
            IsSame(options["backing_file"], header.BackingName) && IsSame(options["backing_fmt"], header.BackingFormat),
            "Cannot amend the backing file\nYou can use 'qemu-img rebase' instead.");
        Expect(
            version >= 3 || !IsOn(options["lazy_refcounts"]),
            "Lazy refcounts only supported with compatibility level 1.1 and above (use compat=1.1 or greater)");
    }

    private static bool IsSame(string? wanted, string? present) => wanted == null || wanted == present;

    private static bool IsOn(string? value) => value is "on" or "yes" or "true" or "y";

    private static void Expect(bool condition, string message)
    {
        if (!condition)
        {
            throw new QemuImgException(message);
        }
    }
}
