namespace Eider.Devices.Virtio.Queue;

/// <summary>A place in the buffers of a chain, whatever their framing.</summary>
/// <param name="lengthBytes">Sum of the lengths of the buffers.</param>
internal struct ChainCursor(ulong lengthBytes)
{
    private int _segment;
    private uint _within;

    /// <summary>Bytes from here to the end.</summary>
    public ulong Remaining { get; private set; } = lengthBytes;

    /// <summary>Moves on over bytes of one buffer.</summary>
    /// <param name="segments">The buffers, the same at every call; not at their end.</param>
    /// <param name="mostBytes">How far at most; not more than what remains.</param>
    /// <returns>What was passed: as much as lies in one buffer.</returns>
    public ChainSegment Next(ReadOnlySpan<ChainSegment> segments, ulong mostBytes)
    {
        ref readonly var segment = ref segments[_segment];
        var passed = new ChainSegment(segment.Address + _within, (uint)Math.Min(mostBytes, segment.LengthBytes - _within));
        Remaining -= passed.LengthBytes;
        _within += passed.LengthBytes;
        if (_within == segment.LengthBytes)
        {
            _segment++;
            _within = 0;
        }

        return passed;
    }

    /// <summary>Moves on over bytes of any buffers.</summary>
    /// <param name="segments">The buffers, the same at every call.</param>
    /// <param name="count">How far.</param>
    /// <returns>False if fewer bytes remain; the cursor does not move then.</returns>
    public bool TrySkip(ReadOnlySpan<ChainSegment> segments, ulong count)
    {
        if (count > Remaining)
        {
            return false;
        }

        while (count != 0)
        {
            count -= Next(segments, count).LengthBytes;
        }

        return true;
    }
}
