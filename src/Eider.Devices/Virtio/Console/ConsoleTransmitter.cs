using Eider.Devices.Virtio.Queue;

namespace Eider.Devices.Virtio.Console;

/// <summary>
/// A transmit queue: guest to host. While the host does not read, one buffer is held half done and the others
/// stay in the ring: only this port waits. On the queue's worker only.
/// </summary>
internal sealed class ConsoleTransmitter(VirtQueue queue, VirtioDeviceContext context)
{
    private readonly byte[] _bytes = new byte[ConsoleLimits.ChunkBytes];
    private DescriptorChain? _chain;
    private ChainReader _reader;
    private long _startTimestamp;
    private int _first;
    private int _end;

    /// <summary>Moves what the host takes.</summary>
    /// <param name="host">The host's end; null throws the bytes away.</param>
    public void Process(ConsoleBackend? host)
    {
        for (var moved = 0L; moved < ConsoleLimits.BytesPerTurn;)
        {
            if (_chain is null && !TryStart())
            {
                return;
            }

            if (_first == _end && _reader.Remaining == 0)
            {
                End();
                continue;
            }

            var taken = Move(host);
            if (taken == 0)
            {
                return; // the host's end says when there is room
            }

            moved += taken;
        }

        context.Wake(queue.Index);
    }

    private bool TryStart()
    {
        if (!queue.TryTake(out _chain))
        {
            return false;
        }

        _reader = _chain.Reader;
        _startTimestamp = context.Clock.GetTimestamp();
        _first = 0;
        _end = 0;
        return true;
    }

    private int Move(ConsoleBackend? host)
    {
        if (_first == _end)
        {
            _first = 0;
            _end = _reader.Read(_bytes);
        }

        var taken = host is null ? _end - _first : host.Write(_bytes.AsSpan(_first, _end - _first));
        _first += taken;
        return taken;
    }

    private void End()
    {
        var chain = _chain!;
        _chain = null;
        context.Statistics.Count(0, (long)chain.ReadableBytes, context.NanosecondsSince(_startTimestamp), failed: false);
        queue.Complete(chain, 0);
    }
}
