using System.Globalization;
using System.Net;
using Eider.Storage;

namespace Eider.Serving.Http;

/// <summary>The answer to one request.</summary>
internal readonly struct RangeReply(HttpListenerContext context, RangeServer.Page? page)
{
    private const int ChunkBytes = 256 * 1024;

    private HttpListenerRequest Request => context.Request;

    private HttpListenerResponse Response => context.Response;

    public async Task SendAsync(CancellationToken cancellationToken)
    {
        if (page == null)
        {
            Finish(HttpStatusCode.NotFound);
            return;
        }

        Response.Headers["Accept-Ranges"] = "bytes";
        Response.Headers["ETag"] = page.EntityTag;
        Response.ContentType = "application/octet-stream";
        if (Request.HttpMethod is not ("GET" or "HEAD"))
        {
            Response.Headers["Allow"] = "GET, HEAD";
            Finish(HttpStatusCode.MethodNotAllowed);
        }
        else if (Request.Headers["If-Match"] is { } match && !Names(match, page.EntityTag))
        {
            Finish(HttpStatusCode.PreconditionFailed);
        }
        else if (Request.Headers["If-None-Match"] is { } noneMatch && Names(noneMatch, page.EntityTag))
        {
            Finish(HttpStatusCode.NotModified);
        }
        else
        {
            await SendBodyAsync(page, cancellationToken).ConfigureAwait(false);
        }
    }

    private static bool Names(string list, string tag) =>
        list.Split(',', StringSplitOptions.TrimEntries).Any(item => item == "*" || item == tag);

    private async Task SendBodyAsync(RangeServer.Page served, CancellationToken cancellationToken)
    {
        var size = served.Storage.SizeBytes;
        var isFresh = Request.Headers["If-Range"] is not { } condition || condition == served.EntityTag;

        // RFC 9110, 14.2: Range means something for GET only.
        var range = isFresh && Request.HttpMethod == "GET" ? ByteRange.Parse(Request.Headers["Range"], size) : null;
        if (range is { LengthBytes: 0 })
        {
            Response.Headers["Content-Range"] = string.Create(CultureInfo.InvariantCulture, $"bytes */{size}");
            Finish(HttpStatusCode.RequestedRangeNotSatisfiable);
            return;
        }

        var part = range ?? new ByteRange(0, size);
        Response.StatusCode = (int)(range == null ? HttpStatusCode.OK : HttpStatusCode.PartialContent);
        Response.ContentLength64 = part.LengthBytes;
        if (range != null)
        {
            Response.Headers["Content-Range"] = string.Create(
                CultureInfo.InvariantCulture,
                $"bytes {part.OffsetBytes}-{part.OffsetBytes + part.LengthBytes - 1}/{size}");
        }

        if (Request.HttpMethod == "GET")
        {
            await CopyAsync(served.Storage, part, cancellationToken).ConfigureAwait(false);
        }

        Response.Close();
    }

    private async Task CopyAsync(BlockStorage storage, ByteRange part, CancellationToken cancellationToken)
    {
        var buffer = new byte[(int)Math.Min(part.LengthBytes, ChunkBytes)];
        for (var done = 0L; done < part.LengthBytes;)
        {
            var piece = buffer.AsMemory(0, (int)Math.Min(buffer.Length, part.LengthBytes - done));
            var result = await storage.ReadAsync(part.OffsetBytes + done, piece, cancellationToken).ConfigureAwait(false);
            if (result != BlockResult.Ok)
            {
                throw new InvalidOperationException($"{storage.Name}: read ended with {result}");
            }

            await Response.OutputStream.WriteAsync(piece, cancellationToken).ConfigureAwait(false);
            done += piece.Length;
        }
    }

    private void Finish(HttpStatusCode status)
    {
        Response.StatusCode = (int)status;
        Response.ContentLength64 = 0;
        Response.Close();
    }
}
