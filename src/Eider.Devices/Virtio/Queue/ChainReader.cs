namespace Eider.Devices.Virtio.Queue;

/// <summary>A cursor over the readable bytes of a chain, whatever their framing.</summary>
public struct ChainReader
{
    private readonly DescriptorChain _chain;
    private ChainCursor _cursor;

    internal ChainReader(DescriptorChain chain)
    {
        _chain = chain;
        _cursor = new ChainCursor(chain.ReadableBytes);
    }

    /// <summary>Bytes left.</summary>
    public readonly ulong Remaining => _cursor.Remaining;

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
            var piece = _cursor.Next(segments, (ulong)destination.Length);
            var length = (int)piece.LengthBytes;
            if (!_chain.Queue.Memory.TryRead(piece.Address, destination[..length]))
            {
                _chain.Queue.Fail(QueueFault.MemoryAccess);
                return false;
            }

            destination = destination[length..];
        }

        return true;
    }

    /// <summary>Leaves bytes out.</summary>
    /// <returns>False if fewer are left; the cursor does not move then.</returns>
    public bool TrySkip(ulong count) => _cursor.TrySkip(_chain.Readable, count);
}
