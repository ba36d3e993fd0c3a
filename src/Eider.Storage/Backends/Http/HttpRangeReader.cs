using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Polly;
using Polly.Retry;
using Polly.Timeout;

namespace Eider.Storage.Backends.Http;

/// <summary>
/// Reads ranges of one page: follows redirections by the rules, checks each reply, continues short bodies, tries
/// again with growing pauses.
/// </summary>
internal sealed class HttpRangeReader : IDisposable
{
    private readonly Uri _url;
    private readonly string _name;
    private readonly HttpClient _client;
    private readonly bool _ownsClient;
    private readonly HttpStorageOptions _options;
    private readonly HttpReplies _replies;
    private readonly ResiliencePipeline _pipeline;
    private readonly AuthenticationHeaderValue? _credentials;

    // Where redirections led to; null to begin at the address that the user gave.
    private Uri? _redirected;

    public HttpRangeReader(Uri url, string name, HttpClient client, bool ownsClient, HttpStorageOptions options)
    {
        _credentials = url.UserInfo.Length > 0
            ? new AuthenticationHeaderValue(
                "Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes(Uri.UnescapeDataString(url.UserInfo))))
            : null;
        _url = new UriBuilder(url) { UserName = "", Password = "", Fragment = "" }.Uri;
        _name = name;
        _client = client;
        _ownsClient = ownsClient;
        _options = options;
        _replies = new HttpReplies(name);
        _pipeline = PipelineOf(options);
    }

    /// <summary>A client as it should be for disks: no cookies, no decompression, no redirections of its own.</summary>
    public static HttpClient NewClient(HttpStorageOptions options) => new(
        new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None,
            UseCookies = false,
            ConnectTimeout = options.AttemptTimeout,
            MaxConnectionsPerServer = options.MaxConcurrentRequests,
            MaxResponseHeadersLength = 64,
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
        },
        disposeHandler: true)
    {
        Timeout = Timeout.InfiniteTimeSpan,
    };

    /// <summary>
    /// Asks for the first byte to learn size and validators. With a version that is known already, a server that still
    /// has it says so without a byte (RFC 9110, 13.1.2 and 15.4.5: If-None-Match goes before Range).
    /// </summary>
    public async ValueTask<HttpIdentity> IdentifyAsync(HttpIdentity? known, CancellationToken cancellationToken)
    {
        try
        {
            return await RunAsync(
                BlockOperation.Open,
                async (reader, token) =>
                {
                    using var reply = await reader.SendAsync(0, 0, null, token, known?.EntityTag).ConfigureAwait(false);
                    return known?.EntityTag != null && reply.StatusCode == HttpStatusCode.NotModified
                        ? reader._replies.Confirm(reply, known)
                        : reader._replies.Identify(reply);
                },
                this,
                null,
                cancellationToken).ConfigureAwait(false);
        }
        catch (BlockStorageException exception) when (exception.Operation != BlockOperation.Open)
        {
            throw new BlockStorageException(
                exception.Kind, BlockOperation.Open, exception.Path, null, exception.Message, exception);
        }
    }

    /// <summary>Reads a range into a sink, wholly or with an exception; what came before a failure is in the sink.</summary>
    public async ValueTask ReadAsync(
        HttpIdentity identity, long offsetBytes, long lengthBytes, IRangeSink sink, CancellationToken cancellationToken)
    {
        var progress = new Progress { NextBytes = offsetBytes, EndBytes = offsetBytes + lengthBytes };
        await RunAsync(
            BlockOperation.Read,
            async (state, token) =>
            {
                // A short reply that was right as far as it went is continued at once; each one moves on.
                while (progress.NextBytes < progress.EndBytes)
                {
                    await AttemptAsync(identity, progress, state, token).ConfigureAwait(false);
                }

                // A connection that broke behind the last byte leaves nothing to ask for again: what came is right.
                state.Commit();
                return true;
            },
            sink,
            offsetBytes,
            cancellationToken).ConfigureAwait(false);
    }

    public void Dispose()
    {
        if (_ownsClient)
        {
            _client.Dispose();
        }
    }

