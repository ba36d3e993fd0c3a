using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Eider.Storage.Backends.Http;
using Eider.Storage.Layers;

namespace Eider.Storage.Backends;

/// <summary>
/// A page of a server with a cache of it in a directory of this host: what was fetched once is not fetched again, also
/// not after a restart, as long as the server says by its ETag, or date and size, that the page is the same.
/// </summary>
public static class HttpDiskCache
{
    /// <summary>The size of a cache unless another is asked for: 4 GiB.</summary>
    public const long DefaultMaxBytes = 4L << 30;

    /// <summary>Opens a page with its cache.</summary>
    /// <remarks>
    /// There is one file for each address; credentials are not part of its name, nor in it. A server without ETag and
    /// Last-Modified is not cached, nor is a page whose cache another process has open: then this is an
    /// <see cref="HttpStorage"/>.
    /// </remarks>
    /// <param name="url">An absolute http or https address.</param>
    /// <param name="directory">Where the caches lie; it is made if it is missing.</param>
    /// <param name="maxBytes">Most bytes of content that are kept of this page.</param>
    /// <param name="options">Limits and patience with the server.</param>
    /// <param name="client">The caller's client, which stays open; null for an own one.</param>
    /// <param name="cancellationToken">Ends the attempt early.</param>
    /// <exception cref="BlockStorageException">The page cannot be opened, or the directory cannot be used.</exception>
    public static async ValueTask<BlockStorage> OpenAsync(
        Uri url, string directory, long maxBytes = DefaultMaxBytes, HttpStorageOptions? options = null, HttpClient? client = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(url);
        ArgumentException.ThrowIfNullOrEmpty(directory);
        var file = OpenFile(PathOf(url, directory));
        BlockStorage? http = null;
        try
        {
            var known = file == null ? null
                : Parse(await PersistentCacheStorage.ReadIdentityAsync(file, cancellationToken).ConfigureAwait(false));
            var page = await HttpStorage.OpenAsync(url, options, client, known, cancellationToken).ConfigureAwait(false);
            http = page;
            var identity = Text(page.Identity);
            if (file == null || identity == null)
            {
                if (file != null)
                {
                    await file.DisposeAsync().ConfigureAwait(false);
                }

                return page;
            }

            return await PersistentCacheStorage.OpenAsync(page, file, identity, maxBytes, cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            foreach (var storage in new[] { http, file })
            {
                if (storage != null)
                {
                    await storage.DisposeAsync().ConfigureAwait(false);
                }
            }

            throw;
        }
    }

    /// <summary>The file that holds the cache of an address.</summary>
    public static string PathOf(Uri url, string directory)
    {
        ArgumentNullException.ThrowIfNull(url);
        var address = new UriBuilder(url) { UserName = "", Password = "", Fragment = "" }.Uri.AbsoluteUri;
        return Path.Combine(directory, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(address)))[..32] + ".cache");
    }

    /// <summary>The file of a cache, locked against others; null if another has it.</summary>
    private static FileStorage? OpenFile(string path)
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            return File.Exists(path) ? FileStorage.Open(path) : FileStorage.Create(path, 0);
        }
        catch (BlockStorageException exception) when (exception.Kind == BlockErrorKind.Locked)
        {
            return null;
        }
        catch (Exception exception) when (exception is IOException and not BlockStorageException or UnauthorizedAccessException)
        {
            throw new BlockStorageException(
                BlockErrorKind.AccessDenied, BlockOperation.Open, path, null, $"{path}: the cache cannot be made: {exception.Message}", exception);
        }
    }

    private static string? Text(HttpIdentity identity)
    {
        var text = string.Create(CultureInfo.InvariantCulture, $"{identity.SizeBytes}\n{identity.EntityTag}\n{identity.LastModified}");
        return (identity.EntityTag ?? identity.LastModified) == null || identity.SizeBytes == 0
            || Encoding.UTF8.GetByteCount(text) > PersistentCacheLayout.MaxIdentityBytes ? null : text;
    }

    private static HttpIdentity? Parse(string? text) =>
        text?.Split('\n') is [var size, var tag, var date]
        && long.TryParse(size, NumberStyles.None, CultureInfo.InvariantCulture, out var bytes)
            ? new HttpIdentity(bytes, tag.Length == 0 ? null : tag, date.Length == 0 ? null : date)
            : null;
}
