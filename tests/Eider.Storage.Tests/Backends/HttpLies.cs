using System.Globalization;
using Eider.Testing.Storage;

namespace Eider.Storage.Tests.Backends;

/// <summary>What servers do wrong, and what becomes of it: null for the right bytes, else the kind of failure.</summary>
internal static class HttpLies
{
    /// <summary>Something else than what an honest server replies; request 0 asks for the first byte to learn the size.</summary>
    internal sealed record Lie(Func<RawHttpExchange, Task> Reply, BlockErrorKind? Outcome)
    {
        /// <summary>True if it depends on timing whether the lie does any harm; the bytes are right then.</summary>
        public bool MayBeRight { get; init; }

        /// <summary>True if the server never ends its reply: only the clock ends the attempt.</summary>
        public bool Hangs { get; init; }
    }

    public static IReadOnlyDictionary<string, Lie> AtOpening { get; } = new Dictionary<string, Lie>
    {
        ["200 and the whole page for a range"] = new(
            exchange => exchange.SendAsync("200 OK", new byte[5000], "Content-Length: 5000"), BlockErrorKind.Protocol),
        ["total of 2^63"] = new(
            exchange => exchange.PartialAsync("bytes 0-0/9223372036854775808", exchange.Part), BlockErrorKind.Protocol),
        ["negative total"] = new(exchange => exchange.PartialAsync("bytes 0-0/-5", exchange.Part), BlockErrorKind.Protocol),
        ["unknown total"] = new(exchange => exchange.PartialAsync("bytes 0-0/*", exchange.Part), BlockErrorKind.Protocol),
        ["total of zero with a first byte"] = new(
            exchange => exchange.PartialAsync("bytes 0-0/0", exchange.Part), BlockErrorKind.Protocol),
        ["no Content-Range"] = new(exchange => exchange.PartialAsync(null, exchange.Part), BlockErrorKind.Protocol),
        ["range of another unit"] = new(
            exchange => exchange.PartialAsync("items 0-0/300000", exchange.Part), BlockErrorKind.Protocol),
        ["two ETags"] = new(
            exchange => exchange.PartialAsync(exchange.RangeText, exchange.Part, "\"a\"", "ETag: \"b\""), BlockErrorKind.Protocol),
        ["gzip that nobody asked for"] = new(
            exchange => exchange.PartialAsync(exchange.RangeText, exchange.Part, headers: "Content-Encoding: gzip"),
            BlockErrorKind.Protocol),
        ["404"] = new(exchange => exchange.SendAsync("404 Not Found", default, "Content-Length: 0"), BlockErrorKind.NotFound),
        ["403"] = new(exchange => exchange.SendAsync("403 Forbidden", default, "Content-Length: 0"), BlockErrorKind.AccessDenied),
        ["416 of a page that is not empty"] = new(
            exchange => exchange.SendAsync(
                "416 Range Not Satisfiable", default, "Content-Length: 0", "Content-Range: bytes */300000"),
            BlockErrorKind.Protocol),
        ["501"] = new(exchange => exchange.SendAsync("501 Not Implemented", default, "Content-Length: 0"), BlockErrorKind.Protocol),
        ["503 for ever"] = new(
            exchange => exchange.SendAsync("503 Service Unavailable", default, "Content-Length: 0"), BlockErrorKind.Io),
        ["no status line"] = new(exchange => exchange.WriteAsync("I am a teapot\r\n\r\n"), BlockErrorKind.Protocol),
        ["silence"] = new(exchange => exchange.HangAsync(), BlockErrorKind.TimedOut) { Hangs = true },
        ["1 MiB of headers"] = new(
            exchange => exchange.SendAsync("206 Partial Content", default, $"X-Long: {new string('x', 1 << 20)}"),
            BlockErrorKind.Protocol),
        ["endless 100 Continue"] = new(ContinueForeverAsync, BlockErrorKind.TimedOut) { Hangs = true },
        ["redirection in a circle"] = new(
            exchange => exchange.SendAsync("302 Found", default, "Content-Length: 0", "Location: /disk.img"), BlockErrorKind.Protocol),
        ["redirection to a file"] = new(
            exchange => exchange.SendAsync("302 Found", default, "Content-Length: 0", "Location: file:///etc/passwd"),
            BlockErrorKind.Protocol),
        ["redirection to nowhere"] = new(
            exchange => exchange.SendAsync("302 Found", default, "Content-Length: 0"), BlockErrorKind.Protocol),
        ["reset before the status line"] = new(
            exchange =>
            {
                exchange.Reset();
                return Task.CompletedTask;
            },
            BlockErrorKind.Io),
    };

