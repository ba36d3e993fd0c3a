using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Eider.Testing.Storage;

/// <summary>
/// An HTTP server on a loopback port whose replies are written byte by byte by the test, so that it can break every
/// rule of the protocol.
/// </summary>
public sealed class RawHttpServer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _closing = new();
    private readonly Func<RawHttpExchange, Task> _reply;
    private readonly Task _accepting;
    private int _requests;
    private int _neverEnding;

    /// <summary>Starts a server.</summary>
    /// <param name="content">What its page holds.</param>
    /// <param name="reply">Called for each request, on several connections at once.</param>
    public RawHttpServer(byte[] content, Func<RawHttpExchange, Task> reply)
    {
        Content = content;
        _reply = reply;
        _listener.Start();
        Url = new Uri($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}/disk.img");
        _accepting = AcceptAsync();
    }

    /// <summary>The address of the page.</summary>
    public Uri Url { get; }

    /// <summary>What the page holds.</summary>
    public byte[] Content { get; }

    /// <summary>How many requests came.</summary>
    public int RequestCount => Volatile.Read(ref _requests);

    /// <summary>How many replies said that they will not end.</summary>
    public int NeverEnding => Volatile.Read(ref _neverEnding);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync();
        _listener.Stop();
        await _accepting;
        _closing.Dispose();
    }

    internal void CountNeverEnding() => Interlocked.Increment(ref _neverEnding);

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                _ = ServeAsync(await _listener.AcceptTcpClientAsync(_closing.Token));
            }
        }
        catch (Exception exception) when (
            exception is OperationCanceledException or SocketException or ObjectDisposedException
            || (exception is InvalidOperationException && _closing.IsCancellationRequested))
        {
            // Closed; a listener that was stopped between two accepts answers with InvalidOperationException.
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using (client)
        {
            try
            {
                var stream = client.GetStream();
                while (await ReadHeadAsync(stream) is { } head)
                {
                    var exchange = new RawHttpExchange(
                        this, client, head, Interlocked.Increment(ref _requests) - 1, _closing.Token);
                    await _reply(exchange);
                    if (exchange.IsClosing)
                    {
                        return;
                    }
                }
            }
            catch (Exception exception) when (exception is IOException or OperationCanceledException or ObjectDisposedException)
            {
                // The client went away, which is its right.
            }
        }
    }

    private async Task<string?> ReadHeadAsync(NetworkStream stream)
    {
        var head = new StringBuilder();
        var read = new byte[1];
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            if (await stream.ReadAsync(read, _closing.Token) == 0)
            {
                return null;
            }

            head.Append((char)read[0]);
        }

        return head.ToString();
    }
}
