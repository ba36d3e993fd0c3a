using System.Net;
using Eider.Serving.Http;
using Eider.Storage;
using Eider.Storage.Backends;
using Eider.Storage.Layers;
using Eider.Testing.Storage;

namespace Eider.Serving.Tests.Http;

/// <summary>A disk behind the project's own server, read by the project's own client.</summary>
public sealed class RangeServerConformance : BlockStorageConformance, IAsyncDisposable
{
    private readonly List<RangeServer> _servers = [];

    protected override bool IsReadOnly => true;

    protected override ValueTask<BlockStorage> CreateAsync(byte[] content) =>
        OpenAsync(new MemoryStorage((ReadOnlyMemory<byte>)content));

    protected override ValueTask<BlockStorage> CreateFaultyAsync(byte[] content, int seed) =>
        OpenAsync(new FaultStorage(
            new MemoryStorage((ReadOnlyMemory<byte>)content),
            [new FaultRule { Operation = BlockOperation.Read, Every = 2 }, new FaultRule { OffsetBytes = seed * 20_000 }]));

    public async ValueTask DisposeAsync()
    {
        foreach (var server in _servers)
        {
            await server.DisposeAsync();
        }
    }

    private async ValueTask<BlockStorage> OpenAsync(BlockStorage served)
    {
        _servers.Add(RangeServer.Start(served));
        return await HttpStorage.OpenAsync(
            _servers[^1].Address,
            new HttpStorageOptions { CacheBytes = 1 << 20, MaxAttempts = 1, RetryDelay = TimeSpan.FromMilliseconds(1) });
    }
}

public sealed class RangeServerTests : IAsyncDisposable
{
    private static readonly byte[] Content = [.. Enumerable.Range(0, 1000).Select(value => (byte)(value % 251))];

