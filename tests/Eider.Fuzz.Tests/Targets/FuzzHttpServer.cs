using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using Eider.Storage.Backends;
using Eider.Testing.Fuzzing;

namespace Eider.Fuzz.Tests.Targets;

/// <summary>
/// A server without sockets, whose replies a case decides. It has two versions of a page that differ in every byte; each reply that
/// has bytes of the second one betrays it: by the tag, or by the size where no tag was agreed on. A lie that betrays nothing cannot be noticed.
/// </summary>
internal sealed class FuzzHttpServer : HttpMessageHandler
{
    private const string FirstTag = "\"one\"";
    private const string SecondTag = "\"two\"";
    private const string FirstDate = "Sat, 21 Nov 2026 10:00:00 GMT";
    private const string SecondDate = "Sun, 22 Nov 2026 10:00:00 GMT";
    private const int SizeDifference = 12_345;

    private static readonly HttpStatusCode[] Failures =
    [
        HttpStatusCode.NotFound, HttpStatusCode.Gone, HttpStatusCode.Unauthorized, HttpStatusCode.Forbidden, HttpStatusCode.PreconditionFailed,
        HttpStatusCode.InternalServerError, HttpStatusCode.ServiceUnavailable, HttpStatusCode.TooManyRequests, HttpStatusCode.RequestTimeout,
        HttpStatusCode.NoContent, HttpStatusCode.NotModified, HttpStatusCode.BadRequest, (HttpStatusCode)299, (HttpStatusCode)599, (HttpStatusCode)306,
    ];

    private static readonly string[] Locations =
    [
        "http://example.org/other", "/other", "http://mirror.example.net/disk", "http://169.254.169.254/", "http://127.0.0.1/", "file:///etc/passwd",
        "https://example.org/disk", "http://[::1]/", "ftp://example.org/disk", "//example.org/disk", "", "http://user:other@example.org/x", "\\\\host\\share",
    ];

    private static readonly string[] BrokenRanges =
    [
        "bytes 0-0", "bytes */*", "bytes 0-/5", "bytes -1-0/512", "bytes 0-9223372036854775807/9223372036854775807",
        "bytes 0-0/9223372036854775807", "bytes 0-0/18446744073709551616", "bytes 5-0/512", "lines 0-0/512", "bytes 0-0/-1", "", "bytes",
        "bytes 0-0/512, bytes 0-0/512", "bytes 99999999999999999999-99999999999999999999/5",
    ];

    private static readonly byte[] Noise = MakeNoise();

    private FuzzInput _input = null!;
    private long _size;
    private bool _hasTags;
    private bool _hasDates;
    private int _honest;

    /// <summary>What the storage in use goes by; null while it is being opened.</summary>
    public (string? Tag, long SizeBytes)? Identity { get; set; }

    private long OtherSize => _size > long.MaxValue - SizeDifference ? _size - SizeDifference : _size + SizeDifference;

    /// <summary>Fills a span with what a version of the page has at an offset: noise that comes again after a prime number of bytes.</summary>
    public static void Fill(int version, long offset, Span<byte> bytes)
    {
        for (var at = 0; at < bytes.Length;)
        {
            var start = (int)((((offset + at) % Noise.Length) + (version * 30_011L)) % Noise.Length);
            var count = Math.Min(bytes.Length - at, Noise.Length - start);
            Noise.AsSpan(start, count).CopyTo(bytes[at..]);
            at += count;
        }
    }

    /// <summary>The version that a storage was opened with.</summary>
    public int VersionOf(HttpStorage storage) => (storage.EntityTag ?? FirstTag) == SecondTag
        || (storage.EntityTag is null && storage.SizeBytes == OtherSize) ? 2 : 1;

    /// <summary>Starts a case.</summary>
    public void Begin(FuzzInput input, long sizeBytes)
    {
        _input = input;
        _size = sizeBytes;
        _hasTags = !input.OneIn(4);
        _hasDates = input.OneIn(2);
        _honest = input.Below(4);
        Identity = null;
    }

    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var range = request.Headers.Range!.Ranges.First();
        var (from, to) = (range.From ?? 0, range.To ?? long.MaxValue);
        if (_input.OneIn(32))
        {
            return Task.FromException<HttpResponseMessage>(_input.OneIn(2)
                ? new HttpRequestException("fuzz: no connection")
                : new HttpRequestException(HttpRequestError.InvalidResponse, "fuzz: nonsense"));
        }