    public static IReadOnlyDictionary<string, Lie> Later { get; } = new Dictionary<string, Lie>
    {
        ["none"] = new(exchange => exchange.HonestAsync(), null),
        ["200 for a range"] = new(
            exchange => exchange.SendAsync(
                "200 OK", exchange.Part, $"Content-Length: {exchange.Part.Length}", $"ETag: {RawHttpExchange.Tag}"),
            BlockErrorKind.Protocol),
        ["200 with another version"] = new(
            exchange => exchange.SendAsync("200 OK", new byte[10], "Content-Length: 10", "ETag: \"v2\""), BlockErrorKind.Changed),
        ["range one byte further on"] = new(
            exchange => exchange.PartialAsync($"bytes {exchange.First + 1}-{exchange.Last + 1}/400000", exchange.Part),
            BlockErrorKind.Changed),
        ["range one byte further on, right total"] = new(
            exchange => exchange.PartialAsync(
                $"bytes {exchange.First + 1}-{exchange.Last}/300000", exchange.Part[1..]),
            BlockErrorKind.Protocol),
        ["range longer than asked for"] = new(
            exchange => exchange.PartialAsync($"bytes {exchange.First}-{exchange.Last + 1}/300000", new byte[exchange.Part.Length + 1]),
            BlockErrorKind.Protocol),
        ["range that ends before it begins"] = new(
            exchange => exchange.PartialAsync("bytes 10-5/300000", exchange.Part), BlockErrorKind.Protocol),
        ["another total"] = new(
            exchange => exchange.PartialAsync($"bytes {exchange.First}-{exchange.Last}/300001", exchange.Part),
            BlockErrorKind.Changed),
        ["unknown total, right ETag"] = new(
            exchange => exchange.PartialAsync($"bytes {exchange.First}-{exchange.Last}/*", exchange.Part), null),
        ["half of the range, and says so"] = new(
            exchange =>
            {
                var half = (exchange.Part.Length + 1) / 2;
                return exchange.PartialAsync(
                    $"bytes {exchange.First}-{exchange.First + half - 1}/300000", exchange.Part[..half]);
            },
            null),
        ["Content-Length against Content-Range"] = new(
            exchange => exchange.PartialAsync(exchange.RangeText, new byte[exchange.Part.Length + 5]), BlockErrorKind.Protocol),
        ["body one byte short for ever"] = new(
            exchange =>
            {
                exchange.Close();
                return exchange.SendAsync(
                    "206 Partial Content", exchange.Part[..^1], $"Content-Length: {exchange.Part.Length}",
                    $"Content-Range: {exchange.RangeText}", $"ETag: {RawHttpExchange.Tag}");
            },
            BlockErrorKind.Io),
        ["body in two parts with a pause"] = new(TwoPartsAsync, null),
        ["body cut off, every other time"] = new(
            exchange => exchange.Number % 2 == 0 ? exchange.HonestAsync() : CutAsync(exchange, exchange.Close), null),
        ["reset in the body, every other time"] = new(
            exchange => exchange.Number % 2 == 0 ? exchange.HonestAsync() : CutAsync(exchange, exchange.Reset), null),
        ["short body, connection kept, once"] = new(
            exchange => exchange.Number % 2 == 0 ? exchange.HonestAsync() : CutAsync(exchange, exchange.NeverEnds), null)
        {
            Hangs = true,
        },
        ["chunked"] = new(exchange => ChunkedAsync(exchange, $"{exchange.Part.Length:x}", exchange.Part, "0\r\n\r\n"), null),
        ["chunked, whole, reset before its end"] = new(
            async exchange =>
            {
                await ChunkedAsync(exchange, $"{exchange.Part.Length:x}", exchange.Part, "");
                await Task.Delay(20, exchange.CancellationToken);
                exchange.Reset();
            },
            null),
        ["chunked, whole, and no end"] = new(
            async exchange =>
            {
                await ChunkedAsync(exchange, $"{exchange.Part.Length:x}", exchange.Part, "");
                await exchange.HangAsync();
            },
            BlockErrorKind.TimedOut)
        {
            Hangs = true,
            MayBeRight = true,
        },
        ["chunked and too long"] = new(
            exchange => ChunkedAsync(
                exchange, $"{exchange.Part.Length + 3:x}", new byte[exchange.Part.Length + 3], "0\r\n\r\n"),
            BlockErrorKind.Protocol),
        ["chunked without end"] = new(
            async exchange =>
            {
                await ChunkedAsync(exchange, $"{exchange.Part.Length:x}", exchange.Part[..^1], "");
                await exchange.HangAsync();
            },
            BlockErrorKind.TimedOut)
        {
            Hangs = true,
        },
        ["chunked with a bad size"] = new(
            exchange => ChunkedAsync(exchange, "fffffffffffffffffff", exchange.Part, "0\r\n\r\n"), BlockErrorKind.Protocol),
        ["no Content-Length, ends by closing"] = new(exchange => UntilCloseAsync(exchange, exchange.Part), null),
        ["no Content-Length, closed too early"] = new(
            exchange => UntilCloseAsync(exchange, exchange.Part[..^1]), BlockErrorKind.Io),
        ["no Content-Length, too long"] = new(
            exchange => UntilCloseAsync(exchange, new byte[exchange.Part.Length + 1]), BlockErrorKind.Protocol),
        ["gzip"] = new(
            exchange => exchange.PartialAsync(exchange.RangeText, exchange.Part, headers: "Content-Encoding: gzip"),
            BlockErrorKind.Protocol),
        ["another ETag"] = new(
            exchange => exchange.PartialAsync(exchange.RangeText, exchange.Part, "\"v2\""), BlockErrorKind.Changed),
        ["ETag gone"] = new(exchange => exchange.PartialAsync(exchange.RangeText, exchange.Part, null), BlockErrorKind.Changed),
        ["412"] = new(
            exchange => exchange.SendAsync("412 Precondition Failed", default, "Content-Length: 0"), BlockErrorKind.Changed),
        ["416"] = new(
            exchange => exchange.SendAsync("416 Range Not Satisfiable", default, "Content-Length: 0", "Content-Range: bytes */10"),
            BlockErrorKind.Changed),
        ["404"] = new(exchange => exchange.SendAsync("404 Not Found", default, "Content-Length: 0"), BlockErrorKind.NotFound),
        ["multipart/byteranges"] = new(
            exchange => exchange.PartialAsync(
                exchange.RangeText, exchange.Part, headers: "Content-Type: multipart/byteranges; boundary=x"),
            BlockErrorKind.Protocol),
        ["503 with Retry-After, then well"] = new(
            exchange => exchange.Number % 2 == 0
                ? exchange.HonestAsync()
                : exchange.SendAsync("503 Service Unavailable", default, "Content-Length: 0", "Retry-After: 86400"),
            null),
        ["429, then well"] = new(
            exchange => exchange.Number % 2 == 0
                ? exchange.HonestAsync()
                : exchange.SendAsync("429 Too Many Requests", default, "Content-Length: 0"),
            null),
        ["500 for ever"] = new(
            exchange => exchange.SendAsync("500 Internal Server Error", default, "Content-Length: 0"), BlockErrorKind.Io),
        ["a byte now and then"] = new(DripAsync, BlockErrorKind.TimedOut) { Hangs = true },
        ["redirection to a page that is right"] = new(
            exchange => exchange.Path == "/disk.img"
                ? exchange.SendAsync("307 Temporary Redirect", default, "Content-Length: 0", "Location: other/place")
                : exchange.HonestAsync(),
            null),
        ["redirection to a page of another version"] = new(
            exchange => exchange.Path == "/disk.img"
                ? exchange.SendAsync("307 Temporary Redirect", default, "Content-Length: 0", "Location: /other")
                : exchange.PartialAsync(exchange.RangeText, exchange.Part, "\"v2\""),
            BlockErrorKind.Changed),
        ["redirection that runs out"] = new(SignedAsync, null),
        ["a forged reply behind the right one"] = new(
            async exchange =>
            {
                await exchange.HonestAsync();
                await exchange.WriteAsync("HTTP/1.1 206 Partial Content\r\nContent-Length: 0\r\n\r\n");
            },
            BlockErrorKind.Changed)
        {
            MayBeRight = true,
        },
    };

