using System.Globalization;
using Eider.Storage;
using Eider.Storage.Backends;
using Eider.Testing.Fuzzing;

namespace Eider.Fuzz.Tests.Targets;

/// <summary>
/// A disk behind an HTTP server that lies in any way and order: opened, read here and there and in sequence (so that it reads ahead), and
/// opened again. Accepted: at least one read was answered. Whatever is answered is right, byte for byte, for the version of the page that
/// was opened.
/// </summary>
public sealed class HttpRepliesTarget : FuzzTarget
{
    private static readonly long[] Sizes =
        [512, 4096, 65536, 65537, 100_000, 200_000, 1, 0, 1L << 40, long.MaxValue, long.MaxValue - 65536, 262_143];

    private readonly FuzzHttpServer _server = new();
    private readonly HttpClient _client;
    private readonly byte[] _bytes = new byte[256 << 10];
    private readonly byte[] _expected = new byte[256 << 10];

    private readonly HttpStorageOptions _options = new()
    {
        CacheBytes = 1 << 20,
        ReadAheadBytes = 128 << 10,
        MaxAttempts = 2,
        RetryDelay = TimeSpan.Zero,
        MaxRetryDelay = TimeSpan.Zero,
        MaxRedirects = 2,
        AttemptTimeout = TimeSpan.FromMinutes(10),
    };

    /// <summary>A client over the server.</summary>
    public HttpRepliesTarget() => _client = new HttpClient(_server, disposeHandler: false) { Timeout = Timeout.InfiniteTimeSpan };

    /// <inheritdoc/>
    public override string Name => "http-replies";

    /// <summary>Each of two openings has blocks for a page of three.</summary>
    public override long MaxAllocatedBytes => 2 << 20;

    /// <inheritdoc/>
    public override bool Run(FuzzInput input)
    {
        ArgumentNullException.ThrowIfNull(input);
        _server.Begin(input, input.Pick<long>(Sizes));
        var reads = 0;
        for (var openings = 1 + input.Below(2); openings > 0; openings--)
        {
            reads += RunOpening(input).GetAwaiter().GetResult();
        }

        return reads > 0;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _client.Dispose();
            _server.Dispose();
        }

        base.Dispose(disposing);
    }

    private async Task<int> RunOpening(FuzzInput input)
    {
        _server.Identity = null;
        try
        {
            var url = new Uri(input.OneIn(8) ? "http://user:secret@example.org/disk" : "http://example.org/disk");
            var storage = await HttpStorage.OpenAsync(url, _options, _client);
            await using (storage)
            {
                _server.Identity = (storage.EntityTag, storage.SizeBytes);
                input.Saw("opened");
                return await ReadAsync(input, storage);
            }
        }
        catch (BlockStorageException failure) when (failure.Operation == BlockOperation.Open)
        {
            Note(input, "open", failure);
            return 0;
        }
    }

    private async Task<int> ReadAsync(FuzzInput input, HttpStorage storage)
    {
        var good = 0;
        var offset = 0L;
        for (var reads = 1 + input.Below(4); reads > 0; reads--)
        {
            offset = input.OneIn(2) ? input.Below((int)Math.Min(storage.SizeBytes, 200_000) + 100) : offset;
            offset = input.OneIn(8) ? Math.Max(0, storage.SizeBytes - input.Below(100_000)) : offset;
            var length = 1 + input.Below(input.OneIn(8) ? 150_000 : 1024);
            var bytes = _bytes.AsMemory(0, length);
            bytes.Span.Fill(0xFE);
            try
            {
                if (await storage.ReadAsync(offset, bytes) == BlockResult.Ok)
                {
                    good++;
                    Check(storage, offset, bytes.Span);
                    input.Saw("read");
                }
                else
                {
                    input.Saw("out of range");
                }
            }
            catch (BlockStorageException failure)
            {
                Note(input, "read", failure);
            }

            offset = Math.Min(offset, long.MaxValue - length) + length;
        }

        return good;
    }

    private void Check(HttpStorage storage, long offset, ReadOnlySpan<byte> bytes)
    {
        var version = _server.VersionOf(storage);
        var expected = _expected.AsSpan(0, bytes.Length);
        FuzzHttpServer.Fill(version, offset, expected);
        if (!bytes.SequenceEqual(expected))
        {
            throw new FuzzException(string.Create(
                CultureInfo.InvariantCulture, $"wrong bytes from {offset + bytes.CommonPrefixLength(expected)} on, version {version}"));
        }
    }

    private static void Note(FuzzInput input, string what, BlockStorageException failure)
    {
        FuzzException.Unless(!failure.Message.Contains("secret", StringComparison.Ordinal), "a password stands in a message");
        input.Saw($"{what}: {failure.Kind}");
    }
}