        var reply = _honest-- > 0 || _input.OneIn(2) ? Partial(1, from, to) : Lie(from, to);
        reply.RequestMessage = request;
        return Task.FromResult(reply);
    }

    private static byte[] MakeNoise()
    {
        var noise = new byte[65_521];
        new Random(1).NextBytes(noise);
        return noise;
    }

    private int Step() => _input.Below(2) - 1;

    private HttpResponseMessage Lie(long from, long to)
    {
        switch (_input.Below(16))
        {
            case 0:
                return Whole();
            case 1:
                return Partial(1, from + Step(), to + Step());
            case 2:
                return Partial(1, from, to, total: unchecked((long)(_input.Edge((ulong)_size) & long.MaxValue)));
            case 3:
                return Partial(1, from, Math.Min(from, long.MaxValue - 1000) + _input.Below(1000));
            case 4:
                return Partial(1, from, to, bodyDifference: _input.Below(64) - 32);
            case 5:
                return Partial(2, from, to);
            case 6:
                return WithHeader(Partial(1, from, to), "ETag", _hasTags ? SecondTag : FirstTag);
            case 7:
                return WithContentHeader(Partial(1, from, to, isNoise: true), "Content-Encoding", _input.Pick<string>(["gzip", "br", "identity, gzip", "x"]));
            case 8:
                return WithContentHeader(Partial(1, from, to, isNoise: true), "Content-Type", "multipart/byteranges; boundary=x", replace: true);
            case 9:
                return Broken(_input.Pick<string>(BrokenRanges));
            case 10:
                return new HttpResponseMessage(_input.Pick<HttpStatusCode>(Failures)) { Content = new ByteArrayContent(new byte[_input.Below(40)]) };
            case 11:
                return Redirect();
            case 12:
                return Unsatisfiable();
            case 13:
                return Partial(1, from, to, contentLength: _input.Below(100_000));
            case 14:
                return Partial(1, from, to, breaksAfter: _input.Below(70_000));
            default:
                return Partial(_hasTags ? 2 : 1, from, to, isTotalHidden: true);
        }
    }

    /// <summary>A partial reply: right, but for what is asked for otherwise. Its bytes are those that its range names, of its version.</summary>
    private HttpResponseMessage Partial(
        int version, long from, long to, long? total = null, int bodyDifference = 0, bool isNoise = false, long? contentLength = null,
        int breaksAfter = int.MaxValue, bool isTotalHidden = false)
    {
        if (_size == 0 && version == 1)
        {
            return Unsatisfiable();
        }

        // Without tags, and while no storage goes by one, another version has another size.
        var size = version == 2 && Identity?.Tag is null ? OtherSize : _size;
        from = Math.Clamp(from, 0, Math.Max(0, size - 1));
        to = Math.Max(from, Math.Min(to, size - 1));
        var body = new FuzzHttpBody(isNoise ? 3 : version, from, Math.Max(0, to - from + 1 + bodyDifference), breaksAfter);
        var reply = new HttpResponseMessage(HttpStatusCode.PartialContent) { Content = new StreamContent(body) };
        var stated = total ?? size;
        reply.Content.Headers.TryAddWithoutValidation(
            "Content-Range",
            string.Create(CultureInfo.InvariantCulture, $"bytes {from}-{to}/{(isTotalHidden ? "*" : stated.ToString(CultureInfo.InvariantCulture))}"));
        if (contentLength is { } length)
        {
            reply.Content.Headers.ContentLength = length;
        }

        AddValidators(reply, version);
        return reply;
    }

    private void AddValidators(HttpResponseMessage reply, int version)
    {
        if (_hasTags)
        {
            reply.Headers.TryAddWithoutValidation("ETag", version == 2 ? SecondTag : FirstTag);
        }

        if (_hasDates)
        {
            reply.Content.Headers.TryAddWithoutValidation("Last-Modified", version == 2 ? SecondDate : FirstDate);
        }
    }

    private HttpResponseMessage Whole()
    {
        var reply = new HttpResponseMessage(HttpStatusCode.OK) { Content = new StreamContent(new FuzzHttpBody(3, 0, _input.Below(1000), int.MaxValue)) };
        AddValidators(reply, 1 + _input.Below(2));
        reply.Content.Headers.ContentLength = _input.OneIn(2) ? null : _input.Below(3);
        return reply;
    }

    private HttpResponseMessage Broken(string range)
    {
        var reply = new HttpResponseMessage(HttpStatusCode.PartialContent) { Content = new StreamContent(new FuzzHttpBody(1, 0, _input.Below(600), int.MaxValue)) };
        reply.Content.Headers.TryAddWithoutValidation("Content-Range", range);
        AddValidators(reply, 1);
        return reply;
    }

    private HttpResponseMessage Redirect()
    {
        var reply = new HttpResponseMessage(_input.Pick<HttpStatusCode>(
            [HttpStatusCode.Found, HttpStatusCode.MovedPermanently, HttpStatusCode.TemporaryRedirect, HttpStatusCode.PermanentRedirect, HttpStatusCode.SeeOther]));
        reply.Headers.TryAddWithoutValidation("Location", _input.Pick<string>(Locations));
        return reply;
    }

    private HttpResponseMessage Unsatisfiable()
    {
        var reply = new HttpResponseMessage(HttpStatusCode.RequestedRangeNotSatisfiable) { Content = new ByteArrayContent([]) };
        reply.Content.Headers.ContentRange = new ContentRangeHeaderValue(_input.Below(2) * _size);
        return reply;
    }

    private static HttpResponseMessage WithHeader(HttpResponseMessage reply, string name, string value)
    {
        reply.Headers.TryAddWithoutValidation(name, value);
        return reply;
    }

    private static HttpResponseMessage WithContentHeader(HttpResponseMessage reply, string name, string value, bool replace = false)
    {
        if (replace)
        {
            reply.Content.Headers.Remove(name);
        }

        reply.Content.Headers.TryAddWithoutValidation(name, value);
        return reply;
    }
}
