using System.Globalization;
using System.Net;
using System.Net.Http.Headers;

namespace Eider.Storage.Backends.Http;

/// <summary>
/// Holds a reply against what was asked for (RFC 9110, 14 and 15.3.7). What does not fit is a failure, so that a
/// wrong reply never becomes wrong bytes.
/// </summary>
internal sealed class HttpReplies
{
    private readonly string _name;

    public HttpReplies(string name) => _name = name;

    /// <summary>Learns size and validators from the reply to a request for the first byte.</summary>
    public HttpIdentity Identify(HttpResponseMessage reply)
    {
        if (reply.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable)
        {
            // The answer of an empty page: no range of it can be satisfied.
            return reply.Content.Headers.ContentRange is { Unit: "bytes", Length: 0 }
                ? new HttpIdentity(0, TagOf(reply, 0), DateOf(reply, 0))
                : throw Broken(0, "the first byte is not to be had (416), but the page is not said to be empty");
        }

        if (reply.StatusCode == HttpStatusCode.OK && reply.Content.Headers.ContentLength == 0)
        {
            return new HttpIdentity(0, TagOf(reply, 0), DateOf(reply, 0));
        }

        if (reply.StatusCode == HttpStatusCode.OK)
        {
            throw new BlockStorageException(
                BlockErrorKind.Protocol, BlockOperation.Open, _name, null,
                $"{_name}: the server has no byte ranges: found 200 for a range request, expected 206; "
                + "use a server that has them, or download the image");
        }

        ThrowUnlessPartial(reply, 0, null);
        var range = RangeOf(reply, 0);
        return range.Length is > 0 and var size
            ? new HttpIdentity(size, TagOf(reply, 0), DateOf(reply, 0))
            : throw Broken(0, $"the reply does not say how large the page is: Content-Range is '{range}'");
    }

    /// <summary>The version that was asked about, if a 304 speaks of no other one.</summary>
    public HttpIdentity Confirm(HttpResponseMessage reply, HttpIdentity known) =>
        TagOf(reply, 0) is { } tag && Opaque(tag) != Opaque(known.EntityTag!)
            ? throw Broken(0, $"the reply says 'not modified' (304) with ETag {tag}, but was asked about {known.EntityTag}")
            : known;

    /// <summary>Checks a reply to a range request.</summary>
    /// <returns>How many bytes its body must have: at least one, at most as many as asked for.</returns>
    public long Check(HttpResponseMessage reply, HttpIdentity identity, long offsetBytes, long lengthBytes)
    {
        ThrowUnlessPartial(reply, offsetBytes, identity);
        ThrowIfChanged(reply, identity, offsetBytes);
        var range = RangeOf(reply, offsetBytes);
        if (range.Length is { } total && total != identity.SizeBytes)
        {
            throw Changed(offsetBytes, $"the page is {total} bytes long now, it was {identity.SizeBytes}");
        }

        // A total of '*' is allowed by the standard, but then something else must say that it is the same page.
        if (range.Length == null && identity.EntityTag == null)
        {
            throw Broken(offsetBytes, "the reply says neither how large the page is nor which version of it");
        }

        if (range.From != offsetBytes || range.To is not { } last || last < offsetBytes || last - offsetBytes >= lengthBytes)
        {
            throw Broken(
                offsetBytes,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"asked for bytes {offsetBytes}-{offsetBytes + lengthBytes - 1}, got '{range}'"));
        }

