using System.Net;
using Eider.Storage.Backends;
using Eider.Storage.Backends.Http;
using Eider.Testing.Hardware;
using Eider.Testing.Storage;

namespace Eider.Storage.Tests.Backends;

public sealed class HttpStorageConformance : BlockStorageConformance, IAsyncDisposable
{
    private readonly List<RawHttpServer> _servers = [];

    protected override bool IsReadOnly => true;

    protected override ValueTask<BlockStorage> CreateAsync(byte[] content) =>
        OpenAsync(content, exchange => exchange.HonestAsync());

    protected override ValueTask<BlockStorage> CreateFaultyAsync(byte[] content, int seed) => OpenAsync(
        content,
        exchange =>
        {
            switch (exchange.Number % (5 + (seed % 3)))
            {
                case 1:
                    exchange.Reset();
                    return Task.CompletedTask;
                case 3:
                    return exchange.SendAsync("500 Internal Server Error", default, "Content-Length: 0");
                case 4 when exchange.Part.Length > 1:
                    return exchange.PartialAsync(exchange.RangeText, new byte[exchange.Part.Length - 1]);
                default:
                    return exchange.HonestAsync();
            }
        });

    public async ValueTask DisposeAsync()
    {
        foreach (var server in _servers)
        {
            await server.DisposeAsync();
        }
    }

    private async ValueTask<BlockStorage> OpenAsync(byte[] content, Func<RawHttpExchange, Task> reply)
    {
        _servers.Add(new RawHttpServer(content, reply));
        return await HttpStorage.OpenAsync(
            _servers[^1].Url,
            new HttpStorageOptions { CacheBytes = 1 << 20, MaxAttempts = 2, RetryDelay = TimeSpan.FromMilliseconds(1) });
    }
}

public sealed class HttpStorageTests
{
    // Few attempts, quickly one after the other. The time-out is out of reach: a busy machine must not look like a server that hangs.
    private static readonly HttpStorageOptions Impatient = new()
    {
        AttemptTimeout = TimeSpan.FromMinutes(10),
        MaxAttempts = 3,
        RetryDelay = TimeSpan.FromMilliseconds(1),
        MaxRetryDelay = TimeSpan.FromMilliseconds(20),
        CacheBytes = 1 << 20,
    };

    // Reset at each byte of head and body, from the first to the last.
    [Fact]
    public async Task A_reset_at_any_byte_is_continued_on_another_connection()
    {
        var content = Content(2000);
        var cut = 0;
        await using var server = new RawHttpServer(content, async exchange =>
        {
            if (exchange.Number % 2 == 0)
            {
                await exchange.HonestAsync();
                return;
            }

            var reply = $"HTTP/1.1 206 Partial Content\r\nETag: {RawHttpExchange.Tag}\r\n"
                + $"Content-Range: {exchange.RangeText}\r\nContent-Length: {exchange.Part.Length}\r\n\r\n";
            byte[] whole = [.. System.Text.Encoding.Latin1.GetBytes(reply), .. exchange.Part.Span];
            await exchange.WriteAsync(whole.AsMemory(0, cut % whole.Length));
            exchange.Reset();
        });
        for (cut = 0; cut < 2100; cut += cut < 200 ? 7 : 311)
        {
            await using var storage = await HttpStorage.OpenAsync(server.Url, Impatient with { MaxAttempts = 6 });
            var read = new byte[content.Length];
            Assert.Equal(BlockResult.Ok, await storage.ReadAsync(0, read));
            Assert.Equal(content, read);
        }
    }

