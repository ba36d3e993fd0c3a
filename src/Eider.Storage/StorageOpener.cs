using Eider.Storage.Backends;
using Eider.Storage.Formats;
using Eider.Storage.Layers;

namespace Eider.Storage;

/// <summary>Opens what a <see cref="StorageLocation"/> names.</summary>
public static class StorageOpener
{
    /// <summary>Opens a location as the user wrote it.</summary>
    /// <param name="location">For example <c>disk.img:ro</c>, <c>mem:64M</c> or <c>https://host/disk.img</c>.</param>
    /// <param name="options">How to open it.</param>
    /// <param name="cancellationToken">Ends the attempt early.</param>
    /// <exception cref="BlockStorageException">It is no location, or cannot be opened as asked.</exception>
    public static ValueTask<BlockStorage> OpenAsync(
        string location, StorageOpenOptions? options = null, CancellationToken cancellationToken = default) =>
        OpenAsync(StorageLocation.Parse(location), options, cancellationToken);

    /// <summary>Opens a location.</summary>
    /// <param name="location">Where the disk is.</param>
    /// <param name="options">How to open it.</param>
    /// <param name="cancellationToken">Ends the attempt early.</param>
    /// <exception cref="BlockStorageException">It cannot be opened as asked.</exception>
    public static async ValueTask<BlockStorage> OpenAsync(
        StorageLocation location, StorageOpenOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(location);
        options ??= StorageOpenOptions.Default;
        var format = ImageFormats.Get(options.Format, location.Text);
        if (options.IsDirect && location.Kind != StorageKind.File)
        {
            throw Refused(location, "direct I/O works on files only; open it without");
        }

        if (options.CacheDirectory != null && location.Kind != StorageKind.Http)
        {
            throw Refused(location, "a cache directory is for disks of servers; open it without");
        }

        foreach (var layer in options.Layers)
        {
            StorageLayers.Check(layer);
        }

        var isReadOnly = options.IsReadOnly || (location.IsReadOnly && !options.IsOverlaid);
        var isOverlaid = options.IsOverlaid && !isReadOnly;
        var file = await OpenBelowAsync(location, options, isReadOnly || isOverlaid, cancellationToken).ConfigureAwait(false);
        var storage = format == ImageFormats.Raw ? file
            : await OpenImageAsync(format, file, options, isReadOnly || isOverlaid, cancellationToken).ConfigureAwait(false);
        storage = isOverlaid ? new OverlayStorage(storage, options.OverlayMaxBytes) : storage;
        return options.Layers.Count == 0 ? storage : await StorageLayers.ApplyAsync(
            storage, options.Layers, options.LayerContext ?? new StorageLayerContext(TimeProvider.System), cancellationToken)
            .ConfigureAwait(false);
    }

    private static async ValueTask<BlockStorage> OpenImageAsync(
        ImageFormat format, BlockStorage file, StorageOpenOptions options, bool isReadOnly, CancellationToken cancellationToken)
    {
        try
        {
            var imageOptions = options.Image with
            {
                IsReadOnly = isReadOnly,
                IsDirect = options.IsDirect,
                Locking = options.Locking,
            };
            return await format.OpenAsync(file, imageOptions, cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            await file.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private static async ValueTask<BlockStorage> OpenBelowAsync(
        StorageLocation location, StorageOpenOptions options, bool isReadOnly, CancellationToken cancellationToken) =>
        location.Kind switch
        {
            StorageKind.Memory => new MemoryStorage(location.SizeBytes, location.Text, isReadOnly),
            StorageKind.Http when options.CacheDirectory is { } directory => await HttpDiskCache.OpenAsync(
                location.Url!, directory, options.CacheMaxBytes, options.Http, options.HttpClient, cancellationToken).ConfigureAwait(false),
            StorageKind.Http => await HttpStorage.OpenAsync(location.Url!, options.Http, options.HttpClient, cancellationToken)
                .ConfigureAwait(false),
            _ => FileStorage.Open(
                location.Path,
                new FileStorageOptions { IsReadOnly = isReadOnly, IsDirect = options.IsDirect, Locking = options.Locking }),
        };

    private static BlockStorageException Refused(StorageLocation location, string why) => new(
        BlockErrorKind.UnsupportedFeature, BlockOperation.Open, location.Text, null, $"{location.Text}: {why}");
}
