using Eider.Storage.Backends;

namespace Eider.Storage.Operations;

/// <summary>Writes into an image what a source has otherwise than the image that will lie behind; one for each worker.</summary>
internal sealed class BackingDifference
{
    private readonly BlockStorage _source;
    private readonly BlockStorage _target;
    private readonly BlockStorage? _behind;
    private readonly int _granuleBytes;
    private readonly Memory<byte> _old;
    private readonly Memory<byte> _new;

    /// <summary>Buffers for one worker.</summary>
    /// <param name="source">What the target shall read as.</param>
    /// <param name="target">Written where it would not.</param>
    /// <param name="behind">What will lie behind the target; null for nothing.</param>
    /// <param name="bufferBytes">The longest piece that is compared at once.</param>
    /// <param name="granuleBytes">The smallest piece that is written.</param>
    public BackingDifference(BlockStorage source, BlockStorage target, BlockStorage? behind, int bufferBytes, int granuleBytes)
    {
        _source = source;
        _target = target;
        _behind = behind;
        _granuleBytes = granuleBytes;
        _old = new AlignedBuffer(bufferBytes, 4096).Memory;
        _new = new AlignedBuffer(bufferBytes, 4096).Memory;
    }

    /// <summary>Where zeroes begin to be written as such; before, they are written as data. 0 to write all zeroes as such.</summary>
    public long DataEndBytes { get; init; }

    /// <summary>Compares one chunk, that the target does not have itself, and writes where it differs.</summary>
    /// <returns>How many bytes were written.</returns>
    public async ValueTask<long> WriteAsync(Chunk chunk, CancellationToken cancellationToken)
    {
        var written = 0L;
        var end = chunk.OffsetBytes + chunk.LengthBytes;
        for (var offset = chunk.OffsetBytes; offset < end;)
        {
            var next = await NewExtentAsync(offset, end - offset, cancellationToken).ConfigureAwait(false);
            var isNewZero = (next.Status & BlockExtentStatus.Zero) != 0;
            var length = isNewZero && chunk.Kind == ChunkKind.Zero
                ? next.LengthBytes : Math.Min(next.LengthBytes, _old.Length);
            if (!(isNewZero && chunk.Kind == ChunkKind.Zero))
            {
                written += await CompareAsync(offset, (int)length, chunk.Kind, isNewZero, cancellationToken).ConfigureAwait(false);
            }

            offset += length;
        }

        return written;
    }

    private async ValueTask<long> CompareAsync(
        long offset, int length, ChunkKind kind, bool isNewZero, CancellationToken cancellationToken)
    {
        await FillAsync(_source, offset, _old[..length], kind == ChunkKind.Zero, cancellationToken).ConfigureAwait(false);
        await FillAsync(_behind, offset, _new[..length], isNewZero, cancellationToken).ConfigureAwait(false);
        var written = 0L;
        for (var at = 0; at < length;)
        {
            var run = RunLength(at, length, out var differs);
            if (differs)
            {
                await PutAsync(offset + at, _old.Slice(at, run), cancellationToken).ConfigureAwait(false);
                written += run;
            }

            at += run;
        }

        return written;
    }

    /// <summary>How many bytes from a place on are all equal, or all to be written, in granules.</summary>
    private int RunLength(int at, int length, out bool differs)
    {
        var end = at;
        differs = false;
        do
        {
            var piece = Math.Min(_granuleBytes, length - end);
            var pieceDiffers = !_old.Span.Slice(end, piece).SequenceEqual(_new.Span.Slice(end, piece));
            if (end > at && pieceDiffers != differs)
            {
                break;
            }

            differs = pieceDiffers;
            end += piece;
        }
        while (end < length);
        return end - at;
    }

    private async ValueTask PutAsync(long offset, Memory<byte> bytes, CancellationToken cancellationToken)
    {
        if (offset >= DataEndBytes && ZeroRuns.IsZero(bytes.Span))
        {
            OperationResults.ThrowUnlessOk(
                await _target.WriteZeroesAsync(offset, bytes.Length, mayUnmap: true, cancellationToken).ConfigureAwait(false),
                _target, BlockOperation.WriteZeroes, offset);
            return;
        }

        OperationResults.ThrowUnlessOk(
            await _target.WriteAsync(offset, bytes, cancellationToken).ConfigureAwait(false), _target, BlockOperation.Write, offset);
    }

    private ValueTask<BlockExtent> NewExtentAsync(long offset, long length, CancellationToken cancellationToken)
    {
        var size = _behind?.SizeBytes ?? 0;
        return offset >= size
            ? ValueTask.FromResult(new BlockExtent(offset, length, BlockExtentStatus.Zero | BlockExtentStatus.Hole))
            : _behind!.GetExtentAsync(offset, Math.Min(length, size - offset), cancellationToken);
    }

    private static async ValueTask FillAsync(
        BlockStorage? disk, long offset, Memory<byte> buffer, bool isZero, CancellationToken cancellationToken)
    {
        if (isZero || disk == null)
        {
            buffer.Span.Clear();
            return;
        }

        OperationResults.ThrowUnlessOk(
            await disk.ReadAsync(offset, buffer, cancellationToken).ConfigureAwait(false), disk, BlockOperation.Read, offset);
    }
}