    private static async Task ContinueForeverAsync(RawHttpExchange exchange)
    {
        exchange.NeverEnds();
        while (true)
        {
            await exchange.WriteAsync("HTTP/1.1 100 Continue\r\n\r\n");
            await Task.Delay(5, exchange.CancellationToken);
        }
    }

    private static string Head(RawHttpExchange exchange, params string[] headers) =>
        $"HTTP/1.1 206 Partial Content\r\nETag: {RawHttpExchange.Tag}\r\nContent-Range: {exchange.RangeText}\r\n"
        + string.Concat(headers.Select(header => $"{header}\r\n")) + "\r\n";

    private static async Task TwoPartsAsync(RawHttpExchange exchange)
    {
        await exchange.WriteAsync(
            Head(exchange, string.Create(CultureInfo.InvariantCulture, $"Content-Length: {exchange.Part.Length}")));
        await exchange.WriteAsync(exchange.Part[..(exchange.Part.Length / 2)]);
        await Task.Delay(30, exchange.CancellationToken);
        await exchange.WriteAsync(exchange.Part[(exchange.Part.Length / 2)..]);
    }

    private static async Task CutAsync(RawHttpExchange exchange, Action end)
    {
        await exchange.WriteAsync(
            Head(exchange, string.Create(CultureInfo.InvariantCulture, $"Content-Length: {exchange.Part.Length}")));
        await exchange.WriteAsync(exchange.Part[..(exchange.Part.Length * 2 / 3)]);
        await Task.Delay(20, exchange.CancellationToken);
        end();
    }

