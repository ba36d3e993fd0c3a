using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Globalization;
using System.Net.Sockets;

namespace Eider.Storage.Backends.Nbd;

/// <summary>A connection in its transmission phase: many requests at once, replies in any order.</summary>
internal sealed class NbdConnection : IAsyncDisposable
{
    private readonly ConcurrentDictionary<ulong, NbdRequest> _pending = new();
    private readonly SemaphoreSlim _sending = new(1, 1);
    private readonly byte[] _head = new byte[NbdProtocol.RequestBytes];
    private readonly NetworkStream _stream;
    private readonly TimeSpan _patience;
    private readonly string _name;
    private readonly Task _reader;
    private Exception? _failure;
    private ulong _cookie;
    private volatile bool _isClosed;

    private NbdConnection(NetworkStream stream, NbdExport export, string name, TimeSpan patience)
    {
        _stream = stream;
        _patience = patience;
        _name = name;
        Export = export;
        _reader = ReceiveAsync();
    }

    /// <summary>The disk.</summary>
    public NbdExport Export { get; }

    /// <summary>Connects and agrees.</summary>
    /// <exception cref="BlockStorageException">The server cannot be reached, refuses, or breaks the protocol.</exception>
    public static async ValueTask<NbdConnection> OpenAsync(NbdAddress address, NbdStorageOptions options, CancellationToken cancellationToken)
    {
        var name = address.ToString();
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(options.ConnectTimeout);
        NetworkStream? stream = null;
        try
        {
            stream = new NetworkStream(await address.ConnectAsync(limit.Token).ConfigureAwait(false), ownsSocket: true);
            var export = await new NbdHandshake(stream, name).RunAsync(address.Export, limit.Token).ConfigureAwait(false);
            return new NbdConnection(stream, export, name, options.ReplyTimeout);
        }
        catch (Exception failure)
        {
            if (stream != null)
            {
                await stream.DisposeAsync().ConfigureAwait(false);
            }

            throw failure switch
            {
                BlockStorageException => failure,
                OperationCanceledException when cancellationToken.IsCancellationRequested => failure,
                OperationCanceledException => Failed(
                    BlockErrorKind.TimedOut, name, $"no answer within {options.ConnectTimeout.TotalSeconds:0.###} s", failure),
                SocketException { SocketErrorCode: SocketError.AddressNotAvailable or SocketError.HostNotFound } => Failed(
                    BlockErrorKind.NotFound, name, $"cannot be reached: {failure.Message}", failure),
                _ => Failed(BlockErrorKind.Io, name, $"cannot be reached: {failure.Message}", failure),
            };
        }

        static BlockStorageException Failed(BlockErrorKind kind, string name, FormattableString what, Exception cause) => new(
            kind, BlockOperation.Open, name, null, $"{name}: {what.ToString(CultureInfo.InvariantCulture)}", cause);
    }

    /// <summary>Sends a request and waits for its reply.</summary>
    /// <exception cref="BlockStorageException">The server failed it, or the connection ended.</exception>
    public async ValueTask<NbdRequest> RunAsync(
        BlockOperation operation, NbdRequest request, ushort flags, CancellationToken cancellationToken)
    {
        try
        {
            await SendAsync(request, flags, cancellationToken).ConfigureAwait(false);
            var error = await WaitAsync(request, cancellationToken).ConfigureAwait(false);
            return error == 0 ? request : throw Failed(
                operation, request, NbdProtocol.KindOf(error),
                string.Create(CultureInfo.InvariantCulture, $"the server answered with error {error}"), null);
        }
        catch (Exception failure) when (failure is IOException or SocketException or ObjectDisposedException or InvalidDataException or TimeoutException
            && failure is not BlockStorageException)
        {
            await BreakAsync(failure).ConfigureAwait(false);
            var cause = _failure ?? failure;
            var kind = cause switch
            {
                _ when _isClosed => BlockErrorKind.Closed,
                InvalidDataException => BlockErrorKind.Protocol,
                TimeoutException => BlockErrorKind.TimedOut,
                _ => BlockErrorKind.Io,
            };
            throw Failed(operation, request, kind, $"the connection ended: {cause.Message}", cause);
        }
    }