    // Found by the fuzzer "http-replies": what came was not kept, and the failure said that the storage was closed.
    [Fact]
    public async Task A_body_that_is_whole_but_never_ends_gives_its_bytes_when_time_is_up()
    {
        var clock = new ManualClock();
        var content = Content(1000);
        var body = new EndlessBody(content);
        using var client = new HttpClient(new FakeHandler(request =>
        {
            var range = request.Headers.Range!.Ranges.First();
            var reply = new HttpResponseMessage(HttpStatusCode.PartialContent)
            {
                RequestMessage = request,
                Content = range.To == 0 ? new ByteArrayContent(content[..1]) : new StreamContent(body),
            };
            reply.Content.Headers.ContentRange = new(range.From!.Value, range.To!.Value, content.Length);
            return reply;
        }));
        await using var storage = await HttpStorage.OpenAsync(
            new Uri("http://example.org/disk"), Impatient with { RetryDelay = TimeSpan.Zero, TimeProvider = clock }, client);
        var read = new byte[content.Length];
        var reading = storage.ReadAsync(0, read).AsTask();
        await body.AllWasRead.WaitAsync(TimeSpan.FromMinutes(2));
        clock.Advance(Impatient.AttemptTimeout);
        Assert.Equal(BlockResult.Ok, await reading.WaitAsync(TimeSpan.FromMinutes(2)));
        Assert.Equal(content, read);
    }

    // Found by the fuzzer "http-replies".
    [Theory]
    [InlineData(0)]
    [InlineData(long.MaxValue - 1000)]
    public async Task A_page_of_the_largest_size_there_is_can_be_read_at_both_ends(long offset)
    {
        using var client = new HttpClient(new FakeHandler(request =>
        {
            var range = request.Headers.Range!.Ranges.First();
            var reply = new HttpResponseMessage(HttpStatusCode.PartialContent)
            {
                RequestMessage = request,
                Content = new ByteArrayContent([.. Enumerable.Repeat((byte)7, (int)(range.To!.Value - range.From!.Value + 1))]),
            };
            reply.Content.Headers.ContentRange = new(range.From.Value, range.To.Value, long.MaxValue);
            return reply;
        }));
        await using var storage = await HttpStorage.OpenAsync(new Uri("http://example.org/disk"), Impatient, client);
        var read = new byte[1000];
        Assert.Equal(BlockResult.Ok, await storage.ReadAsync(offset, read));
        Assert.DoesNotContain(read, value => value != 7);
    }

    [Fact]
    public async Task Without_an_ETag_a_changed_date_is_noticed()
    {
        await using var server = new RawHttpServer(Content(1000), exchange => exchange.PartialAsync(
            exchange.RangeText, exchange.Part, null,
            $"Last-Modified: Sat, 21 Nov 2026 10:0{exchange.Number}:00 GMT"));
        await using var storage = await HttpStorage.OpenAsync(server.Url, Impatient);
        var failure = await Assert.ThrowsAsync<BlockStorageException>(async () => await storage.ReadAsync(0, new byte[10]));
        Assert.Equal(BlockErrorKind.Changed, failure.Kind);
    }

    [Fact]
    public async Task Asks_by_GET_only_with_a_range_without_encodings_and_with_If_Range()
    {
        var heads = new List<string>();
        await using var server = new RawHttpServer(Content(300_000), exchange =>
        {
            lock (heads)
            {
                heads.Add(exchange.Head);
            }

            return exchange.HonestAsync();
        });
        await using var storage = await HttpStorage.OpenAsync(server.Url);
        Assert.Equal(BlockResult.Ok, await storage.ReadAsync(100_000, new byte[10]));
        Assert.All(heads, head => Assert.StartsWith("GET ", head, StringComparison.Ordinal));
        Assert.All(heads, head => Assert.Contains("Accept-Encoding: identity\r\n", head, StringComparison.Ordinal));
        Assert.Contains($"If-Range: {RawHttpExchange.Tag}\r\n", heads[^1], StringComparison.Ordinal);
        Assert.Contains("Range: bytes=65536-131071\r\n", heads[^1], StringComparison.Ordinal);
        Assert.Equal(RawHttpExchange.Tag, storage.EntityTag);
        Assert.Equal(300_000, storage.SizeBytes);
    }

