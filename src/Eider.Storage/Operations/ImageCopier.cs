using System.Numerics;
using Eider.Storage.Backends;
using Eider.Storage.Formats;

namespace Eider.Storage.Operations;

/// <summary>
/// Copies the content of a disk onto another one: holes are not read, zeroes in the data are not written. What a
/// target holds behind the source's end becomes zeroes. Nothing is durable before the caller flushes the target.
/// </summary>
public sealed class ImageCopier
{
    private readonly BlockStorage _source;
    private readonly BlockStorage _target;
    private readonly ImageCopyOptions _options;
    private readonly ProgressCounter _progress;
    private readonly WriteTurns? _turns;

    private ImageCopier(BlockStorage source, BlockStorage target, ImageCopyOptions options)
    {
        _source = source;
        _target = target;
        _options = options;
        _progress = new ProgressCounter(options.Progress, source.SizeBytes);
        _turns = options.IsOrdered && options.Workers > 1 ? new WriteTurns() : null;
    }

    /// <summary>Copies.</summary>
    /// <param name="source">Read wholly.</param>
    /// <param name="target">Written; at least as large as the source.</param>
    /// <param name="options">How.</param>
    /// <param name="cancellationToken">Ends the copy; the target then holds a part.</param>
    /// <exception cref="ArgumentException">The target is smaller than the source, or an option is out of its range.</exception>
    /// <exception cref="BlockStorageException">The host failed, or the target refuses.</exception>
    public static async ValueTask CopyAsync(
        BlockStorage source, BlockStorage target, ImageCopyOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(target);
        options ??= ImageCopyOptions.Default;
        Check(options);
        var size = source.SizeBytes;
        ArgumentOutOfRangeException.ThrowIfLessThan(target.SizeBytes, size, nameof(target));
        var copier = new ImageCopier(source, target, options);
        using var zeroes = options.SaysEveryZero && target is ImageStorage image ? EveryZero.SaidBy(image) : null;
        using var cursor = ChunkCursor.Of(source, options.IsOwnOnly, options.BufferBytes);
        await Workers.RunAsync(
            options.Workers, options.Scheduler, (_, token) => copier.WorkAsync(cursor, token), cancellationToken).ConfigureAwait(false);
        if (target.SizeBytes > size && !options.TargetIsZero)
        {
            await copier.ZeroAsync(size, target.SizeBytes - size, cancellationToken).ConfigureAwait(false);
        }
    }

    private static void Check(ImageCopyOptions options)
    {
        var isBuffer = BitOperations.IsPow2(options.BufferBytes) && options.BufferBytes >= 64 << 10;
        var isGranule = options.ZeroGranuleBytes == 0
            || (BitOperations.IsPow2(options.ZeroGranuleBytes) && options.ZeroGranuleBytes >= 512);
        if (!isBuffer || !isGranule)
        {
            throw new ArgumentException(
                $"found buffers of {options.BufferBytes} and granules of {options.ZeroGranuleBytes} bytes; expected powers of two, "
                + "65536 at least and 512 at least (or 0)",
                nameof(options));
        }
    }

    private async Task WorkAsync(ChunkCursor cursor, CancellationToken cancellationToken)
    {
        var alignment = Math.Max(
            4096, Math.Max(_source.Geometry.BufferAlignmentBytes, _target.Geometry.BufferAlignmentBytes));
        var buffer = new AlignedBuffer(_options.BufferBytes, alignment).Memory;
        while (await cursor.NextAsync(cancellationToken).ConfigureAwait(false) is { } chunk)
        {
            if (chunk.Kind == ChunkKind.Data)
            {
                await FillAsync(chunk, buffer, cancellationToken).ConfigureAwait(false);
            }

            if (_turns != null)
            {
                await _turns.WaitAsync(chunk.Index, cancellationToken).ConfigureAwait(false);
            }

            await StoreAsync(chunk, buffer, cancellationToken).ConfigureAwait(false);
            _turns?.End(chunk.Index);
            _progress.Add(chunk.LengthBytes);
        }
    }

    private async ValueTask FillAsync(Chunk chunk, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        var whole = buffer[..(int)chunk.LengthBytes];
        try
        {
            await ReadAsync(chunk.OffsetBytes, whole, cancellationToken).ConfigureAwait(false);
        }
        catch (BlockStorageException) when (_options.SkipsUnreadable)
        {
            await UnreadableRanges.ReadAsync(_source, chunk.OffsetBytes, whole, _options, cancellationToken).ConfigureAwait(false);
        }
    }

    private async ValueTask StoreAsync(Chunk chunk, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        if (chunk.Kind == ChunkKind.Absent)
        {
            return;
        }

        if (chunk.Kind == ChunkKind.Zero)
        {
            await ZeroUnlessZeroAsync(chunk.OffsetBytes, chunk.LengthBytes, cancellationToken).ConfigureAwait(false);
            return;
        }

        var granule = _options.ZeroGranuleBytes;
        if (granule == 0)
        {
            await WriteAsync(chunk.OffsetBytes, buffer[..(int)chunk.LengthBytes], cancellationToken).ConfigureAwait(false);
            return;
        }

        var rest = buffer[..(int)chunk.LengthBytes];
        var offset = chunk.OffsetBytes;
        while (!rest.IsEmpty)
        {
            var length = ZeroRuns.First(rest.Span, ZeroRuns.PhaseOf(offset, granule), granule, out var isZero);
            if (isZero)
            {
                await ZeroUnlessZeroAsync(offset, length, cancellationToken).ConfigureAwait(false);
            }
            else
            {
                await WriteAsync(offset, rest[..length], cancellationToken).ConfigureAwait(false);
            }

            offset += length;
            rest = rest[length..];
        }
    }

    private async ValueTask ReadAsync(long offsetBytes, Memory<byte> bytes, CancellationToken cancellationToken) =>
        OperationResults.ThrowUnlessOk(
            await _source.ReadAsync(offsetBytes, bytes, cancellationToken).ConfigureAwait(false), _source, BlockOperation.Read, offsetBytes);

    private async ValueTask WriteAsync(long offsetBytes, Memory<byte> bytes, CancellationToken cancellationToken) =>
        OperationResults.ThrowUnlessOk(
            await _target.WriteAsync(offsetBytes, bytes, cancellationToken).ConfigureAwait(false), _target, BlockOperation.Write, offsetBytes);

    private ValueTask ZeroUnlessZeroAsync(long offsetBytes, long lengthBytes, CancellationToken cancellationToken) =>
        _options.TargetIsZero ? ValueTask.CompletedTask : ZeroAsync(offsetBytes, lengthBytes, cancellationToken);

    private async ValueTask ZeroAsync(long offsetBytes, long lengthBytes, CancellationToken cancellationToken) =>
        OperationResults.ThrowUnlessOk(
            await _target.WriteZeroesAsync(offsetBytes, lengthBytes, mayUnmap: true, cancellationToken).ConfigureAwait(false),
            _target, BlockOperation.WriteZeroes, offsetBytes);
}