    private static ResiliencePipeline PipelineOf(HttpStorageOptions options)
    {
        var builder = new ResiliencePipelineBuilder { TimeProvider = options.TimeProvider };
        if (options.MaxAttempts > 1)
        {
            builder.AddRetry(new RetryStrategyOptions
            {
                MaxRetryAttempts = options.MaxAttempts - 1,
                BackoffType = DelayBackoffType.Exponential,
                Delay = options.RetryDelay,
                MaxDelay = options.MaxRetryDelay,
                ShouldHandle = new PredicateBuilder().Handle<TransientHttpException>().Handle<TimeoutRejectedException>(),
                DelayGenerator = arguments => ValueTask.FromResult(
                    arguments.Outcome.Exception is TransientHttpException { RetryAfter: { } asked } && asked >= TimeSpan.Zero
                        ? asked < options.MaxRetryDelay ? asked : options.MaxRetryDelay
                        : (TimeSpan?)null),
            });
        }

        return builder.AddTimeout(options.AttemptTimeout).Build();
    }

    private async ValueTask<TResult> RunAsync<TState, TResult>(
        BlockOperation operation,
        Func<TState, CancellationToken, ValueTask<TResult>> attempt,
        TState state,
        long? offsetBytes,
        CancellationToken cancellationToken)
    {
        try
        {
            return await _pipeline.ExecuteAsync(
                async (argument, token) =>
                {
                    try
                    {
                        return await attempt(argument, token).ConfigureAwait(false);
                    }
                    catch (Exception exception) when (exception is HttpRequestException or IOException and not BlockStorageException)
                    {
                        throw Translate(exception, operation, offsetBytes);
                    }
                    catch (OperationCanceledException exception) when (!token.IsCancellationRequested)
                    {
                        // The time limit of a client that the caller made.
                        throw new TransientHttpException(BlockErrorKind.TimedOut, $"{_name}: no answer in time", cause: exception);
                    }
                },
                state,
                cancellationToken).ConfigureAwait(false);
        }
        catch (TransientHttpException exception)
        {
            throw new BlockStorageException(
                exception.Kind, operation, _name, offsetBytes,
                $"{exception.Message}; gave up after {_options.MaxAttempts} attempts", exception);
        }
        catch (TimeoutRejectedException exception)
        {
            throw new BlockStorageException(
                BlockErrorKind.TimedOut, operation, _name, offsetBytes,
                $"{_name}: no whole answer within {_options.AttemptTimeout.TotalSeconds:0.###} s; "
                + $"gave up after {_options.MaxAttempts} attempts",
                exception);
        }
    }

    private async ValueTask AttemptAsync(HttpIdentity identity, Progress progress, IRangeSink sink, CancellationToken cancellationToken)
    {
        var first = progress.NextBytes;
        using var reply = await SendAsync(first, progress.EndBytes - 1, identity, cancellationToken).ConfigureAwait(false);
        var expected = _replies.Check(reply, identity, first, progress.EndBytes - first);
        var stream = await reply.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        await using (stream.ConfigureAwait(false))
        {
            while (expected > 0)
            {
                var free = sink.Free;
                var count = await stream.ReadAsync(free[..(int)Math.Min(free.Length, expected)], cancellationToken).ConfigureAwait(false);
                if (count == 0)
                {
                    throw new TransientHttpException(
                        BlockErrorKind.Io, $"{_name}: the body ends {expected} bytes early, at offset {progress.NextBytes}");
                }

                sink.Advance(count);
                progress.NextBytes += count;
                expected -= count;
            }

            await ThrowIfLongerAsync(stream, progress.NextBytes, cancellationToken).ConfigureAwait(false);
            sink.Commit();
        }
    }

    private async ValueTask ThrowIfLongerAsync(Stream stream, long offsetBytes, CancellationToken cancellationToken)
    {
        var extra = new byte[1];
        if (await stream.ReadAsync(extra, cancellationToken).ConfigureAwait(false) != 0)
        {
            throw _replies.Broken(offsetBytes, "the body is longer than its Content-Range says");
        }
    }

