using System.Text;

namespace Eider.Devices.Virtio.Console;

/// <summary>
/// The host's end of a port for programs: what the guest writes can be received, what is sent goes to the guest.
/// Each direction holds a bounded number of bytes; a full one holds back the side that fills it, nothing is lost.
/// All members are safe to call from any thread.
/// </summary>
public sealed class ConsoleEndpoint : ConsoleBackend
{
    private readonly Lock _gate = new();
    private readonly ByteRing _toGuest;
    private readonly ByteRing _fromGuest;
    private TaskCompletionSource? _roomToGuest;
    private TaskCompletionSource? _bytesFromGuest;
    private bool _isOpen = true;
    private bool _isInputClosed;
    private bool _discards;
    private bool _wroteShort;
    private long _discardedBytes;

    /// <summary>An end with buffers of <see cref="ConsoleLimits.BufferBytes"/>.</summary>
    public ConsoleEndpoint()
        : this(ConsoleLimits.BufferBytes)
    {
    }

    /// <summary>An end with buffers of a size.</summary>
    /// <param name="bufferBytes">Bytes held for each direction, at least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">Less than one byte.</exception>
    public ConsoleEndpoint(int bufferBytes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bufferBytes, 1);
        _toGuest = new ByteRing(bufferBytes);
        _fromGuest = new ByteRing(bufferBytes);
    }

    /// <inheritdoc/>
    public override bool IsOpen
    {
        get
        {
            lock (_gate)
            {
                // A guest that has nothing more to read and nobody to write to has a closed port.
                return _isOpen && !(_isInputClosed && _discards && _toGuest.Count == 0);
            }
        }
    }

    /// <inheritdoc/>
    public override bool IsInputEnded
    {
        get
        {
            lock (_gate)
            {
                return (_isInputClosed || !_isOpen) && _toGuest.Count == 0;
            }
        }
    }

    /// <summary>Bytes sent that the guest has not read yet.</summary>
    public int UnreadBytes
    {
        get
        {
            lock (_gate)
            {
                return _toGuest.Count;
            }
        }
    }

    /// <summary>Bytes of the guest that were thrown away because the output was closed.</summary>
    public long DiscardedBytes => Volatile.Read(ref _discardedBytes);

    /// <summary>Guest side: takes what fits.</summary>
    /// <param name="bytes">What the guest wrote.</param>
    /// <returns>How many bytes were taken.</returns>
    public override int Write(ReadOnlySpan<byte> bytes)
    {
        TaskCompletionSource? waiting;
        int taken;
        lock (_gate)
        {
            if (_discards)
            {
                _discardedBytes += bytes.Length;
                return bytes.Length;
            }

            taken = _fromGuest.Write(bytes);
            _wroteShort |= taken < bytes.Length;
            waiting = taken > 0 ? Take(ref _bytesFromGuest) : null;
        }

        waiting?.TrySetResult();
        return taken;
    }

    /// <summary>Guest side: gives what there is.</summary>
    /// <param name="bytes">Where it goes.</param>
    /// <returns>How many bytes were given.</returns>
    public override int Read(Span<byte> bytes)
    {
        TaskCompletionSource? waiting;
        int given;
        bool ended;
        lock (_gate)
        {
            given = _toGuest.Read(bytes);
            waiting = given > 0 ? Take(ref _roomToGuest) : null;
            ended = given > 0 && _toGuest.Count == 0 && _isInputClosed;
        }

        waiting?.TrySetResult();
        if (ended)
        {
            OnChanged();
        }

        return given;
    }

    /// <summary>Host side: sends what fits to the guest.</summary>
    /// <param name="bytes">The bytes.</param>
    /// <returns>How many were taken; 0 if the buffer is full or the input was closed.</returns>
    public int Send(ReadOnlySpan<byte> bytes)
    {
        int taken;
        lock (_gate)
        {
            taken = _isInputClosed || !_isOpen ? 0 : _toGuest.Write(bytes);
        }

        if (taken > 0)
        {
            OnChanged();
        }

        return taken;
    }

    /// <summary>Host side: sends all to the guest, waiting for room.</summary>
    /// <param name="bytes">The bytes.</param>
    /// <param name="cancellationToken">Ends the wait; what was sent stays sent.</param>
    /// <exception cref="InvalidOperationException">The input was closed.</exception>
    public async ValueTask SendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken = default)
    {
        while (!bytes.IsEmpty)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var taken = Send(bytes.Span);
            bytes = bytes[taken..];
            if (taken == 0)
            {
                await WaitForRoomAsync().WaitAsync(cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Host side: sends text as UTF-8, waiting for room.</summary>
    /// <param name="text">The text.</param>
    /// <param name="cancellationToken">Ends the wait; what was sent stays sent.</param>
    /// <exception cref="InvalidOperationException">The input was closed.</exception>
    public ValueTask SendAsync(string text, CancellationToken cancellationToken = default) =>
        SendAsync(Encoding.UTF8.GetBytes(text), cancellationToken);

    /// <summary>Host side: takes what the guest wrote so far.</summary>
    /// <param name="bytes">Where it goes.</param>
    /// <returns>How many bytes there were; 0 if none.</returns>
    public int Receive(Span<byte> bytes)
    {
        int received;
        bool wake;
        lock (_gate)
        {
            received = _fromGuest.Read(bytes);
            wake = received > 0 && _wroteShort;
            _wroteShort &= !wake;
        }

        if (wake)
        {
            OnChanged();
        }

        return received;
    }

    /// <summary>Host side: takes what the guest wrote, waiting for at least one byte.</summary>
    /// <param name="bytes">Where it goes, not empty.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>How many bytes there were; 0 once the end was closed and everything was received.</returns>
    public async ValueTask<int> ReceiveAsync(Memory<byte> bytes, CancellationToken cancellationToken = default)
    {
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var received = Receive(bytes.Span);
            if (received > 0)
            {
                return received;
            }

            var wait = WaitForBytes();
            if (wait is null)
            {
                return Receive(bytes.Span);
            }

            await wait.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Host side: no more input will come; the guest still gets what was sent.</summary>
    public void CloseInput()
    {
        lock (_gate)
        {
            _isInputClosed = true;
        }

        ReleaseWaiters();
        OnChanged();
    }

    /// <summary>
    /// Host side: nobody receives any more. What the guest writes is thrown away and counted in
    /// <see cref="DiscardedBytes"/>; what waits can still be received.
    /// </summary>
    public void CloseOutput()
    {
        lock (_gate)
        {
            _discards = true;
        }

        ReleaseWaiters();
        OnChanged();
    }

    /// <summary>Host side: closes both directions; a guest that knows ports sees the port closed.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _isOpen = false;
            _isInputClosed = true;
            _discards = true;
        }

        ReleaseWaiters();
        OnChanged();
    }

    /// <summary>Host side: opens a closed end again.</summary>
    public void Open()
    {
        lock (_gate)
        {
            _isOpen = true;
            _isInputClosed = false;
            _discards = false;
        }

        OnChanged();
    }

    private static TaskCompletionSource? Take(ref TaskCompletionSource? waiting)
    {
        var taken = waiting;
        waiting = null;
        return taken;
    }

    private Task WaitForRoomAsync()
    {
        lock (_gate)
        {
            if (_isInputClosed || !_isOpen)
            {
                throw new InvalidOperationException("the input of this console end is closed");
            }

            if (_toGuest.Free > 0)
            {
                return Task.CompletedTask;
            }

            _roomToGuest ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _roomToGuest.Task;
        }
    }

    // Null once nothing will come any more.
    private Task? WaitForBytes()
    {
        lock (_gate)
        {
            if (_fromGuest.Count > 0)
            {
                return Task.CompletedTask;
            }

            if (_discards)
            {
                return null;
            }

            _bytesFromGuest ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _bytesFromGuest.Task;
        }
    }

    private void ReleaseWaiters()
    {
        TaskCompletionSource? room;
        TaskCompletionSource? bytes;
        lock (_gate)
        {
            room = Take(ref _roomToGuest);
            bytes = Take(ref _bytesFromGuest);
        }

        room?.TrySetResult();
        bytes?.TrySetResult();
    }
}