    // The size is asked for once, not with each look at the device's configuration.
    [Fact]
    public async Task Size_and_repeated_reads_ask_the_server_nothing()
    {
        await using var server = new RawHttpServer(Content(100_000), exchange => exchange.HonestAsync());
        await using var storage = await HttpStorage.OpenAsync(server.Url);
        Assert.Equal(BlockResult.Ok, await storage.ReadAsync(0, new byte[512]));
        var asked = server.RequestCount;
        for (var step = 0; step < 50; step++)
        {
            Assert.Equal(100_000, storage.SizeBytes);
            Assert.Equal(BlockResult.Ok, await storage.ReadAsync(step * 512, new byte[512]));
            Assert.Equal(BlockResult.Ok, await storage.ReadAsync(100, default));
        }

        Assert.InRange(server.RequestCount - asked, 0, 1);
    }

    [Fact]
    public async Task Neighbouring_and_overlapping_requests_share_replies()
    {
        var gate = new TaskCompletionSource();
        await using var server = new RawHttpServer(Content(3 << 20), async exchange =>
        {
            if (exchange.Number > 0)
            {
                await gate.Task;
            }

            await exchange.HonestAsync();
        });
        await using var storage = await HttpStorage.OpenAsync(
            server.Url, new HttpStorageOptions { MaxConcurrentRequests = 1, ReadAheadBytes = 0 });
        var reads = Enumerable.Range(0, 30)
            .Select(step => storage.ReadAsync(step * 20_000, new byte[40_000]).AsTask()).ToArray();
        gate.SetResult();
        await Task.WhenAll(reads);

        // One for the size, one for the first request, one for all that gathered meanwhile.
        Assert.Equal(3, server.RequestCount);
    }

    [Fact]
    public async Task A_sequential_reader_is_read_ahead_of()
    {
        var content = Content(4 << 20);
        await using var server = new RawHttpServer(content, exchange => exchange.HonestAsync());
        await using var storage = await HttpStorage.OpenAsync(server.Url);
        var read = new byte[4096];
        for (var offset = 0; offset < content.Length; offset += read.Length)
        {
            Assert.Equal(BlockResult.Ok, await storage.ReadAsync(offset, read));
            Assert.True(content.AsSpan(offset, read.Length).SequenceEqual(read), "wrong bytes");
        }

        // 64 blocks: far fewer requests than that.
        Assert.InRange(server.RequestCount, 4, 25);
    }

    [Fact]
    public async Task Memory_stays_within_its_limit_whatever_is_read()
    {
        const long Limit = 6 << 20;
        var content = Content(16 << 20);
        await using var server = new RawHttpServer(content, exchange => exchange.HonestAsync());
        var growth = long.MaxValue;
        for (var attempt = 0; attempt < 5 && growth > Limit; attempt++) // what other tests keep meanwhile is in it, too; what a storage keeps shows every time
        {
            var before = GC.GetTotalMemory(forceFullCollection: true);
            await using var storage = await HttpStorage.OpenAsync(server.Url, new HttpStorageOptions { CacheBytes = 1 << 20 });
            await ReadAllOverAsync(storage, content);
            growth = GC.GetTotalMemory(forceFullCollection: true) - before;
        }

        Assert.InRange(growth, long.MinValue, Limit);
    }

    private static Task ReadAllOverAsync(HttpStorage storage, byte[] content) =>
        Task.WhenAll(Enumerable.Range(0, 32).Select(async reader =>
        {
            var read = new byte[100_000];
            for (var step = 0; step < 10; step++)
            {
                var offset = (int)(((reader * 7_919_111L) + (step * 1_234_567L)) % (content.Length - read.Length));
                Assert.Equal(BlockResult.Ok, await storage.ReadAsync(offset, read));
                Assert.True(content.AsSpan(offset, read.Length).SequenceEqual(read), "wrong bytes");
            }
        }));

