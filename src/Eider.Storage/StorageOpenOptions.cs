using Eider.Storage.Backends;
using Eider.Storage.Formats;
using Eider.Storage.Layers;

namespace Eider.Storage;

/// <summary>How a location is opened.</summary>
public sealed record StorageOpenOptions
{
    /// <summary>The defaults: a raw image, read and written.</summary>
    public static StorageOpenOptions Default { get; } = new();

    /// <summary>True to refuse writes.</summary>
    public bool IsReadOnly { get; init; }

    /// <summary>The image's format by name, which is never guessed (<see cref="ImageFormats"/>).</summary>
    public string Format { get; init; } = "raw";

    /// <summary>How an image is opened that is not raw: which other files it may open, keys, memory.</summary>
    public ImageOpenOptions Image { get; init; } = ImageOpenOptions.Default;

    /// <summary>True to go round the host's page cache; files on Linux only.</summary>
    public bool IsDirect { get; init; }

    /// <summary>True to keep writes in memory and leave what lies below as it is.</summary>
    public bool IsOverlaid { get; init; }

    /// <summary>Most memory that an overlay may take, in bytes.</summary>
    public long OverlayMaxBytes { get; init; } = long.MaxValue;

    /// <summary>Where what is fetched from a server is kept over restarts; null for in memory only. Servers only.</summary>
    public string? CacheDirectory { get; init; }

    /// <summary>Most bytes that are kept there of one page.</summary>
    public long CacheMaxBytes { get; init; } = HttpDiskCache.DefaultMaxBytes;

    /// <summary>Layers that stand on the disk, the first one lowest, as text (<see cref="StorageLayers"/>).</summary>
    public IReadOnlyList<string> Layers { get; init; } = [];

    /// <summary>What the layers share with those of other disks; null for nothing, on the system's clock.</summary>
    public StorageLayerContext? LayerContext { get; init; }

    /// <summary>Who else may have a file open.</summary>
    public FileLocking Locking { get; init; }

    /// <summary>Limits and patience with servers.</summary>
    public HttpStorageOptions Http { get; init; } = HttpStorageOptions.Default;

    /// <summary>The caller's client for servers, which stays open; null for an own one.</summary>
    public HttpClient? HttpClient { get; init; }
}
