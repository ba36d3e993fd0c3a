using System.Text;
using Eider.Devices.Virtio.Console;

namespace Eider.Machines;

/// <summary>
/// The host's end of a guest's terminal, for programs: wait for a prompt, send a line, read the answer. It always
/// takes what the guest writes and keeps the latest of it. Text is UTF-8; one wait at a time.
/// </summary>
/// <param name="clock">Measures time-outs; null for the host's clock.</param>
public sealed class MachineConsole(TimeProvider? clock = null) : ConsoleBackend
{
    private const int KeptBytes = 1 << 20;
    private const int InputBytes = 64 << 10;
    private const int ErrorTailCharacters = 400;

    private readonly Lock _gate = new();
    private readonly TimeProvider _clock = clock ?? TimeProvider.System;
    private readonly Queue<(byte[] Prompt, byte[] Answer)> _answers = new();
    private readonly Queue<byte> _input = new();
    private byte[] _output = new byte[4096];
    private int _length; // bytes in _output
    private int _read; // up to where they were returned to a reader
    private int _answered; // up to where they were looked at for a prompt to answer
    private Waiter? _waiter;
    private TaskCompletionSource? _room;
    private string? _ended;

    /// <summary>How long a wait lasts unless it is told otherwise.</summary>
    public TimeSpan DefaultTimeout { get; set; } = TimeSpan.FromMinutes(2);

    /// <inheritdoc/>
    public override bool IsOpen => true;

    /// <inheritdoc/>
    public override bool IsInputEnded => false;

    /// <summary>What the guest wrote: all of it, or the latest mebibyte.</summary>
    public string Transcript
    {
        get
        {
            lock (_gate)
            {
                return Encoding.UTF8.GetString(_output, 0, _length);
            }
        }
    }