    [Fact]
    public async Task A_reader_that_is_cancelled_leaves_at_once_and_harms_no_other()
    {
        var gate = new TaskCompletionSource();
        var content = Content(100_000);
        await using var server = new RawHttpServer(content, async exchange =>
        {
            if (exchange.Number > 0)
            {
                await gate.Task;
            }

            await exchange.HonestAsync();
        });
        await using var storage = await HttpStorage.OpenAsync(server.Url);
        using var source = new CancellationTokenSource();
        var abandoned = storage.ReadAsync(0, new byte[512], source.Token);
        var read = new byte[512];
        var other = storage.ReadAsync(0, read);
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await abandoned);
        gate.SetResult();
        Assert.Equal(BlockResult.Ok, await other);
        Assert.Equal(content[..512], read);
    }

    [Fact]
    public async Task Closing_ends_requests_that_the_server_never_answers()
    {
        await using var server = new RawHttpServer(
            Content(1000), exchange => exchange.Number == 0 ? exchange.HonestAsync() : exchange.HangAsync());
        var storage = await HttpStorage.OpenAsync(server.Url);
        var request = storage.ReadAsync(0, new byte[10]).AsTask();
        await storage.DisposeAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(20));
        var failure = await Assert.ThrowsAsync<BlockStorageException>(() => request);
        Assert.Equal(BlockErrorKind.Closed, failure.Kind);
    }

    [Theory]
    [InlineData("200 OK", "Content-Length: 0")]
    [InlineData("416 Range Not Satisfiable", "Content-Range: bytes */0")]
    public async Task An_empty_page_is_an_empty_disk(string status, string header)
    {
        await using var server = new RawHttpServer(
            [], exchange => exchange.SendAsync(status, default, [.. new[] { "Content-Length: 0", header }.Distinct()]));
        await using var storage = await HttpStorage.OpenAsync(server.Url, Impatient);
        Assert.Equal(0, storage.SizeBytes);
        Assert.Equal(BlockResult.OutOfRange, await storage.ReadAsync(0, new byte[1]));
    }

    [Fact]
    public async Task Credentials_go_to_their_host_alone_and_into_no_message()
    {
        var seen = new List<string?>();
        await using var target = new RawHttpServer(Content(1000), exchange =>
        {
            seen.Add(exchange.HeaderOf("Authorization"));
            return exchange.HonestAsync();
        });
        var atHome = new List<string?>();
        await using var server = new RawHttpServer(Content(1000), exchange =>
        {
            atHome.Add(exchange.HeaderOf("Authorization"));
            return exchange.SendAsync("302 Found", default, "Content-Length: 0", $"Location: {target.Url}");
        });
        var url = new UriBuilder(server.Url) { UserName = "user", Password = "secret" }.Uri;
        await using var storage = await HttpStorage.OpenAsync(url, Impatient);
        Assert.Equal(BlockResult.Ok, await storage.ReadAsync(0, new byte[10]));
        Assert.All(atHome, header => Assert.Equal("Basic dXNlcjpzZWNyZXQ=", header));
        Assert.NotEmpty(seen);
        Assert.All(seen, Assert.Null);
        Assert.DoesNotContain("secret", storage.Name, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("https://example.org/a", "http://example.org/b", "https to http")]
    [InlineData("http://example.org/a", "http://169.254.169.254/latest", "address of this host or link")]
    [InlineData("http://example.org/a", "http://127.0.0.1/b", "address of this host or link")]
    [InlineData("http://example.org/a", "http://[::1]/b", "address of this host or link")]
    [InlineData("http://example.org/a", "http://localhost/b", "address of this host or link")]
    [InlineData("http://example.org/a", "http://[::ffff:127.0.0.1]/b", "address of this host or link")]
    [InlineData("http://example.org/a", "ftp://example.org/b", "neither http nor https")]
    [InlineData("https://example.org/a", "https://example.org/a", "redirections")]
    public async Task A_redirection_against_the_rules_is_refused(string from, string target, string why)
    {
        using var client = new HttpClient(new FakeHandler(request =>
        {
            var reply = new HttpResponseMessage(HttpStatusCode.Found) { RequestMessage = request };
            reply.Headers.Location = new Uri(target);
            return reply;
        }));
        var failure = await Assert.ThrowsAsync<BlockStorageException>(
            async () => await HttpStorage.OpenAsync(new Uri(from), Impatient, client));
        Assert.Equal(BlockErrorKind.Protocol, failure.Kind);
        Assert.Contains(why, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_client_that_follows_redirections_itself_may_not_leave_https()
    {
        using var client = new HttpClient(new FakeHandler(request =>
        {
            request.RequestUri = new Uri("http://example.org/b");
            return new HttpResponseMessage(HttpStatusCode.PartialContent) { RequestMessage = request };
        }));
        await Assert.ThrowsAsync<BlockStorageException>(
            async () => await HttpStorage.OpenAsync(new Uri("https://example.org/a"), Impatient, client));
    }

    [Fact]
    public async Task A_clients_own_credentials_are_not_carried_to_another_host()
    {
        using var client = new HttpClient(new FakeHandler(request =>
        {
            var reply = new HttpResponseMessage(HttpStatusCode.Found) { RequestMessage = request };
            reply.Headers.Location = new Uri("https://elsewhere.example.org/");
            return reply;
        }));
        client.DefaultRequestHeaders.Add("Authorization", "Bearer secret");
        var failure = await Assert.ThrowsAsync<BlockStorageException>(
            async () => await HttpStorage.OpenAsync(new Uri("https://example.org/a"), Impatient, client));
        Assert.Contains("credentials", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_handler_that_throws_is_a_failure_of_the_request_and_not_a_hang()
    {
        var content = Content(1000);
        await using var server = new RawHttpServer(content, exchange => exchange.HonestAsync());
        var requests = 0;
        using var client = new HttpClient(new FakeHandler(
            _ => throw new InvalidOperationException("mine"), new SocketsHttpHandler(), () => requests++ == 0));
        await using var storage = await HttpStorage.OpenAsync(server.Url, Impatient, client);
        await Assert.ThrowsAsync<BlockStorageException>(
            async () => await storage.ReadAsync(0, new byte[10]).AsTask().WaitAsync(TimeSpan.FromSeconds(20)));
    }

    [Theory]
    [InlineData("ftp://example.org/a")]
    [InlineData("file:///etc/passwd")]
    public async Task Only_http_and_https_are_opened(string url) => Assert.Equal(
        BlockErrorKind.Protocol,
        (await Assert.ThrowsAsync<BlockStorageException>(async () => await HttpStorage.OpenAsync(new Uri(url)))).Kind);

    [Fact]
    public async Task A_server_that_is_not_there_is_said_so_with_its_address()
    {
        Uri url;
        await using (var server = new RawHttpServer([], exchange => exchange.HangAsync()))
        {
            url = server.Url;
        }

        var failure = await Assert.ThrowsAsync<BlockStorageException>(async () => await HttpStorage.OpenAsync(url, Impatient));
        Assert.Equal(BlockErrorKind.Io, failure.Kind);
        Assert.Contains(url.Authority, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Weak_tags_do_not_go_into_If_Range()
    {
        Assert.True(new HttpIdentity(1, "\"a\"", null).HasStrongTag);
        Assert.False(new HttpIdentity(1, "W/\"a\"", null).HasStrongTag);
        Assert.False(new HttpIdentity(1, null, null).HasStrongTag);
    }

    private static byte[] Content(int length)
    {
        var content = new byte[length];
        new Random(length).NextBytes(content);
        return content;
    }

    private sealed class EndlessBody(byte[] content) : MemoryStream(content)
    {
        private readonly TaskCompletionSource _allWasRead = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task AllWasRead => _allWasRead.Task;

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (Position == Length)
            {
                _allWasRead.TrySetResult();
                await Task.Delay(Timeout.Infinite, cancellationToken);
            }

            return await base.ReadAsync(buffer, cancellationToken);
        }
    }

    private sealed class FakeHandler : DelegatingHandler
    {
        private readonly Func<HttpRequestMessage, HttpResponseMessage> _reply;
        private readonly Func<bool> _passes;

        public FakeHandler(
            Func<HttpRequestMessage, HttpResponseMessage> reply, HttpMessageHandler? inner = null, Func<bool>? passes = null)
            : base(inner ?? new SocketsHttpHandler())
        {
            _reply = reply;
            _passes = passes ?? (() => false);
        }

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            _passes() ? base.SendAsync(request, cancellationToken) : Task.FromResult(_reply(request));
    }
}
