using Eider.Storage.Formats;
using Eider.Storage.Formats.Qcow2;

namespace Eider.Storage.Operations;

/// <summary>
/// Changes options of a qcow2 image in place: <c>compat</c>, <c>lazy_refcounts</c>, <c>backing_file</c>,
/// <c>backing_fmt</c> and <c>size</c>. What decides where everything lies (clusters, refcounts, subclusters, encryption)
/// cannot be changed; convert for that.
/// </summary>
public static class ImageAmender
{
    private static readonly string[] Known = ["compat", "lazy_refcounts", "backing_file", "backing_fmt", "size"];

    /// <summary>Amends, and flushes. The image is then to be closed.</summary>
    /// <param name="image">The image, open for writing.</param>
    /// <param name="options">New values by name, as <see cref="ImageFormat.CreateOptions"/> has them.</param>
    /// <param name="cancellationToken">Ends it early; the image is then as before, or has some of the changes.</param>
    /// <exception cref="BlockStorageException">
    /// An option is unknown, wrong or cannot be changed (<see cref="BlockErrorKind.UnsupportedFeature"/>), or the host failed.
    /// </exception>
    public static async ValueTask AmendAsync(
        ImageStorage image, IReadOnlyDictionary<string, string> options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(options);
        if (image is not Qcow2Image qcow2)
        {
            throw Refused(image, $"a {image.Format.Name} image has no options to change; expected qcow2");
        }

        var plan = Plan(qcow2, options);
        if (plan.Size is { } size)
        {
            await ImageResizer.ResizeAsync(image, size, cancellationToken: cancellationToken).ConfigureAwait(false);
        }

        if (plan.Version == 2 && qcow2.Header.Version == 3)
        {
            await Qcow2Downgrade.RunAsync(qcow2, cancellationToken).ConfigureAwait(false);
        }

        await Qcow2HeaderChange.RunAsync(qcow2, header => Apply(header, plan), cancellationToken).ConfigureAwait(false);
    }

    private static AmendPlan Plan(Qcow2Image image, IReadOnlyDictionary<string, string> options)
    {
        foreach (var name in options.Keys.Where(name => !Known.Contains(name)))
        {
            throw Refused(image, $"option '{name}' cannot be changed; expected some of {string.Join(", ", Known)}, or convert the image");
        }

        var header = image.Header;
        var plan = new AmendPlan(
            Value("compat") switch
            {
                null => header.Version,
                "0.10" or "v2" => 2,
                "1.1" or "v3" => 3,
                var other => throw Refused(image, $"found compat={other}, expected 0.10 or 1.1"),
            },
            Value("lazy_refcounts") switch
            {
                null => header.HasLazyRefcounts && Value("compat") is not ("0.10" or "v2"),
                "on" => true,
                "off" => false,
                var other => throw Refused(image, $"found lazy_refcounts={other}, expected on or off"),
            },
            options.ContainsKey("backing_file") ? Value("backing_file") : header.BackingName,
            options.ContainsKey("backing_fmt") ? Value("backing_fmt") : header.BackingFormat,
            Value("size") is { } text
                ? long.TryParse(text, out var size) && size >= 0 ? size : throw Refused(image, $"found size={text}, expected a number of bytes")
                : null);
        Check(image, plan);
        return plan;

        string? Value(string name) => options.GetValueOrDefault(name) is { Length: > 0 } value ? value : null;
    }

    private static void Check(Qcow2Image image, AmendPlan plan)
    {
        if (plan.Version == 2 && plan.HasLazyRefcounts)
        {
            throw Refused(image, "lazy_refcounts=on needs compat=1.1");
        }

        if (plan.BackingFormat != null && plan.BackingName == null && image.Header.BackingName == null)
        {
            throw Refused(image, "backing_fmt needs backing_file");
        }

        if (plan.BackingName != null && image.Header.IsDataFileRaw)
        {
            throw Refused(image, "an image whose data file is raw cannot have a backing file");
        }

        if (plan.Version == 2 && image.Header.Version == 3)
        {
            Qcow2Downgrade.Check(image);
        }
    }

    private static Qcow2Header Apply(Qcow2Header header, AmendPlan plan)
    {
        header = header.WithBacking(plan.BackingName, plan.BackingFormat);
        var compatible = plan.HasLazyRefcounts
            ? header.CompatibleFeatures | Qcow2CompatibleFeatures.LazyRefcounts
            : header.CompatibleFeatures & ~Qcow2CompatibleFeatures.LazyRefcounts;
        if (plan.Version == header.Version)
        {
            return header.Version == 2 ? header : header with { CompatibleFeatures = compatible };
        }

        return plan.Version == 3
            ? header with { Version = 3, HeaderBytes = 112, UnknownFields = new byte[7], CompatibleFeatures = compatible }
            : header.With(Qcow2ExtensionType.FeatureNames, null).With(Qcow2ExtensionType.Bitmaps, null) with
            {
                Version = 2,
                HeaderBytes = Qcow2Header.Version2Bytes,
                UnknownFields = default,
                IncompatibleFeatures = 0,
                CompatibleFeatures = 0,
                AutoclearFeatures = 0,
            };
    }

    private static BlockStorageException Refused(ImageStorage image, string why) =>
        new(BlockErrorKind.UnsupportedFeature, BlockOperation.Open, image.Name, null, $"{image.Name}: {why}");

    private sealed record AmendPlan(int Version, bool HasLazyRefcounts, string? BackingName, string? BackingFormat, long? Size);
}
