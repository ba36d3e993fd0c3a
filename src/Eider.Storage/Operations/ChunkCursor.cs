using Eider.Storage.Formats;

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
    private (long End, ChunkKind Kind) _run;
    private (long End, ChunkKind Kind) _after;

    /// <summary>A cursor over a disk.</summary>
    /// <param name="disk">The disk.</param>
    /// <param name="endBytes">Where to end.</param>
    /// <param name="bufferBytes">The longest piece of data.</param>
    public ChunkCursor(BlockStorage disk, long endBytes, int bufferBytes)
        : this(disk.GetExtentAsync, endBytes, bufferBytes)
    {
    }

    /// <summary>A cursor over whatever can tell its extents; a hole that is not said to be zero is absent.</summary>
    public ChunkCursor(
        Func<long, long, CancellationToken, ValueTask<BlockExtent>> extentAt, long endBytes, int bufferBytes)
    {
        _extentAt = extentAt;
        _endBytes = endBytes;
        _bufferBytes = bufferBytes;
    }

    /// <summary>A cursor over a disk, or over what an image itself has of it.</summary>
    public static ChunkCursor Of(BlockStorage disk, bool isOwnOnly, int bufferBytes) => isOwnOnly && disk is ImageStorage image
        ? new ChunkCursor((offset, length, token) => OwnExtentAsync(image, offset, length, token), disk.SizeBytes, bufferBytes)
        : new ChunkCursor(disk, disk.SizeBytes, bufferBytes);

    private static async ValueTask<BlockExtent> OwnExtentAsync(
        ImageStorage image, long offsetBytes, long lengthBytes, CancellationToken cancellationToken)
    {
        var own = await image.GetImageExtentAsync(offsetBytes, lengthBytes, cancellationToken).ConfigureAwait(false);
        var status = own.Kind switch
        {
            ImageExtentKind.Unallocated when image.Backing != null => BlockExtentStatus.Hole,
            ImageExtentKind.Data or ImageExtentKind.Compressed => BlockExtentStatus.Data,
            _ => BlockExtentStatus.Zero,
        };
        return new BlockExtent(offsetBytes, own.LengthBytes, status);
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

            if (_next >= _run.End)
            {
                await LookAsync(cancellationToken).ConfigureAwait(false);
            }

            return Deal(_run.Kind == ChunkKind.Data ? DataEnd() : _run.End, _run.Kind);
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
        return Math.Min(boundary, _run.End);
    }

    private async ValueTask LookAsync(CancellationToken cancellationToken)
    {
        _run = _after.End > _next ? _after : await RunAtAsync(_next, cancellationToken).ConfigureAwait(false);

        // Runs without data are told in pieces by some formats; one long run is one request.
        while (_run.Kind != ChunkKind.Data && _run.End < _endBytes)
        {
            _after = await RunAtAsync(_run.End, cancellationToken).ConfigureAwait(false);
            if (_after.Kind != _run.Kind)
            {
                break;
            }

            _run = _after;
        }
    }

    private async ValueTask<(long End, ChunkKind Kind)> RunAtAsync(long offset, CancellationToken cancellationToken)
    {
        var extent = await _extentAt(offset, _endBytes - offset, cancellationToken).ConfigureAwait(false);
        var kind = (extent.Status & BlockExtentStatus.Zero) != 0 ? ChunkKind.Zero
            : extent.Status == BlockExtentStatus.Hole ? ChunkKind.Absent : ChunkKind.Data;
        return (offset + extent.LengthBytes, kind);
    }

    private Chunk Deal(long end, ChunkKind kind)
    {
        var chunk = new Chunk(_index++, _next, end - _next, kind);
        _next = end;
        return chunk;
    }
}