    private static async Task ChunkedAsync(RawHttpExchange exchange, string size, ReadOnlyMemory<byte> body, string end)
    {
        await exchange.WriteAsync(Head(exchange, "Transfer-Encoding: chunked") + $"{size}\r\n");
        await exchange.WriteAsync(body);
        await exchange.WriteAsync(end.Length > 0 ? $"\r\n{end}" : "");
    }

    private static async Task UntilCloseAsync(RawHttpExchange exchange, ReadOnlyMemory<byte> body)
    {
        await exchange.WriteAsync(Head(exchange, "Connection: close"));
        await exchange.WriteAsync(body);
        exchange.Close();
    }

    /// <summary>Redirects to an address that is good for one more request only.</summary>
    private static Task SignedAsync(RawHttpExchange exchange)
    {
        if (exchange.Path == "/disk.img")
        {
            return exchange.SendAsync("302 Found", default, "Content-Length: 0", $"Location: /signed/{exchange.Number}");
        }

        var issued = int.Parse(exchange.Path.Split('/')[2], CultureInfo.InvariantCulture);
        return exchange.Number == issued + 1
            ? exchange.HonestAsync()
            : exchange.SendAsync("403 Forbidden", default, "Content-Length: 0");
    }

    private static async Task DripAsync(RawHttpExchange exchange)
    {
        exchange.NeverEnds();
        await exchange.WriteAsync(
            Head(exchange, string.Create(CultureInfo.InvariantCulture, $"Content-Length: {exchange.Part.Length}")));
        for (var position = 0; position < exchange.Part.Length; position++)
        {
            await exchange.WriteAsync(exchange.Part.Slice(position, 1));
            await Task.Delay(50, exchange.CancellationToken);
        }
    }
}
