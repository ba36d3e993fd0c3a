namespace Eider.Storage.Backends.Nbd;

/// <summary>A request that waits for its reply. Only the reader of the connection completes it.</summary>
/// <param name="type">What it does.</param>
/// <param name="offsetBytes">Where it begins on the disk.</param>
/// <param name="lengthBytes">How long it is.</param>
/// <param name="buffers">Where a read goes, or what a write sends.</param>
internal sealed class NbdRequest(ushort type, long offsetBytes, long lengthBytes, BufferList buffers)
{
    // Each is held against all others.
    private const int MaxPieces = 1 << 13;

    private readonly Lock _gate = new();
    private readonly TaskCompletionSource<uint> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly SortedList<long, long> _filled = [];
    private bool _isFilling;
    private bool _isAbandoned;

    public ushort Type => type;

    public long OffsetBytes => offsetBytes;

    public long LengthBytes => lengthBytes;

    public BufferList Buffers => buffers;

    /// <summary>Done with an error number, 0 for none; fails if the connection does.</summary>
    public Task<uint> Done => _done.Task;

    /// <summary>The first error that a chunk of the reply told; 0 for none.</summary>
    public uint Error { get; private set; }

    /// <summary>The reply to a question about block status.</summary>
    public (long LengthBytes, uint Flags) Status { get; set; }

    /// <summary>True if the reply covered all of a read.</summary>
    public bool IsFilled => _filled.Sum(piece => piece.Value) == lengthBytes;

    /// <summary>True if a piece lies in the range and no other of the reply did so before.</summary>
    public bool TryClaim(long offset, long length)
    {
        if (type != NbdProtocol.Read || length <= 0 || offset < offsetBytes || offset - offsetBytes > lengthBytes - length || _filled.Count >= MaxPieces)
        {
            return false;
        }

        foreach (var (start, size) in _filled)
        {
            if (start < offset + length && offset < start + size)
            {
                return false;
            }
        }

        _filled.Add(offset, length);
        return true;
    }

    /// <summary>The reader will write into the buffers now; false if nobody wants them any more.</summary>
    public bool TryBeginFill()
    {
        lock (_gate)
        {
            _isFilling = !_isAbandoned;
            return _isFilling;
        }
    }

    /// <summary>The reader has left the buffers.</summary>
    public void EndFill()
    {
        lock (_gate)
        {
            _isFilling = false;
        }
    }

    /// <summary>Gives the request up, so that its buffers are free; false while the reader writes into them.</summary>
    public bool TryAbandon()
    {
        lock (_gate)
        {
            _isAbandoned = !_isFilling;
            return _isAbandoned;
        }
    }

    public void Fail(uint error) => Error = Error == 0 ? error : Error;

    public void Complete() => _done.TrySetResult(Error);

    public void Break(Exception failure) => _done.TrySetException(failure);
}
