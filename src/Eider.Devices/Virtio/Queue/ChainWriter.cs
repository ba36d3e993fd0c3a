namespace Eider.Devices.Virtio.Queue;

/// <summary>A cursor over the writable bytes of a chain, whatever their framing.</summary>
public struct ChainWriter
{
    private readonly DescriptorChain _chain;
    private ChainCursor _cursor;

    internal ChainWriter(DescriptorChain chain)
    {
        _chain = chain;
        _cursor = new ChainCursor(chain.WritableBytes);
    }

    /// <summary>Bytes of room left.</summary>
    public readonly ulong Remaining => _cursor.Remaining;

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
            var piece = _cursor.Next(segments, (ulong)source.Length);
            var length = (int)piece.LengthBytes;
            if (!_chain.Queue.Memory.TryWrite(piece.Address, source[..length]))
            {
                _chain.Queue.Fail(QueueFault.MemoryAccess);
                return false;
            }

            source = source[length..];
        }

        return true;
    }

    /// <summary>Leaves room as it is.</summary>
    /// <returns>False if there is less; the cursor does not move then.</returns>
    public bool TrySkip(ulong count) => _cursor.TrySkip(_chain.Writable, count);
}