    /// <summary>Waits until the guest wrote a text, and takes everything up to its end.</summary>
    /// <param name="text">The text, such as a prompt.</param>
    /// <param name="timeout">How long to wait; null for <see cref="DefaultTimeout"/>.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>What the guest wrote since the last wait, up to and with the text.</returns>
    /// <exception cref="TimeoutException">It did not come in time; the message has the latest output.</exception>
    /// <exception cref="MachineEndedException">The machine ended before it came.</exception>
    public async Task<string> WaitForAsync(string text, TimeSpan? timeout = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(text);
        var waiter = new Waiter(text);
        lock (_gate)
        {
            if (_waiter is not null)
            {
                throw new InvalidOperationException("somebody waits for this console already");
            }

            waiter.Scanned = _read;
            _waiter = waiter;
            Match();
            if (_ended is not null)
            {
                EndWaiter();
            }
        }

        var patience = timeout ?? DefaultTimeout;
        try
        {
            return await waiter.Found.Task.WaitAsync(patience, _clock, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException cause)
        {
            throw new TimeoutException($"'{text}' did not come within {patience.TotalSeconds:0.#} s; the console's last output was '{Tail()}'", cause);
        }
        finally
        {
            lock (_gate)
            {
                _waiter = ReferenceEquals(_waiter, waiter) ? null : _waiter;
            }
        }
    }

    /// <summary>Sends text to the guest, as typed; waits while the guest does not read.</summary>
    /// <param name="text">The text.</param>
    /// <param name="cancellationToken">Ends the wait; what was sent stays sent.</param>
    public Task SendAsync(string text, CancellationToken cancellationToken = default) =>
        SendAsync(Encoding.UTF8.GetBytes(text), cancellationToken);

    /// <summary>Sends a line to the guest, with its end.</summary>
    /// <param name="line">The line without an end.</param>
    /// <param name="cancellationToken">Ends the wait; what was sent stays sent.</param>
    public Task SendLineAsync(string line, CancellationToken cancellationToken = default) => SendAsync(line + "\n", cancellationToken);

    /// <summary>Sends bytes to the guest; waits while the guest does not read.</summary>
    /// <param name="bytes">The bytes.</param>
    /// <param name="cancellationToken">Ends the wait; what was sent stays sent.</param>
    public async Task SendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken = default)
    {
        while (!bytes.IsEmpty)
        {
            Task? room;
            lock (_gate)
            {
                bytes = bytes[Enqueue(bytes.Span)..];
                room = bytes.IsEmpty ? null : (_room ??= new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
            }

            OnChanged();
            if (room is not null)
            {
                await room.WaitAsync(cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Runs a command in the guest's shell: sends the line, waits for the next prompt.</summary>
    /// <param name="command">The command, one line.</param>
    /// <param name="prompt">What the shell writes when it is ready.</param>
    /// <param name="timeout">How long to wait; null for <see cref="DefaultTimeout"/>.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>What the command wrote, without the echo of the line and without the prompt, lines ended by <c>\n</c>.</returns>
    public async Task<string> RunAsync(
        string command, string prompt = "# ", TimeSpan? timeout = null, CancellationToken cancellationToken = default)
    {
        await SendLineAsync(command, cancellationToken).ConfigureAwait(false);
        var output = await WaitForAsync(prompt, timeout, cancellationToken).ConfigureAwait(false);
        var text = output[..^prompt.Length].Replace("\r", "", StringComparison.Ordinal);
        var echo = text.IndexOf(command + "\n", StringComparison.Ordinal);
        return echo < 0 ? text : text[(echo + command.Length + 1)..];
    }

    /// <summary>
    /// Answers a prompt by itself, at the very moment when the guest has written it: also a deterministic machine can
    /// be talked to in this way. Several answers take their turns, in the order in which they were given.
    /// </summary>
    /// <param name="prompt">What the guest writes.</param>
    /// <param name="answer">What is typed then.</param>
    public void AnswerWhen(string prompt, string answer)
    {
        ArgumentException.ThrowIfNullOrEmpty(prompt);
        bool answered;
        lock (_gate)
        {
            _answers.Enqueue((Encoding.UTF8.GetBytes(prompt), Encoding.UTF8.GetBytes(answer)));
            answered = Answer();
        }

        if (answered)
        {
            OnChanged();
        }
    }

    /// <summary>Guest side: takes what the guest wrote.</summary>
    public override int Write(ReadOnlySpan<byte> bytes)
    {
        bool answered;
        lock (_gate)
        {
            Append(bytes);
            answered = Answer();
            Match();
        }

        if (answered)
        {
            OnChanged();
        }

        return bytes.Length;
    }

    /// <summary>Guest side: gives what was typed.</summary>
    public override int Read(Span<byte> bytes)
    {
        TaskCompletionSource? room;
        var count = 0;
        lock (_gate)
        {
            while (count < bytes.Length && _input.TryDequeue(out var value))
            {
                bytes[count++] = value;
            }

            room = count > 0 ? _room : null;
            _room = count > 0 ? null : _room;
        }

        room?.TrySetResult();
        return count;
    }

    /// <summary>The machine ended: nothing will come any more.</summary>
    internal void End(string reason)
    {
        lock (_gate)
        {
            _ended = reason;
            EndWaiter();
        }
    }

    private void EndWaiter() => _waiter?.Found.TrySetException(new MachineEndedException(
        $"the machine ended ({_ended}) before '{_waiter.Text}' came; the console's last output was '{Tail()}'"));

    private int Enqueue(ReadOnlySpan<byte> bytes)
    {
        var count = Math.Min(bytes.Length, InputBytes - _input.Count);
        foreach (var value in bytes[..count])
        {
            _input.Enqueue(value);
        }

        return count;
    }

    private void Append(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > KeptBytes)
        {
            bytes = bytes[^KeptBytes..];
        }

        if (_length + bytes.Length > _output.Length)
        {
            if (_output.Length < 2 * KeptBytes)
            {
                Array.Resize(ref _output, Math.Max(_output.Length * 2, _length + bytes.Length));
            }
            else
            {
                DropOldest();
            }
        }

        bytes.CopyTo(_output.AsSpan(_length));
        _length += bytes.Length;
    }

    private void DropOldest()
    {
        var dropped = _length - Math.Min(_length, KeptBytes);
        _output.AsSpan(dropped, _length - dropped).CopyTo(_output);
        _length -= dropped;
        _read = Math.Max(0, _read - dropped);
        _answered = Math.Max(0, _answered - dropped);
        if (_waiter is { } waiter)
        {
            waiter.Scanned = Math.Max(0, waiter.Scanned - dropped);
        }
    }

    private bool Answer()
    {
        var any = false;
        while (_answers.TryPeek(out var next) && Find(next.Prompt, ref _answered) is var end && end >= 0)
        {
            _answers.Dequeue();
            _answered = end;
            Enqueue(next.Answer);
            any = true;
        }

        return any;
    }

    private void Match()
    {
        if (_waiter is { } waiter && Find(waiter.Bytes, ref waiter.Scanned) is var end && end >= 0)
        {
            _waiter = null;
            var text = Encoding.UTF8.GetString(_output, _read, end - _read);
            _read = end;
            waiter.Found.TrySetResult(text);
        }
    }

    // Looks from a place on, and moves the place behind what cannot be part of a match any more.
    private int Find(byte[] text, ref int from)
    {
        var index = _output.AsSpan(from, _length - from).IndexOf(text);
        if (index >= 0)
        {
            return from + index + text.Length;
        }

        from = Math.Max(from, _length - text.Length + 1);
        return -1;
    }

    private string Tail()
    {
        var text = Transcript;
        return text.Length <= ErrorTailCharacters ? text : "..." + text[^ErrorTailCharacters..];
    }

    private sealed class Waiter(string text)
    {
        public int Scanned;

        public string Text { get; } = text;

        public byte[] Bytes { get; } = Encoding.UTF8.GetBytes(text);

        public TaskCompletionSource<string> Found { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
