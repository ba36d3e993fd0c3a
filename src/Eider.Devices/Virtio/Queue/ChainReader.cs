namespace Eider.Devices.Virtio.Queue;

/// <summary>A cursor over the readable bytes of a chain, whatever their framing.</summary>
public struct ChainReader
{
    private readonly DescriptorChain _chain;
    private int _segment;
    private uint _within;

    internal ChainReader(DescriptorChain chain)
    {
        _chain = chain;
        Remaining = chain.ReadableBytes;
    }

    /// <summary>Bytes left.</summary>
    public ulong Remaining { get; private set; }

    /// <summary>Copies as many bytes as are left, at most the length of the span, each read from the guest once.</summary>
    /// <returns>How many.</returns>
    public int Read(Span<byte> destination)
    {
        var wanted = (int)Math.Min((ulong)destination.Length, Remaining);
        return TryRead(destination[..wanted]) ? wanted : 0;
    }

    /// <summary>Fills the whole span.</summary>
    /// <returns>False if fewer bytes are left (nothing is copied), if memory fails or the chain is dead.</returns>
    public bool TryRead(Span<byte> destination)
    {
        if ((ulong)destination.Length > Remaining || !_chain.IsLive)
        {
            return false;
        }

        var segments = _chain.Readable;
        while (!destination.IsEmpty)
        {
            ref readonly var segment = ref segments[_segment];
            var take = (int)Math.Min((uint)destination.Length, segment.LengthBytes - _within);
            if (!_chain.Queue.Memory.TryRead(segment.Address + _within, destination[..take]))
            {
                _chain.Queue.Fail(QueueFault.MemoryAccess);
                return false;
            }

            destination = destination[take..];
            Advance(segment.LengthBytes, (uint)take);
        }

        return true;
    }

    /// <summary>Leaves bytes out.</summary>
    /// <returns>False if fewer are left; the cursor does not move then.</returns>
    public bool TrySkip(ulong count)
    {
        if (count > Remaining)
        {
            return false;
        }

        var segments = _chain.Readable;
        while (count != 0)
        {
            var length = segments[_segment].LengthBytes;
            var take = (uint)Math.Min(count, length - _within);
            count -= take;
            Advance(length, take);
        }

        return true;
    }

    private void Advance(uint segmentLength, uint count)
    {
        Remaining -= count;
        _within += count;
        if (_within == segmentLength)
        {
            _segment++;
            _within = 0;
        }
    }
}
