namespace Eider.Storage.Operations;

/// <summary>
/// Deals a disk out in chunks, in order, to several workers: zeroes in runs as long as they are, data in pieces that
/// end on multiples of the buffer, so that no cluster of an image is cut in two.
/// </summary>
internal sealed class ChunkCursor : IDisposable
{
    private readonly Func<long, long, CancellationToken, ValueTask<BlockExtent>> _extentAt;
    private readonly long _endBytes;
    private readonly int _bufferBytes;
    private readonly SemaphoreSlim _gate = new(1, 1);
    private long _next;
    private long _index;
    private long _zeroUntil;
    private long _dataUntil;

    /// <summary>A cursor over a disk.</summary>
    /// <param name="disk">The disk.</param>
    /// <param name="endBytes">Where to end.</param>
    /// <param name="bufferBytes">The longest piece of data.</param>
    public ChunkCursor(BlockStorage disk, long endBytes, int bufferBytes)
        : this(disk.GetExtentAsync, endBytes, bufferBytes)
    {
    }

    /// <summary>A cursor over whatever can tell its extents.</summary>
    public ChunkCursor(
        Func<long, long, CancellationToken, ValueTask<BlockExtent>> extentAt, long endBytes, int bufferBytes)
    {
        _extentAt = extentAt;
        _endBytes = endBytes;
        _bufferBytes = bufferBytes;
    }

    /// <summary>The next chunk, or null at the end.</summary>
    public async ValueTask<Chunk?> NextAsync(CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (_next == _endBytes)
            {
                return null;
            }

            if (_next >= _dataUntil && _next >= _zeroUntil)
            {
                await LookAsync(cancellationToken).ConfigureAwait(false);
            }

            return _next < _zeroUntil ? Deal(_zeroUntil, ChunkKind.Zero) : Deal(DataEnd(), ChunkKind.Data);
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _gate.Dispose();

    private long DataEnd()
    {
        var boundary = (_next / _bufferBytes * _bufferBytes) + Math.Min(_bufferBytes, _endBytes - (_next / _bufferBytes * _bufferBytes));
        return Math.Min(boundary, _dataUntil);
    }

    private async ValueTask LookAsync(CancellationToken cancellationToken)
    {
        var extent = await _extentAt(_next, _endBytes - _next, cancellationToken).ConfigureAwait(false);
        var end = _next + extent.LengthBytes;
        var isZero = (extent.Status & BlockExtentStatus.Zero) != 0;
        (_zeroUntil, _dataUntil) = isZero ? (end, _next) : (_next, end);

        // Runs of zeroes are told in pieces by some formats; one long run is one request.
        while (isZero && end < _endBytes)
        {
            var more = await _extentAt(end, _endBytes - end, cancellationToken).ConfigureAwait(false);
            if ((more.Status & BlockExtentStatus.Zero) == 0)
            {
                _dataUntil = end + more.LengthBytes;
                break;
            }

            end = _zeroUntil = end + more.LengthBytes;
        }
    }

    private Chunk Deal(long end, ChunkKind kind)
    {
        var chunk = new Chunk(_index++, _next, end - _next, kind);
        _next = end;
        return chunk;
    }
}
