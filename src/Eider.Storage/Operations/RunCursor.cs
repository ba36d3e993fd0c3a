namespace Eider.Storage.Operations;

/// <summary>Deals the runs of a map out to several workers, in order, in pieces that fit into a buffer.</summary>
internal sealed class RunCursor : IAsyncDisposable
{
    private readonly IAsyncEnumerator<ImageMapEntry> _runs;
    private readonly Func<ImageMapEntry, bool> _isWanted;
    private readonly ProgressCounter _progress;
    private readonly int _bufferBytes;
    private readonly SemaphoreSlim _gate = new(1, 1);
    private ImageMapEntry _rest;
    private long _index;

    /// <summary>A cursor over runs.</summary>
    /// <param name="runs">The runs in order.</param>
    /// <param name="isWanted">Which of them are dealt out; the others count as done.</param>
    /// <param name="bufferBytes">The longest piece of a run that is not zero.</param>
    /// <param name="progress">Told of the runs that are left out.</param>
    public RunCursor(
        IAsyncEnumerable<ImageMapEntry> runs, Func<ImageMapEntry, bool> isWanted, int bufferBytes, ProgressCounter progress)
    {
        _runs = runs.GetAsyncEnumerator();
        _isWanted = isWanted;
        _bufferBytes = bufferBytes;
        _progress = progress;
    }

    /// <summary>The next piece, or null at the end.</summary>
    public async ValueTask<Chunk?> NextAsync(CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            while (_rest.LengthBytes == 0)
            {
                if (!await _runs.MoveNextAsync().ConfigureAwait(false))
                {
                    return null;
                }

                if (_isWanted(_runs.Current))
                {
                    _rest = _runs.Current;
                }
                else
                {
                    _progress.Add(_runs.Current.LengthBytes);
                }
            }

            return Deal();
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _runs.DisposeAsync().ConfigureAwait(false);
        _gate.Dispose();
    }

    /// <summary>Takes a piece off the rest; data end on multiples of the buffer, so that no cluster is cut in two.</summary>
    private Chunk Deal()
    {
        var offset = _rest.OffsetBytes;
        var length = _rest.IsZero ? _rest.LengthBytes : Math.Min(_rest.LengthBytes, _bufferBytes - (offset % _bufferBytes));
        _rest = _rest with { OffsetBytes = offset + length, LengthBytes = _rest.LengthBytes - length };
        return new Chunk(_index++, offset, length, _rest.IsZero ? ChunkKind.Zero : ChunkKind.Data);
    }
}
