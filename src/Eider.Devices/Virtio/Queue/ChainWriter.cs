namespace Eider.Devices.Virtio.Queue;

/// <summary>A cursor over the writable bytes of a chain, whatever their framing.</summary>
public struct ChainWriter
{
    private readonly DescriptorChain _chain;
    private int _segment;
    private uint _within;

    internal ChainWriter(DescriptorChain chain)
    {
        _chain = chain;
        Remaining = chain.WritableBytes;
    }

    /// <summary>Bytes of room left.</summary>
    public ulong Remaining { get; private set; }

    /// <summary>Bytes before the cursor: the length to complete the chain with if all of them were written.</summary>
    public readonly ulong Position => _chain.WritableBytes - Remaining;

    /// <summary>Copies as many bytes as fit.</summary>
    /// <returns>How many.</returns>
    public int Write(ReadOnlySpan<byte> source)
    {
        var wanted = (int)Math.Min((ulong)source.Length, Remaining);
        return TryWrite(source[..wanted]) ? wanted : 0;
    }

    /// <summary>Copies the whole span.</summary>
    /// <returns>False if there is less room (nothing is copied), if memory fails or the chain is dead.</returns>
    public bool TryWrite(ReadOnlySpan<byte> source)
    {
        if ((ulong)source.Length > Remaining || !_chain.IsLive)
        {
            return false;
        }

        _chain.WasWritten |= !source.IsEmpty;
        var segments = _chain.Writable;
        while (!source.IsEmpty)
        {
            ref readonly var segment = ref segments[_segment];
            var take = (int)Math.Min((uint)source.Length, segment.LengthBytes - _within);
            if (!_chain.Queue.Memory.TryWrite(segment.Address + _within, source[..take]))
            {
                _chain.Queue.Fail(QueueFault.MemoryAccess);
                return false;
            }

            source = source[take..];
            Advance(segment.LengthBytes, (uint)take);
        }

        return true;
    }

    /// <summary>Leaves room as it is.</summary>
    /// <returns>False if there is less; the cursor does not move then.</returns>
    public bool TrySkip(ulong count)
    {
        if (count > Remaining)
        {
            return false;
        }

        var segments = _chain.Writable;
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
