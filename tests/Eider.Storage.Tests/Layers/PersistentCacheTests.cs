using Eider.Storage.Backends;
using Eider.Storage.Layers;
using Eider.Testing.Storage;

namespace Eider.Storage.Tests.Layers;

public sealed class PersistentCacheTests
{
    private const int Size = (20 * CacheStorage.BlockBytes) + 777;

    [Fact]
    public async Task What_was_read_before_a_restart_is_not_fetched_after_it()
    {
        var content = Content(1);
        await using var file = PersistentCacheStorageConformance.EmptyFile();
        await using (var first = await OpenAsync(content, file, "v1"))
        {
            await CheckAsync(first, content);
            Assert.Equal(Size, first.FetchedBytes);
        }

        await using var second = await OpenAsync(content, file, "v1");
        await CheckAsync(second, content);
        await CheckAsync(second, content);
        Assert.Equal(0, second.FetchedBytes);
    }

    [Fact]
    public async Task Another_version_forgets_everything()
    {
        await using var file = PersistentCacheStorageConformance.EmptyFile();
        foreach (var version in new[] { "v1", "v2", "v1" })
        {
            var content = Content(version == "v1" ? 1 : 2);
            await using var cache = await OpenAsync(content, file, version);
            await CheckAsync(cache, content);
            Assert.Equal(Size, cache.FetchedBytes);
        }
    }

    [Fact]
    public async Task The_file_never_grows_beyond_its_limit_and_the_newest_blocks_stay()
    {
        var content = Content(3);
        await using var file = PersistentCacheStorageConformance.EmptyFile();
        await using (var cache = await OpenAsync(content, file, "v1", 5 * CacheStorage.BlockBytes))
        {
            await CheckAsync(cache, content);
            Assert.InRange(file.SizeBytes, 5 * CacheStorage.BlockBytes, 6 * CacheStorage.BlockBytes);
            var fetched = cache.FetchedBytes;
            await cache.ReadAsync(17 * CacheStorage.BlockBytes, new byte[3 * CacheStorage.BlockBytes]);
            Assert.Equal(fetched, cache.FetchedBytes);
        }

        await using var again = await OpenAsync(content, file, "v1", 5 * CacheStorage.BlockBytes);
        await again.ReadAsync(17 * CacheStorage.BlockBytes, new byte[3 * CacheStorage.BlockBytes]);
        Assert.Equal(0, again.FetchedBytes);
    }

    [Fact]
    public async Task After_a_crash_at_any_point_with_writes_torn_and_reordered_no_wrong_byte_is_read()
    {
        var content = Content(4);
        await using var file = PersistentCacheStorageConformance.EmptyFile();
        var log = new WriteLogStorage(file, leaveOpen: true);
        await using (var cache = await OpenAsync(content, log, "v1", 12 * CacheStorage.BlockBytes))
        {
            var random = new Random(5);
            for (var step = 0; step < 40; step++)
            {
                await cache.ReadAsync(random.Next(20) * CacheStorage.BlockBytes, new byte[1000]);
            }
        }

        var hits = 0L;
        for (var state = 0; state < 200; state++)
        {
            await using var crashed = PersistentCacheStorageConformance.EmptyFile();
            await CrashAsync(log.Log, crashed, new Random(state));
            await using var cache = await OpenAsync(content, crashed, "v1", 12 * CacheStorage.BlockBytes);
            await CheckAsync(cache, content);
            hits += cache.HitCount;
        }

        Assert.True(hits > 200, $"only {hits} blocks survived: the test shows nothing");
    }

    [Fact]
    public async Task Damaged_cache_files_give_the_right_bytes()
    {
        var content = Content(6);
        await using var file = PersistentCacheStorageConformance.EmptyFile();
        await using (var cache = await OpenAsync(content, file, "v1"))
        {
            await CheckAsync(cache, content);
        }

        var random = new Random(6);
        for (var step = 0; step < 100; step++)
        {
            for (var change = 0; change < 20; change++)
            {
                var place = random.Next(3) switch
                {
                    0 => random.Next(8192),
                    1 => 8192 + random.Next(400),
                    _ => random.NextInt64(file.SizeBytes - 1),
                };
                await file.WriteAsync(Math.Min(place, file.SizeBytes - 1), new byte[] { (byte)random.Next(256) });
            }

            await using var cache = await OpenAsync(content, file, "v1");
            await CheckAsync(cache, content);
        }
    }

    [Fact]
    public async Task A_cache_without_room_is_left_alone_and_reading_goes_on()
    {
        var content = Content(7);
        await using var faults = new FaultStorage(PersistentCacheStorageConformance.EmptyFile(), []);
        await using var cache = await OpenAsync(content, faults, "v1");
        faults.Add(new FaultRule { Operation = BlockOperation.Write, Kind = BlockErrorKind.NoSpace, TornBytes = 500 });
        await CheckAsync(cache, content);
        await CheckAsync(cache, content);
        Assert.Equal(2 * Size, cache.FetchedBytes);
    }