    /// <summary>Takes leave, and ends the connection; requests in flight fail.</summary>
    public async ValueTask DisposeAsync()
    {
        _isClosed = true;
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(1));
        try
        {
            await _sending.WaitAsync(limit.Token).ConfigureAwait(false);
            try
            {
                WriteHead(NbdProtocol.Disconnect, 0, 0, 0, 0);
                await _stream.WriteAsync(_head, limit.Token).ConfigureAwait(false);
            }
            finally
            {
                _sending.Release();
            }
        }
        catch (Exception failure) when (failure is IOException or OperationCanceledException or ObjectDisposedException)
        {
            // It ends anyway.
        }

        await BreakAsync(new IOException("it was closed")).ConfigureAwait(false);
    }

    private async ValueTask SendAsync(NbdRequest request, ushort flags, CancellationToken cancellationToken)
    {
        await _sending.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var cookie = ++_cookie;
            _pending[cookie] = request;
            if (Volatile.Read(ref _failure) is { } failure)
            {
                throw new IOException(failure.Message, failure);
            }

            // Once it has begun it goes out whole: half a request would be the end of the connection.
            using var limit = new CancellationTokenSource(_patience);
            WriteHead(request.Type, flags, cookie, request.OffsetBytes, (uint)request.LengthBytes);
            await _stream.WriteAsync(_head, limit.Token).ConfigureAwait(false);
            for (var index = 0; request.Type == NbdProtocol.Write && index < request.Buffers.Count; index++)
            {
                await _stream.WriteAsync(request.Buffers[index], limit.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            throw new TimeoutException("the server takes no more requests");
        }
        finally
        {
            _sending.Release();
        }
    }

    private async ValueTask<uint> WaitAsync(NbdRequest request, CancellationToken cancellationToken)
    {
        try
        {
            return await request.Done.WaitAsync(_patience, cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!request.TryAbandon())
        {
            // Its bytes are arriving: the buffers are in use until they are there.
            return await request.Done.WaitAsync(_patience, CancellationToken.None).ConfigureAwait(false);
        }
    }

    private void WriteHead(ushort type, ushort flags, ulong cookie, long offset, uint length)
    {
        BinaryPrimitives.WriteUInt32BigEndian(_head, NbdProtocol.RequestMagic);
        BinaryPrimitives.WriteUInt16BigEndian(_head.AsSpan(4), flags);
        BinaryPrimitives.WriteUInt16BigEndian(_head.AsSpan(6), type);
        BinaryPrimitives.WriteUInt64BigEndian(_head.AsSpan(8), cookie);
        BinaryPrimitives.WriteInt64BigEndian(_head.AsSpan(16), offset);
        BinaryPrimitives.WriteUInt32BigEndian(_head.AsSpan(24), length);
    }

    private async Task ReceiveAsync()
    {
        try
        {
            var replies = new NbdReplies(_stream, Export, cookie => _pending.GetValueOrDefault(cookie));
            while (true)
            {
                if (await replies.TakeAsync().ConfigureAwait(false) is { } cookie && _pending.TryRemove(cookie, out var request))
                {
                    request.Complete();
                }
            }
        }
        catch (Exception failure)
        {
            Interlocked.CompareExchange(ref _failure, failure is EndOfStreamException ? new IOException("the server hung up") : failure, null);
            await _stream.DisposeAsync().ConfigureAwait(false);
        }

        // Nobody fills buffers any more. Who sends now sees the failure, or is found here.
        await _sending.WaitAsync().ConfigureAwait(false);
        _sending.Release();
        foreach (var (_, request) in _pending)
        {
            request.Break(_failure!);
        }
    }

    private async ValueTask BreakAsync(Exception failure)
    {
        Interlocked.CompareExchange(ref _failure, failure, null);
        await _stream.DisposeAsync().ConfigureAwait(false);
        await _reader.ConfigureAwait(false);
    }

    private BlockStorageException Failed(BlockOperation operation, NbdRequest request, BlockErrorKind kind, string why, Exception? cause) =>
        cause == null
            ? new(kind, operation, _name, request.OffsetBytes, $"{_name}: {why}")
            : new(kind, operation, _name, request.OffsetBytes, $"{_name}: {why}", cause);
}
