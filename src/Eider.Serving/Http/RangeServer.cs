using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Eider.Storage;
using Eider.Storage.Backends;

namespace Eider.Serving.Http;

/// <summary>
/// A small HTTP server whose pages are disks, read-only, with byte ranges (RFC 9110, 14): GET and HEAD, single
/// ranges, a strong ETag, If-Match, If-None-Match and If-Range. By default only this host can reach it.
/// </summary>
public sealed class RangeServer : IAsyncDisposable
{
    private const int PortAttempts = 20;

    private readonly HttpListener _listener;
    private readonly Dictionary<string, Page> _pages;
    private readonly RangeServerOptions _options;
    private readonly SemaphoreSlim _slots;
    private readonly CancellationTokenSource _closing = new();
    private readonly Task _accepting;
    private long _requests;
    private int _closed;

    private RangeServer(HttpListener listener, Uri root, Dictionary<string, Page> pages, RangeServerOptions options)
    {
        _listener = listener;
        _pages = pages;
        _options = options;
        _slots = new SemaphoreSlim(options.MaxConcurrentRequests);
        Root = root;
        _accepting = AcceptAsync();
    }

    /// <summary>The address that the pages lie under.</summary>
    public Uri Root { get; }

    /// <summary>The address of the only page, or of the first one by name.</summary>
    public Uri Address => AddressOf(_pages.Keys.Order(StringComparer.Ordinal).First());

    /// <summary>How many requests came until now.</summary>
    public long RequestCount => Interlocked.Read(ref _requests);

    /// <summary>Serves one raw image of this host; nobody may write it meanwhile.</summary>
    /// <param name="path">Where it is; its name becomes the page's.</param>
    /// <param name="options">Where to listen.</param>
    /// <param name="cancellationToken">Ends the attempt early.</param>
    /// <exception cref="BlockStorageException">The image cannot be opened, or the address not be listened on.</exception>
    public static async ValueTask<RangeServer> StartAsync(
        string path, RangeServerOptions? options = null, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var storage = FileStorage.Open(path, new FileStorageOptions { IsReadOnly = true });
        try
        {
            return Start(storage, Path.GetFileName(path), (options ?? RangeServerOptions.Default) with { LeaveOpen = false });
        }
        catch
        {
            await storage.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Serves one storage.</summary>
    /// <param name="storage">The disk; nobody may write it meanwhile.</param>
    /// <param name="name">The name of its page.</param>
    /// <param name="options">Where to listen.</param>
    /// <exception cref="BlockStorageException">The address cannot be listened on.</exception>
    public static RangeServer Start(BlockStorage storage, string name = "disk.img", RangeServerOptions? options = null) =>
        Start(new Dictionary<string, BlockStorage> { [name] = storage }, options);

    /// <summary>Serves several storages.</summary>
    /// <param name="storages">The disks by the names of their pages.</param>
    /// <param name="options">Where to listen.</param>
    /// <exception cref="BlockStorageException">The address cannot be listened on.</exception>
    /// <exception cref="ArgumentOutOfRangeException">No storage, or options that allow no request at all.</exception>
    public static RangeServer Start(IReadOnlyDictionary<string, BlockStorage> storages, RangeServerOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(storages);
        ArgumentOutOfRangeException.ThrowIfZero(storages.Count);
        options ??= RangeServerOptions.Default;
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxConcurrentRequests, 1);
        var started = options.TimeProvider.GetUtcNow().Ticks;
        var pages = storages.ToDictionary(
            storage => storage.Key,
            storage => new Page(
                storage.Value,
                string.Create(CultureInfo.InvariantCulture, $"\"{started:x}-{storage.Value.SizeBytes:x}\"")));
        var (listener, root) = Listen(options);
        return new RangeServer(listener, root, pages, options);
    }

    /// <summary>The address of a page.</summary>
    public Uri AddressOf(string name) => new(Root, Uri.EscapeDataString(name));

    /// <summary>Stops listening, ends what is under way and closes the storages unless told not to.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _closed, 1) != 0)
        {
            return;
        }

        await _closing.CancelAsync().ConfigureAwait(false);
        _listener.Close();
        await _accepting.ConfigureAwait(false);
        for (var slot = 0; slot < _options.MaxConcurrentRequests; slot++)
        {
            await _slots.WaitAsync().ConfigureAwait(false);
        }

        if (!_options.LeaveOpen)
        {
            foreach (var page in _pages.Values)
            {
                await page.Storage.DisposeAsync().ConfigureAwait(false);
            }
        }

        _slots.Dispose();
        _closing.Dispose();
    }

    private static (HttpListener Listener, Uri Root) Listen(RangeServerOptions options)
    {
        for (var attempt = 1; ; attempt++)
        {
            // The listener takes no port 0, so a free one is found first; somebody else may take it in between.
            var host = options.Address.AddressFamily == AddressFamily.InterNetworkV6 ? $"[{options.Address}]" : $"{options.Address}";
            var port = options.Port != 0 ? options.Port : FreePort(options.Address);
            var root = new Uri(string.Create(CultureInfo.InvariantCulture, $"http://{host}:{port}/"));
            var listener = new HttpListener { IgnoreWriteExceptions = true };
            listener.Prefixes.Add(root.AbsoluteUri);
            try
            {
                listener.Start();
                return (listener, root);
            }
            catch (Exception exception) when (exception is HttpListenerException or SocketException)
            {
                listener.Close();
                if (options.Port != 0 || attempt == PortAttempts)
                {
                    throw new BlockStorageException(
                        BlockErrorKind.Io, BlockOperation.Open, root.AbsoluteUri, null,
                        $"{root}: cannot listen there: {exception.Message}; choose another port", exception);
                }
            }
        }
    }

    private static int FreePort(IPAddress address)
    {
        using var probe = new TcpListener(address, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                await _slots.WaitAsync(_closing.Token).ConfigureAwait(false);
                HttpListenerContext context;
                try
                {
                    context = await _listener.GetContextAsync().ConfigureAwait(false);
                }
                catch
                {
                    _slots.Release();
                    throw;
                }

                Interlocked.Increment(ref _requests);
                _ = AnswerAsync(context);
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or HttpListenerException
            or ObjectDisposedException or InvalidOperationException)
        {
            // Closed: that is how the listener says it.
        }
    }

    private async Task AnswerAsync(HttpListenerContext context)
    {
        try
        {
            await new RangeReply(context, PageOf(context.Request)).SendAsync(_closing.Token).ConfigureAwait(false);
        }
        catch (Exception)
        {
            // A disk that failed or a client that left: a connection cut short is the one honest thing to say in the
            // middle of a body.
            context.Response.Abort();
        }
        finally
        {
            _slots.Release();
        }
    }

    private Page? PageOf(HttpListenerRequest request) =>
        request.Url is { } url ? _pages.GetValueOrDefault(Uri.UnescapeDataString(url.AbsolutePath[1..])) : null;

    /// <summary>A disk and its version.</summary>
    internal sealed record Page(BlockStorage Storage, string EntityTag);
}
