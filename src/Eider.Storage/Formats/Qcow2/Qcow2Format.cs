using Eider.Storage.Formats.Qcow2.Bitmaps;
using Eider.Storage.Formats.Qcow2.Checking;

namespace Eider.Storage.Formats.Qcow2;

/// <summary>QEMU's copy-on-write format, versions 2 and 3 (docs/interop/qcow2 of QEMU).</summary>
public sealed class Qcow2Format : ImageFormat
{
    internal Qcow2Format()
    {
    }

    /// <inheritdoc/>
    public override string Name => "qcow2";

    /// <inheritdoc/>
    public override IReadOnlyList<ImageCreateOption> CreateOptions => Qcow2CreateParsing.Known;

    /// <inheritdoc/>
    public override int Probe(ReadOnlySpan<byte> beginning) => Qcow2HeaderReader.IsQcow2(beginning) ? 100 : 0;

    /// <inheritdoc/>
    public override async ValueTask<ImageStorage> OpenAsync(
        BlockStorage file, ImageOpenOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(file);
        ArgumentNullException.ThrowIfNull(options);
        var image = new Qcow2Image(this, await Qcow2Opening.OpenAsync(file, options, cancellationToken).ConfigureAwait(false));
        if (image.Header.IsDirty && !options.IsReadOnly && !options.IsForRepair)
        {
            await RepairDirtyAsync(image, cancellationToken).ConfigureAwait(false);
        }

        if (!options.IsReadOnly && !options.IsForRepair && BitmapDirectory.IsThere(image.Header))
        {
            await CheckBitmapsAsync(image, cancellationToken).ConfigureAwait(false);
        }

        return image;
    }

    /// <summary>The refcounts were not written when the image was last used: they are rebuilt before it is written again.</summary>
    private static async ValueTask RepairDirtyAsync(Qcow2Image image, CancellationToken cancellationToken)
    {
        try
        {
            await image.CheckAsync(Qcow2Repair.All, cancellationToken).ConfigureAwait(false);
            if (image.Header.IsDirty)
            {
                throw ImageErrors.Corrupt(
                    image.Name, BlockOperation.Open, null,
                    "the refcounts were not written when the image was last used, and its tables contradict each other; "
                    + "open it read-only, or see 'eider img check'");
            }
        }
        catch
        {
            await image.AbandonAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>A directory of bitmaps that cannot be read is told when the image is opened, not at the first write.</summary>
    private static async ValueTask CheckBitmapsAsync(Qcow2Image image, CancellationToken cancellationToken)
    {
        try
        {
            await image.Core.Bitmaps.ListAsync(cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            await image.AbandonAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <inheritdoc/>
    public override ValueTask CreateAsync(
        BlockStorage file, ImageCreateOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(file);
        ArgumentNullException.ThrowIfNull(options);
        return Qcow2Creation.RunAsync(
            file, options.SizeBytes, Qcow2CreateParsing.Parse(file, options.Options) with { Key = options.Key }, options.DataFile,
            cancellationToken);
    }

    /// <summary>Reads options by name, and refuses what cannot be together, without making an image.</summary>
    /// <param name="options">Values by name (<see cref="CreateOptions"/>).</param>
    /// <param name="sizeBytes">Size of the disk.</param>
    /// <exception cref="BlockStorageException">An option is unknown, wrong, or contradicts another.</exception>
    public static Qcow2CreateOptions ParseOptions(IReadOnlyDictionary<string, string> options, long sizeBytes)
    {
        ArgumentNullException.ThrowIfNull(options);
        var nowhere = new Backends.MemoryStorage(0, "qcow2");
        var parsed = Qcow2CreateParsing.Parse(nowhere, options);
        Qcow2CreateParsing.Check(nowhere, parsed, sizeBytes);
        return parsed;
    }

    /// <summary>Writes an empty image into a file, with options that are read already.</summary>
    /// <param name="file">The file; it is resized and stays open.</param>
    /// <param name="sizeBytes">Size of the disk; rounded up to a sector of 512 bytes.</param>
    /// <param name="options">What the image shall be like.</param>
    /// <param name="dataFile">The external data file, where the options name one; it stays open.</param>
    /// <param name="cancellationToken">Ends the attempt early; the file is then no image.</param>
    /// <exception cref="BlockStorageException">The options contradict each other, or the host fails.</exception>
    public static ValueTask CreateAsync(
        BlockStorage file, long sizeBytes, Qcow2CreateOptions options, BlockStorage? dataFile = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(file);
        ArgumentNullException.ThrowIfNull(options);
        return Qcow2Creation.RunAsync(file, sizeBytes, options, dataFile, cancellationToken);
    }
}