    [Fact]
    public async Task From_a_server_every_byte_is_fetched_once_and_the_second_opening_fetches_none()
    {
        using var folder = new TemporaryFolder();
        var content = Content(8);
        var server = new TaggedServer(content);
        await using (server)
        {
            await using (var first = await HttpDiskCache.OpenAsync(server.Url, folder["cache"]))
            {
                await CheckAsync(first, content);
            }

            Assert.InRange(server.SentBytes, Size, Size + 1);
            server.Reset();
            await using (var second = await HttpDiskCache.OpenAsync(server.Url, folder["cache"]))
            {
                await CheckAsync(second, content);
            }

            Assert.Equal((0, 1), (server.SentBytes, server.Requests));

            // Another page under the same name: nothing of the old one is shown.
            content.AsSpan(100, 1000).Fill(0x77);
            server.Tag = "\"two\"";
            await using var third = await HttpDiskCache.OpenAsync(server.Url, folder["cache"]);
            await CheckAsync(third, content);
        }
    }

    [Fact]
    public async Task A_page_whose_cache_is_in_use_is_read_without_and_one_without_validators_is_not_cached()
    {
        using var folder = new TemporaryFolder();
        var content = Content(9);
        await using var server = new TaggedServer(content);
        await using var first = await HttpDiskCache.OpenAsync(server.Url, folder["cache"]);
        Assert.IsType<PersistentCacheStorage>(first);
        await using var second = await HttpDiskCache.OpenAsync(server.Url, folder["cache"]);
        Assert.IsType<HttpStorage>(second);
        await CheckAsync(second, content);
        server.Tag = null;
        await using var third = await HttpDiskCache.OpenAsync(server.Url, folder["other"]);
        Assert.IsType<HttpStorage>(third);
    }

    private static byte[] Content(int seed)
    {
        var bytes = new byte[Size];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    private static async Task<PersistentCacheStorage> OpenAsync(
        byte[] content, BlockStorage file, string version, long maxBytes = 100 * CacheStorage.BlockBytes) =>
        await PersistentCacheStorage.OpenAsync(
            new MemoryStorage((byte[])content.Clone()), new FaultStorage(file, [], leaveOpen: true), version, maxBytes);

    private static async Task CheckAsync(BlockStorage storage, byte[] content)
    {
        var read = new byte[content.Length];
        Assert.Equal(BlockResult.Ok, await storage.ReadAsync(0, read));
        Assert.True(content.AsSpan().SequenceEqual(read), $"first difference at {content.AsSpan().CommonPrefixLength(read)}");
    }

    /// <summary>A prefix of the writes, with some of the last ones lost or torn: none was ever flushed.</summary>
    private static async Task CrashAsync(WriteLog log, BlockStorage target, Random random)
    {
        var count = random.Next(3, log.Count + 1);
        for (var index = 0; index < count; index++)
        {
            var entry = log[index];
            var isCertain = index < 3 || index < count - 12;
            if (entry.Operation != BlockOperation.Write)
            {
                await log.ReplayAsync(target, index, 1);
            }
            else if (isCertain || random.Next(3) > 0)
            {
                var sectors = (int)((entry.LengthBytes + 511) / 512);
                var length = isCertain || random.Next(3) > 0 ? entry.LengthBytes : Math.Min(entry.LengthBytes, random.Next(sectors + 1) * 512L);
                await target.WriteAsync(entry.OffsetBytes, entry.Data[..(int)length].ToArray());
            }
        }
    }

    /// <summary>A page with an ETag that counts what it sends.</summary>
    private sealed class TaggedServer : IAsyncDisposable
    {
        private readonly RawHttpServer _server;
        private long _sent;
        private int _requests;

        public TaggedServer(byte[] content) => _server = new RawHttpServer(content, ReplyAsync);

        public Uri Url => _server.Url;

        public string? Tag { get; set; } = "\"one\"";

        public long SentBytes => Interlocked.Read(ref _sent);

        public int Requests => Volatile.Read(ref _requests);

        public void Reset() => (_sent, _requests) = (0, 0);

        public ValueTask DisposeAsync() => _server.DisposeAsync();

        private async Task ReplyAsync(RawHttpExchange exchange)
        {
            Interlocked.Increment(ref _requests);
            var isSame = Tag != null && exchange.HeaderOf("If-None-Match") == Tag;
            Interlocked.Add(ref _sent, isSame ? 0 : exchange.Part.Length);
            await (isSame
                ? exchange.SendAsync("304 Not Modified", default, $"ETag: {Tag}")
                : exchange.PartialAsync(exchange.RangeText, exchange.Part, Tag));
        }
    }
}