        var expected = last - offsetBytes + 1;
        return reply.Content.Headers.ContentLength is { } length && length != expected
            ? throw Broken(
                offsetBytes,
                string.Create(
                    CultureInfo.InvariantCulture, $"Content-Range is '{range}', but Content-Length is {length}, not {expected}"))
            : expected;
    }

    public BlockStorageException Broken(long offsetBytes, string what) =>
        new(BlockErrorKind.Protocol, BlockOperation.Read, _name, offsetBytes, $"{_name}: {what}");

    public BlockStorageException Changed(long offsetBytes, string what) =>
        new(BlockErrorKind.Changed, BlockOperation.Read, _name, offsetBytes, $"{_name}: {what}; open it again");

    /// <summary>Fails for a status other than 206, and for bodies that are not the bytes themselves.</summary>
    private void ThrowUnlessPartial(HttpResponseMessage reply, long offsetBytes, HttpIdentity? identity)
    {
        var status = (int)reply.StatusCode;
        switch (reply.StatusCode)
        {
            case HttpStatusCode.PartialContent:
                break;
            case HttpStatusCode.OK:
                // The server's answer to If-Range when the page is another one now; also of one that lost its ranges.
                if (identity != null)
                {
                    ThrowIfChanged(reply, identity, offsetBytes);
                }

                throw Broken(offsetBytes, "found 200 for a range request, expected 206");
            case HttpStatusCode.RequestedRangeNotSatisfiable:
                throw Changed(offsetBytes, $"the range is not to be had any more (416, '{reply.Content.Headers.ContentRange}')");
            case HttpStatusCode.PreconditionFailed:
                throw Changed(offsetBytes, "the page is another one now (412)");
            case HttpStatusCode.NotFound or HttpStatusCode.Gone:
                throw Failed(BlockErrorKind.NotFound, offsetBytes, $"the server does not have it ({status})");
            case HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden or HttpStatusCode.ProxyAuthenticationRequired:
                throw Failed(BlockErrorKind.AccessDenied, offsetBytes, $"the server refuses access ({status})");
            case HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests or HttpStatusCode.InternalServerError
                or HttpStatusCode.BadGateway or HttpStatusCode.ServiceUnavailable or HttpStatusCode.GatewayTimeout:
                throw new TransientHttpException(
                    BlockErrorKind.Io, $"{_name}: the server answers with status {status}", reply.Headers.RetryAfter?.Delta);
            default:
                throw Broken(offsetBytes, $"found status {status}, expected 206");
        }

        if (reply.Content.Headers.ContentEncoding.Any(encoding => encoding != "identity"))
        {
            throw Broken(
                offsetBytes, $"the body is encoded as {string.Join(", ", reply.Content.Headers.ContentEncoding)}, which was not asked for");
        }
    }

    private void ThrowIfChanged(HttpResponseMessage reply, HttpIdentity identity, long offsetBytes)
    {
        var tag = TagOf(reply, offsetBytes);
        if (identity.EntityTag != null && tag != identity.EntityTag)
        {
            throw Changed(offsetBytes, $"the page is another one now: ETag is {tag ?? "missing"}, it was {identity.EntityTag}");
        }

        // RFC 9110, 15.3.7: Last-Modified may be left out of a 206.
        var date = DateOf(reply, offsetBytes);
        if (identity.LastModified != null && date != null && date != identity.LastModified)
        {
            throw Changed(offsetBytes, $"the page is another one now: modified {date}, it was {identity.LastModified}");
        }
    }

    private ContentRangeHeaderValue RangeOf(HttpResponseMessage reply, long offsetBytes)
    {
        if (string.Equals(reply.Content.Headers.ContentType?.MediaType, "multipart/byteranges", StringComparison.OrdinalIgnoreCase))
        {
            throw Broken(offsetBytes, "the reply is in several parts, though one range was asked for");
        }

        return reply.Content.Headers.ContentRange is { Unit: "bytes", HasRange: true } range
            ? range
            : throw Broken(offsetBytes, "the reply is partial but has no valid Content-Range");
    }

    /// <summary>If-None-Match compares weakly (RFC 9110, 13.1.2).</summary>
    private static string Opaque(string tag) => tag.StartsWith("W/", StringComparison.Ordinal) ? tag[2..] : tag;

    private string? TagOf(HttpResponseMessage reply, long offsetBytes) =>
        reply.Headers.NonValidated.TryGetValues("ETag", out var values) ? Single(values, "ETag", offsetBytes) : null;

    private string? DateOf(HttpResponseMessage reply, long offsetBytes) =>
        reply.Content.Headers.NonValidated.TryGetValues("Last-Modified", out var values)
            ? Single(values, "Last-Modified", offsetBytes)
            : null;

    private string Single(HeaderStringValues values, string header, long offsetBytes) =>
        values.Count == 1 ? values.ToString() : throw Broken(offsetBytes, $"the reply has {values.Count} headers {header}");

    private BlockStorageException Failed(BlockErrorKind kind, long offsetBytes, string what) =>
        new(kind, BlockOperation.Read, _name, offsetBytes, $"{_name}: {what}");
}
