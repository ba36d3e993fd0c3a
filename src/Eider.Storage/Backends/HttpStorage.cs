using Eider.Storage.Backends.Http;

namespace Eider.Storage.Backends;

/// <summary>
/// A page of an HTTP or HTTPS server as a read-only disk, by range requests (RFC 9110, 14). Every reply is held
/// against size and validators of the first one: a server that errs or lies gives a
/// <see cref="BlockStorageException"/>, never wrong bytes.
/// </summary>
/// <remarks>
/// Content that changes on a server without ETag and Last-Modified while its size stays the same cannot be noticed.
/// A user and password in the address go to that host alone, and into no message.
/// </remarks>
public sealed class HttpStorage : BlockStorage
{
    private readonly HttpBlockCache _cache;

    private HttpStorage(string name, HttpIdentity identity, HttpBlockCache cache)
    {
        Name = name;
        SizeBytes = identity.SizeBytes;
        Identity = identity;
        _cache = cache;
    }

    /// <inheritdoc/>
    public override string Name { get; }

    /// <inheritdoc/>
    public override BlockGeometry Geometry { get; } = new() { IsReadOnly = true };

    /// <inheritdoc/>
    public override long SizeBytes { get; }

    /// <summary>The ETag that every reply must bear; null if the server sends none.</summary>
    public string? EntityTag => Identity.EntityTag;

    /// <summary>The version of the page that was opened.</summary>
    internal HttpIdentity Identity { get; }

    /// <summary>Opens a page.</summary>
    /// <param name="url">An absolute http or https address.</param>
    /// <param name="options">Limits and patience.</param>
    /// <param name="client">
    /// The caller's client, which stays open; it should neither follow redirections nor decompress. Null for an own one.
    /// </param>
    /// <param name="cancellationToken">Ends the attempt early.</param>
    /// <exception cref="BlockStorageException">
    /// The server cannot be reached, refuses, or has no byte ranges; the address is not http or https.
    /// </exception>
    public static ValueTask<HttpStorage> OpenAsync(
        Uri url, HttpStorageOptions? options = null, HttpClient? client = null, CancellationToken cancellationToken = default) =>
        OpenAsync(url, options, client, null, cancellationToken);

    /// <summary>The same; a server that still has the version that is known sends no byte.</summary>
    internal static async ValueTask<HttpStorage> OpenAsync(
        Uri url, HttpStorageOptions? options, HttpClient? client, HttpIdentity? known, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(url);
        options ??= HttpStorageOptions.Default;
        ThrowIfUnusable(options);
        if (!url.IsAbsoluteUri || (url.Scheme != Uri.UriSchemeHttp && url.Scheme != Uri.UriSchemeHttps))
        {
            throw new BlockStorageException(
                BlockErrorKind.Protocol, BlockOperation.Open, url.OriginalString, null,
                $"{url.OriginalString}: not an address; expected http:// or https:// and a host");
        }

        var name = url.GetComponents(UriComponents.HttpRequestUrl, UriFormat.UriEscaped);
        var reader = new HttpRangeReader(url, name, client ?? HttpRangeReader.NewClient(options), client == null, options);
        try
        {
            var identity = await reader.IdentifyAsync(known, cancellationToken).ConfigureAwait(false);
            return new HttpStorage(name, identity, new HttpBlockCache(reader, identity, options, name));
        }
        catch
        {
            reader.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    protected override ValueTask<BlockResult> ReadCoreAsync(
        long offsetBytes, BufferList buffers, CancellationToken cancellationToken) =>
        _cache.ReadAsync(offsetBytes, buffers, cancellationToken);

    /// <inheritdoc/>
    protected override ValueTask<BlockResult> WriteCoreAsync(
        long offsetBytes, BufferList buffers, CancellationToken cancellationToken) =>
        ValueTask.FromResult(BlockResult.ReadOnly);

    /// <inheritdoc/>
    protected override ValueTask<BlockResult> FlushCoreAsync(CancellationToken cancellationToken) =>
        ValueTask.FromResult(BlockResult.Ok);

    /// <inheritdoc/>
    protected override ValueTask<BlockResult> WriteZeroesCoreAsync(
        long offsetBytes, long lengthBytes, bool mayUnmap, CancellationToken cancellationToken) =>
        ValueTask.FromResult(BlockResult.ReadOnly);

    /// <inheritdoc/>
    protected override async ValueTask DisposeCoreAsync()
    {
        await _cache.DisposeAsync().ConfigureAwait(false);
        await base.DisposeCoreAsync().ConfigureAwait(false);
    }

    private static void ThrowIfUnusable(HttpStorageOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.CacheBytes, 1L << 20);
        ArgumentOutOfRangeException.ThrowIfNegative(options.ReadAheadBytes);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxConcurrentRequests, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxAttempts, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(options.MaxRedirects);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.AttemptTimeout, TimeSpan.FromMilliseconds(10));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.AttemptTimeout, TimeSpan.FromHours(1));
        ArgumentOutOfRangeException.ThrowIfLessThan(options.RetryDelay, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxRetryDelay, options.RetryDelay);
    }
}
