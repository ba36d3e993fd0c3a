using Eider.Storage.Backends;
using Eider.Testing.Hardware;
using Eider.Testing.Storage;

namespace Eider.Storage.Tests.Backends;

/// <summary>
/// A server that lies when it is told to, and what a storage makes of it. Time-outs come from a clock that moves whenever a reply that
/// never ends has begun, so that the speed of the machine plays no part.
/// </summary>
internal sealed class HttpLyingServer : IAsyncDisposable
{
    /// <summary>Size of the page.</summary>
    public const int ContentBytes = 300_000;

    private static readonly TimeSpan AttemptTimeout = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan HangsAfter = TimeSpan.FromMinutes(1);

    private readonly HttpLies.Lie _lie;
    private readonly ManualClock _clock = new();
    private readonly RawHttpServer _server;
    private readonly HttpStorageOptions _options;
    private readonly TaskCompletionSource<int> _firstLie = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _lies;
    private int _timedOut;

    public HttpLyingServer(HttpLies.Lie lie)
    {
        _lie = lie;
        Content = new byte[ContentBytes];
        new Random(ContentBytes).NextBytes(Content);
        _server = new RawHttpServer(Content, ReplyAsync);
        _options = new HttpStorageOptions
        {
            AttemptTimeout = AttemptTimeout,
            MaxAttempts = 3,
            MaxConcurrentRequests = 1,
            RetryDelay = TimeSpan.FromMilliseconds(lie.Hangs ? 0 : 1),
            MaxRetryDelay = TimeSpan.FromMilliseconds(lie.Hangs ? 0 : 20),
            CacheBytes = 1 << 20,
            TimeProvider = lie.Hangs ? _clock : TimeProvider.System,
        };
    }

    /// <summary>What the page holds.</summary>
    public byte[] Content { get; }

    /// <summary>True: every reply is a lie.</summary>
    public bool IsLying { get; set; }

    /// <summary>Lies told so far.</summary>
    public int Lies => Volatile.Read(ref _lies);

    /// <summary>Ends with the first byte of the first range that was lied about.</summary>
    public Task<int> FirstLie => _firstLie.Task.WaitAsync(HangsAfter);

    /// <summary>The address.</summary>
    public Uri Url => _server.Url;

    /// <summary>Opens the page.</summary>
    public Task<HttpStorage> OpenAsync() => FinishAsync(HttpStorage.OpenAsync(Url, _options).AsTask());

    /// <summary>Reads a range, and holds what is answered against the page.</summary>
    /// <returns>What went wrong; null if the bytes were right.</returns>
    public async Task<BlockErrorKind?> ReadAsync(HttpStorage storage, int offset, int length)
    {
        var read = new byte[length];
        try
        {
            var result = await FinishAsync(storage.ReadAsync(offset, read).AsTask());
            Assert.Equal(offset + (long)length <= storage.SizeBytes ? BlockResult.Ok : BlockResult.OutOfRange, result);
            Assert.True(result != BlockResult.Ok || Content.AsSpan(offset, length).SequenceEqual(read), $"wrong bytes at {offset}");
            return null;
        }
        catch (BlockStorageException failure)
        {
            Assert.Equal(BlockOperation.Read, failure.Operation);
            Check(failure);
            return failure.Kind;
        }
    }

    /// <summary>Holds that a failure is one line that begins with the address.</summary>
    public void Check(BlockStorageException failure)
    {
        Assert.StartsWith(Url.ToString(), failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', failure.Message);
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private Task ReplyAsync(RawHttpExchange exchange)
    {
        if (!IsLying)
        {
            return exchange.HonestAsync();
        }

        Interlocked.Increment(ref _lies);
        _firstLie.TrySetResult(exchange.First);
        return _lie.Reply(exchange);
    }

    /// <summary>Waits, and lets the time run out for each reply that never ends.</summary>
    private async Task<T> FinishAsync<T>(Task<T> task)
    {
        var deadline = Task.Delay(HangsAfter);
        while (_lie.Hangs && !task.IsCompleted && !deadline.IsCompleted)
        {
            // Also for a request that nobody waited for when it was made.
            if (_server.NeverEnding != _timedOut)
            {
                _timedOut = _server.NeverEnding;
                _clock.Advance(AttemptTimeout);
            }

            await Task.WhenAny(task, Task.Delay(1));
        }

        return await task.WaitAsync(HangsAfter);
    }
}
