using Eider.Storage.Backends;

namespace Eider.Storage.Operations;

/// <summary>Compares the content of two disks; places where both are known to be zero are not read.</summary>
public static class ImageComparer
{
    private const int BufferBytes = 1 << 20;

    /// <summary>Compares. A disk that is shorter counts as zeroes behind its end.</summary>
    /// <param name="left">The one.</param>
    /// <param name="right">The other.</param>
    /// <param name="workers">How many pieces are compared at once; 1 to 64.</param>
    /// <param name="progress">Told how far it is.</param>
    /// <param name="cancellationToken">Ends it early.</param>
    /// <exception cref="BlockStorageException">The host failed.</exception>
    public static async ValueTask<ImageComparison> CompareAsync(
        BlockStorage left, BlockStorage right, int workers = 2, OperationProgress? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(left);
        ArgumentNullException.ThrowIfNull(right);
        var size = Math.Max(left.SizeBytes, right.SizeBytes);
        var counter = new ProgressCounter(progress, size);
        var first = long.MaxValue;
        using var cursor = new ChunkCursor((offset, length, token) => BothAsync(left, right, offset, length, token), size, BufferBytes);
        await Workers.RunAsync(workers, scheduler: null, WorkAsync, cancellationToken).ConfigureAwait(false);
        return new ImageComparison(first == long.MaxValue ? null : first, left.SizeBytes == right.SizeBytes);

        async Task WorkAsync(int number, CancellationToken token)
        {
            var a = new AlignedBuffer(BufferBytes, 4096).Memory;
            var b = new AlignedBuffer(BufferBytes, 4096).Memory;

            // Chunks come in order, so that after a difference only earlier ones, under way already, can matter.
            while (await cursor.NextAsync(token).ConfigureAwait(false) is { } chunk && chunk.OffsetBytes < Volatile.Read(ref first))
            {
                if (chunk.Kind == ChunkKind.Data)
                {
                    await ReadAsync(left, chunk, a, token).ConfigureAwait(false);
                    await ReadAsync(right, chunk, b, token).ConfigureAwait(false);
                    var length = (int)chunk.LengthBytes;
                    var same = a.Span[..length].CommonPrefixLength(b.Span[..length]);
                    if (same < length)
                    {
                        Minimum(ref first, chunk.OffsetBytes + same);
                    }
                }

                counter.Add(chunk.LengthBytes);
            }
        }
    }

    /// <summary>The status of both: zero where both are, data where one may not be.</summary>
    private static async ValueTask<BlockExtent> BothAsync(
        BlockStorage left, BlockStorage right, long offsetBytes, long lengthBytes, CancellationToken cancellationToken)
    {
        var a = await OneAsync(left, offsetBytes, lengthBytes, cancellationToken).ConfigureAwait(false);
        var b = await OneAsync(right, offsetBytes, lengthBytes, cancellationToken).ConfigureAwait(false);
        return new BlockExtent(
            offsetBytes, Math.Min(a.LengthBytes, b.LengthBytes), a.Status & b.Status & BlockExtentStatus.Zero);
    }

    private static ValueTask<BlockExtent> OneAsync(
        BlockStorage disk, long offsetBytes, long lengthBytes, CancellationToken cancellationToken) =>
        offsetBytes >= disk.SizeBytes
            ? ValueTask.FromResult(new BlockExtent(offsetBytes, lengthBytes, BlockExtentStatus.Zero))
            : disk.GetExtentAsync(offsetBytes, Math.Min(lengthBytes, disk.SizeBytes - offsetBytes), cancellationToken);

    private static async ValueTask ReadAsync(BlockStorage disk, Chunk chunk, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        var inside = (int)Math.Clamp(disk.SizeBytes - chunk.OffsetBytes, 0, chunk.LengthBytes);
        if (inside > 0)
        {
            var result = await disk.ReadAsync(chunk.OffsetBytes, buffer[..inside], cancellationToken).ConfigureAwait(false);
            OperationResults.ThrowUnlessOk(result, disk, BlockOperation.Read, chunk.OffsetBytes);
        }

        buffer.Span[inside..(int)chunk.LengthBytes].Clear();
    }

    private static void Minimum(ref long place, long value)
    {
        var seen = Volatile.Read(ref place);
        while (value < seen)
        {
            var before = Interlocked.CompareExchange(ref place, value, seen);
            if (before == seen)
            {
                return;
            }

            seen = before;
        }
    }
}
