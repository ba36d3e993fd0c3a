using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Eider.Testing.Storage;

/// <summary>One request to a <see cref="RawHttpServer"/>, and the means to answer it well or badly.</summary>
public sealed class RawHttpExchange
{
    /// <summary>The ETag of an honest reply.</summary>
    public const string Tag = "\"v1\"";

    private readonly RawHttpServer _server;
    private readonly TcpClient _client;

    /// <summary>A request that was read.</summary>
    public RawHttpExchange(RawHttpServer server, TcpClient client, string head, int number, CancellationToken cancellationToken)
    {
        _server = server;
        _client = client;
        Head = head;
        Number = number;
        CancellationToken = cancellationToken;
        Method = head[..head.IndexOf(' ', StringComparison.Ordinal)];
        Path = head.Split(' ')[1];
        if (HeaderOf("Range") is { } range)
        {
            var ends = range["bytes=".Length..].Split('-');
            First = int.Parse(ends[0], CultureInfo.InvariantCulture);
            Last = int.Parse(ends[1], CultureInfo.InvariantCulture);
        }
    }

    /// <summary>The whole request, as it came.</summary>
    public string Head { get; }

    /// <summary>GET, HEAD ...</summary>
    public string Method { get; }

    /// <summary>What was asked for.</summary>
    public string Path { get; }

    /// <summary>How many requests came before, on all connections.</summary>
    public int Number { get; }

    /// <summary>First byte of the range.</summary>
    public int First { get; }

    /// <summary>Last byte of the range.</summary>
    public int Last { get; }

    /// <summary>Cancelled when the server stops.</summary>
    public CancellationToken CancellationToken { get; }

    /// <summary>True if the connection shall end after the reply.</summary>
    public bool IsClosing { get; private set; }

    /// <summary>The range's bytes.</summary>
    public ReadOnlyMemory<byte> Part => _server.Content.AsMemory(First, Last - First + 1);

    /// <summary>The Content-Range of an honest reply.</summary>
    public string RangeText => $"bytes {First}-{Last}/{_server.Content.Length}";

    /// <summary>A header of the request; null if it has none.</summary>
    public string? HeaderOf(string name) => Head.Split("\r\n")
        .FirstOrDefault(line => line.StartsWith($"{name}: ", StringComparison.OrdinalIgnoreCase))?[(name.Length + 2)..];

    /// <summary>The reply that keeps all rules.</summary>
    public Task HonestAsync() => PartialAsync(RangeText, Part);

    /// <summary>A partial reply with a Content-Range of the test's choice.</summary>
    /// <param name="range">The Content-Range; null for none.</param>
    /// <param name="body">The body, whose length is Content-Length.</param>
    /// <param name="tag">The ETag; null for none.</param>
    /// <param name="headers">More headers, each as a whole line.</param>
    public Task PartialAsync(string? range, ReadOnlyMemory<byte> body, string? tag = Tag, params string[] headers) => SendAsync(
        "206 Partial Content",
        body,
        [
            $"Content-Length: {body.Length}",
            .. range == null ? Array.Empty<string>() : [$"Content-Range: {range}"],
            .. tag == null ? Array.Empty<string>() : [$"ETag: {tag}"],
            .. headers,
        ]);

    /// <summary>Any reply.</summary>
    public async Task SendAsync(string status, ReadOnlyMemory<byte> body, params string[] headers)
    {
        var head = $"HTTP/1.1 {status}\r\n{string.Concat(headers.Select(header => $"{header}\r\n"))}\r\n";
        await WriteAsync(Encoding.Latin1.GetBytes(head));
        await WriteAsync(body);
    }

    /// <summary>Bytes as they are.</summary>
    public async Task WriteAsync(ReadOnlyMemory<byte> bytes) => await _client.GetStream().WriteAsync(bytes, CancellationToken);

    /// <summary>Bytes from Latin-1 text.</summary>
    public Task WriteAsync(string text) => WriteAsync(Encoding.Latin1.GetBytes(text));

    /// <summary>Ends the connection in good order after this reply.</summary>
    public void Close() => IsClosing = true;

    /// <summary>Ends the connection by a reset.</summary>
    public void Reset()
    {
        _client.LingerState = new LingerOption(true, 0);
        IsClosing = true;
    }

    /// <summary>Tells <see cref="RawHttpServer.NeverEnding"/> that this reply will not end.</summary>
    public void NeverEnds() => _server.CountNeverEnding();

    /// <summary>Says nothing more until the server stops.</summary>
    public Task HangAsync()
    {
        NeverEnds();
        return Task.Delay(Timeout.Infinite, CancellationToken);
    }
}