    private async ValueTask<HttpResponseMessage> SendAsync(
        long first, long last, HttpIdentity? identity, CancellationToken cancellationToken, string? knownTag = null)
    {
        var start = Volatile.Read(ref _redirected);
        var target = start ?? _url;
        for (var hops = 0; hops <= _options.MaxRedirects; hops++)
        {
            using var request = RequestOf(target, first, last, identity);
            if (knownTag != null)
            {
                request.Headers.TryAddWithoutValidation("If-None-Match", knownTag);
            }

            var reply = await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken)
                .ConfigureAwait(false);
            try
            {
                ThrowIfClientWentAstray(reply, target, first);
                if (!HttpRedirects.IsRedirect(reply.StatusCode))
                {
                    ForgetStaleRedirection(reply, start, first);
                    Volatile.Write(ref _redirected, hops > 0 ? target : start);
                    return reply;
                }

                target = NextOf(reply, target, first);
            }
            catch
            {
                reply.Dispose();
                throw;
            }

            reply.Dispose();
        }

        throw _replies.Broken(first, $"more than {_options.MaxRedirects} redirections");
    }

    private HttpRequestMessage RequestOf(Uri target, long first, long last, HttpIdentity? identity)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, target);
        request.Headers.Range = new RangeHeaderValue(first, last);
        request.Headers.AcceptEncoding.Add(new StringWithQualityHeaderValue("identity"));
        if (identity is { HasStrongTag: true })
        {
            request.Headers.TryAddWithoutValidation("If-Range", identity.EntityTag);
        }

        // Credentials stay with the host that the user gave them for.
        if (_credentials != null && HttpRedirects.IsSameOrigin(target, _url))
        {
            request.Headers.Authorization = _credentials;
        }

        return request;
    }

    private Uri NextOf(HttpResponseMessage reply, Uri from, long offsetBytes)
    {
        if (reply.Headers.Location is not { } location)
        {
            throw _replies.Broken(offsetBytes, $"status {(int)reply.StatusCode} without a valid Location");
        }

        var target = location.IsAbsoluteUri ? location : new Uri(from, location);
        if (HttpRedirects.Refusal(from, target) is { } refusal)
        {
            throw _replies.Broken(offsetBytes, refusal);
        }

        var defaults = _client.DefaultRequestHeaders;
        if (!HttpRedirects.IsSameOrigin(_url, target) && (defaults.Authorization != null || defaults.Contains("Cookie")))
        {
            throw _replies.Broken(offsetBytes, $"redirected to {target.Host}, which must not get the client's credentials");
        }

        return new UriBuilder(target) { UserName = "", Password = "", Fragment = "" }.Uri;
    }

    /// <summary>A client that the caller made may follow redirections itself; where it came to must be allowed too.</summary>
    private void ThrowIfClientWentAstray(HttpResponseMessage reply, Uri target, long offsetBytes)
    {
        if (reply.RequestMessage?.RequestUri is { } end && end != target && HttpRedirects.Refusal(target, end) is { } refusal)
        {
            throw _replies.Broken(offsetBytes, refusal);
        }
    }

    /// <summary>What a redirection led to may be valid for a while only: then begin at the start once more.</summary>
    private void ForgetStaleRedirection(HttpResponseMessage reply, Uri? start, long offsetBytes)
    {
        var isGone = reply.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden
            or HttpStatusCode.NotFound or HttpStatusCode.Gone;
        if (start != null && isGone)
        {
            Interlocked.CompareExchange(ref _redirected, null, start);
            throw new TransientHttpException(
                BlockErrorKind.NotFound, $"{_name}: the redirection at offset {offsetBytes} ran out ({(int)reply.StatusCode})");
        }
    }

    private Exception Translate(Exception exception, BlockOperation operation, long? offsetBytes)
    {
        var error = (exception as HttpRequestException)?.HttpRequestError ?? (exception as HttpIOException)?.HttpRequestError;
        var message = $"{_name}: {exception.Message}";
        return error switch
        {
            HttpRequestError.SecureConnectionError or HttpRequestError.ConfigurationLimitExceeded
                or HttpRequestError.UserAuthenticationError or HttpRequestError.ProxyTunnelError =>
                new BlockStorageException(BlockErrorKind.Protocol, operation, _name, offsetBytes, message, exception),
            HttpRequestError.InvalidResponse =>
                new TransientHttpException(BlockErrorKind.Protocol, message, cause: exception),
            _ => new TransientHttpException(BlockErrorKind.Io, message, cause: exception),
        };
    }

    private sealed class Progress
    {
        public long NextBytes { get; set; }

        public long EndBytes { get; init; }
    }
}