    private readonly RangeServer _server = RangeServer.Start(new MemoryStorage((ReadOnlyMemory<byte>)Content), "a disk.img");
    private readonly HttpClient _client = new();

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _server.DisposeAsync();
    }

    [Theory]
    [InlineData("bytes=0-0", 0, 1)]
    [InlineData("bytes=10-19", 10, 10)]
    [InlineData("bytes=990-", 990, 10)]
    [InlineData("bytes=990-5000", 990, 10)]
    [InlineData("bytes=-5", 995, 5)]
    [InlineData("bytes=-5000", 0, 1000)]
    [InlineData("bytes=0-99999999999999999999999", 0, 1000)]
    public async Task Spec_rfc9110_14_1_2_a_single_range_is_answered_with_206(string range, int offset, int length)
    {
        using var reply = await SendAsync(HttpMethod.Get, ("Range", range));
        Assert.Equal(HttpStatusCode.PartialContent, reply.StatusCode);
        Assert.Equal($"bytes {offset}-{offset + length - 1}/1000", reply.Content.Headers.ContentRange?.ToString());
        Assert.Equal(length, reply.Content.Headers.ContentLength);
        Assert.Equal(Content[offset..(offset + length)], await reply.Content.ReadAsByteArrayAsync());
        Assert.NotNull(reply.Headers.ETag);
        Assert.False(reply.Headers.ETag.IsWeak);
    }

    [Theory]
    [InlineData("bytes=1000-")]
    [InlineData("bytes=1000-2000")]
    [InlineData("bytes=-0")]
    [InlineData("bytes=99999999999999999999999-")]
    public async Task Spec_rfc9110_15_5_17_a_range_past_the_end_is_answered_with_416_and_the_size(string range)
    {
        using var reply = await SendAsync(HttpMethod.Get, ("Range", range));
        Assert.Equal(HttpStatusCode.RequestedRangeNotSatisfiable, reply.StatusCode);
        Assert.Equal("bytes */1000", reply.Content.Headers.ContentRange?.ToString());
    }

    [Theory]
    [InlineData(null)]
    [InlineData("items=0-1")]
    [InlineData("bytes=5-1")]
    [InlineData("bytes=a-b")]
    [InlineData("bytes=-")]
    [InlineData("bytes=1-2,5-6")]
    [InlineData("bytes=1-x")]
    public async Task Spec_rfc9110_14_2_a_range_that_cannot_be_served_is_ignored(string? range)
    {
        using var reply = range == null ? await SendAsync(HttpMethod.Get) : await SendAsync(HttpMethod.Get, ("Range", range));
        Assert.Equal(HttpStatusCode.OK, reply.StatusCode);
        Assert.Equal("bytes", reply.Headers.AcceptRanges.Single());
        Assert.Equal(Content, await reply.Content.ReadAsByteArrayAsync());
    }

    [Fact]
    public async Task Spec_rfc9110_9_3_2_HEAD_has_the_headers_of_GET_and_no_body()
    {
        using var reply = await SendAsync(HttpMethod.Head, ("Range", "bytes=0-1"));
        Assert.Equal(HttpStatusCode.OK, reply.StatusCode);
        Assert.Equal(1000, reply.Content.Headers.ContentLength);
        Assert.Empty(await reply.Content.ReadAsByteArrayAsync());

        // The connection is in step afterwards.
        using var next = await SendAsync(HttpMethod.Get, ("Range", "bytes=3-4"));
        Assert.Equal(Content[3..5], await next.Content.ReadAsByteArrayAsync());
    }

    [Fact]
    public async Task Spec_rfc9110_13_conditions_are_held_against_the_ETag()
    {
        using var first = await SendAsync(HttpMethod.Get);
        var tag = first.Headers.ETag!.ToString();
        async Task<HttpStatusCode> StatusAsync(string header, string value)
        {
            using var reply = await SendAsync(HttpMethod.Get, ("Range", "bytes=0-1"), (header, value));
            return reply.StatusCode;
        }

        Assert.Equal(HttpStatusCode.PartialContent, await StatusAsync("If-Range", tag));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync("If-Range", "\"other\""));
        Assert.Equal(HttpStatusCode.PartialContent, await StatusAsync("If-Match", $"\"other\", {tag}"));
        Assert.Equal(HttpStatusCode.PreconditionFailed, await StatusAsync("If-Match", "\"other\""));
        Assert.Equal(HttpStatusCode.NotModified, await StatusAsync("If-None-Match", tag));
        Assert.Equal(HttpStatusCode.PartialContent, await StatusAsync("If-None-Match", "\"other\""));
    }

    [Fact]
    public async Task Other_methods_and_other_pages_are_refused()
    {
        using var post = await SendAsync(HttpMethod.Post);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, post.StatusCode);
        Assert.Equal(["GET", "HEAD"], post.Content.Headers.Allow.Order());
        using var other = await _client.GetAsync(_server.AddressOf("other"));
        Assert.Equal(HttpStatusCode.NotFound, other.StatusCode);
        using var above = await _client.GetAsync(new Uri(_server.Root, "%2e%2e/etc/passwd"));
        Assert.Equal(HttpStatusCode.NotFound, above.StatusCode);
    }

    [Fact]
    public async Task Listens_on_this_host_alone_and_on_a_port_of_its_own()
    {
        await using var other = RangeServer.Start(new MemoryStorage(0));
        Assert.True(_server.Root.IsLoopback);
        Assert.NotEqual(_server.Root.Port, other.Root.Port);
        using var empty = await _client.GetAsync(other.Address);
        Assert.Equal(0, empty.Content.Headers.ContentLength);
    }

    [Fact]
    public async Task A_port_that_is_taken_is_refused_in_one_line()
    {
        var failure = Assert.Throws<BlockStorageException>(
            () => RangeServer.Start(new MemoryStorage(0), options: new RangeServerOptions { Port = _server.Root.Port }));
        Assert.Contains("choose another port", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', failure.Message);
        await Task.CompletedTask;
    }

    [Fact]
    public async Task Several_disks_have_a_page_each_and_are_closed_with_the_server()
    {
        var one = new MemoryStorage(new byte[10].AsMemory());
        var two = new MemoryStorage(new byte[20].AsMemory());
        var server = RangeServer.Start(new Dictionary<string, BlockStorage> { ["one"] = one, ["two"] = two });
        Assert.Equal(10, (await _client.GetByteArrayAsync(server.AddressOf("one"))).Length);
        Assert.Equal(20, (await _client.GetByteArrayAsync(server.AddressOf("two"))).Length);
        Assert.Equal(2, server.RequestCount);
        await server.DisposeAsync();
        await server.DisposeAsync();
        Assert.True(one.IsClosed && two.IsClosed);
    }

    [Fact]
    public async Task A_file_is_served_by_its_path_and_held_against_writers()
    {
        var path = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(path, Content);
            await using var server = await RangeServer.StartAsync(path);
            Assert.Equal(Content, await _client.GetByteArrayAsync(server.Address));
            Assert.Throws<BlockStorageException>(() => FileStorage.Open(path));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public async Task A_disk_that_fails_cuts_the_connection_and_sends_no_wrong_bytes()
    {
        await using var server = RangeServer.Start(new FaultStorage(
            new MemoryStorage(1 << 20), [new FaultRule { OffsetBytes = 700_000 }]));
        await Assert.ThrowsAnyAsync<HttpRequestException>(async () => await _client.GetByteArrayAsync(server.Address));
        await using var storage = await HttpStorage.OpenAsync(
            server.Address, new HttpStorageOptions { MaxAttempts = 2, RetryDelay = TimeSpan.FromMilliseconds(1) });
        Assert.Equal(BlockResult.Ok, await storage.ReadAsync(0, new byte[100_000]));
        await Assert.ThrowsAsync<BlockStorageException>(async () => await storage.ReadAsync(700_000, new byte[10]));
    }

    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, _server.Address);
        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        return await _client.SendAsync(request);
    }
}
