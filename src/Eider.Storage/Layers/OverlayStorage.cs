using System.Buffers;
using System.Globalization;
using Eider.Storage.Backends;

namespace Eider.Storage.Layers;

/// <summary>
/// Copy-on-write in memory: reads come from the disk below until something was written, writes stay in memory and
/// are gone at the end. The disk below is never written. Memory is taken in chunks of 64 KiB where something is
/// written; only a write that begins or ends inside a sector of 512 bytes reads from below first.
/// </summary>
public sealed class OverlayStorage : BlockStorage
{
    private const int ChunkBytes = SparseBytes.ChunkBytes;
    private const int SectorBytes = OverlayChunk.SectorBytes;

    private readonly BlockStorage _below;
    private readonly bool _leaveOpen;
    private readonly long _maxBytes;
    private readonly ChunkTable<OverlayChunk> _chunks;
    private long _allocatedBytes;

    /// <summary>An overlay without anything written yet, as large as the disk below is now.</summary>
    /// <param name="below">The disk that is read; it must not change meanwhile.</param>
    /// <param name="maxBytes">Most memory that written data may take; a write beyond it fails as on a full disk.</param>
    /// <param name="leaveOpen">True if closing the overlay shall not close the disk below.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="maxBytes"/> is negative.</exception>
    public OverlayStorage(BlockStorage below, long maxBytes = long.MaxValue, bool leaveOpen = false)
    {
        ArgumentNullException.ThrowIfNull(below);
        ArgumentOutOfRangeException.ThrowIfNegative(maxBytes);
        _below = below;
        _leaveOpen = leaveOpen;
        _maxBytes = maxBytes;
        SizeBytes = below.SizeBytes;
        Name = $"overlay of {below.Name}";
        _chunks = new ChunkTable<OverlayChunk>(((SizeBytes - 1) / ChunkBytes) + 1);
        Geometry = below.Geometry with
        {
            IsReadOnly = false,
            CanDiscard = true,
            DiscardGranularityBytes = ChunkBytes,
            WriteZeroesMayUnmap = true,
            BufferAlignmentBytes = 1,
        };
    }

    /// <inheritdoc/>
    public override string Name { get; }

    /// <inheritdoc/>
    public override BlockGeometry Geometry { get; }

    /// <inheritdoc/>
    public override long SizeBytes { get; }

    /// <summary>Memory that written data takes now, in bytes.</summary>
    public long AllocatedBytes => Interlocked.Read(ref _allocatedBytes);

    /// <inheritdoc/>
    protected override async ValueTask<BlockResult> ReadCoreAsync(
        long offsetBytes, BufferList buffers, CancellationToken cancellationToken)
    {
        var end = offsetBytes + buffers.LengthBytes;
        for (var position = offsetBytes; position < end;)
        {
            var chunk = _chunks.Get(position / ChunkBytes);
            var stop = EndOfRun(chunk, position, end, out var isBelow);
            var part = buffers.Slice(position - offsetBytes, stop - position);
            if (isBelow)
            {
                await ReadBelowAsync(position, part, cancellationToken).ConfigureAwait(false);
            }
            else if (chunk == OverlayChunk.Zero)
            {
                part.Clear();
            }
            else
            {
                part.CopyFrom(0, chunk!.Bytes.AsSpan((int)(position % ChunkBytes), (int)part.LengthBytes));
            }

            position = stop;
        }

        return BlockResult.Ok;
    }

    /// <inheritdoc/>
    protected override async ValueTask<BlockResult> WriteCoreAsync(
        long offsetBytes, BufferList buffers, CancellationToken cancellationToken)
    {
        var end = offsetBytes + buffers.LengthBytes;
        for (var position = offsetBytes; position < end;)
        {
            var count = Math.Min(end - position, ChunkBytes - (position % ChunkBytes));
            var part = buffers.Slice(position - offsetBytes, count);
            await ChangeAsync(BlockOperation.Write, position, (int)count, part, cancellationToken).ConfigureAwait(false);
            position += count;
        }

        return BlockResult.Ok;
    }

    /// <inheritdoc/>
    protected override ValueTask<BlockResult> FlushCoreAsync(CancellationToken cancellationToken) =>
        ValueTask.FromResult(BlockResult.Ok);

    /// <inheritdoc/>
    protected override ValueTask<BlockResult> DiscardCoreAsync(
        long offsetBytes, long lengthBytes, CancellationToken cancellationToken) =>
        ZeroAsync(BlockOperation.Discard, offsetBytes, lengthBytes, cancellationToken);

    /// <inheritdoc/>
    protected override ValueTask<BlockResult> WriteZeroesCoreAsync(
        long offsetBytes, long lengthBytes, bool mayUnmap, CancellationToken cancellationToken) =>
        ZeroAsync(BlockOperation.WriteZeroes, offsetBytes, lengthBytes, cancellationToken);

    /// <inheritdoc/>
    protected override async ValueTask<BlockExtent> GetExtentCoreAsync(
        long offsetBytes, long lengthBytes, CancellationToken cancellationToken)
    {
        var chunk = _chunks.Get(offsetBytes / ChunkBytes);
        var length = EndOfRun(chunk, offsetBytes, offsetBytes + lengthBytes, out var isBelow) - offsetBytes;
        if (isBelow)
        {
            return await _below.GetExtentAsync(offsetBytes, length, cancellationToken).ConfigureAwait(false);
        }

        return new BlockExtent(
            offsetBytes, length,
            chunk == OverlayChunk.Zero ? BlockExtentStatus.Hole | BlockExtentStatus.Zero : BlockExtentStatus.Data);
    }

    /// <inheritdoc/>
    protected override async ValueTask DisposeCoreAsync()
    {
        if (!_leaveOpen)
        {
            await _below.DisposeAsync().ConfigureAwait(false);
        }

        await base.DisposeCoreAsync().ConfigureAwait(false);
    }

    /// <summary>Where the run ends that comes from one place: from below (over many chunks), or from this chunk.</summary>
    private long EndOfRun(OverlayChunk? chunk, long offsetBytes, long end, out bool isBelow)
    {
        isBelow = IsBelow(chunk, offsetBytes);
        do
        {
            var start = offsetBytes - (offsetBytes % ChunkBytes);
            var stop = Math.Min(end, start + ChunkBytes);
            if (chunk == null)
            {
                offsetBytes = stop;
            }
            else
            {
                var sector = (int)(offsetBytes - start) / SectorBytes;
                var last = (int)((stop - start + SectorBytes - 1) / SectorBytes);
                offsetBytes = Math.Min(stop, start + ((long)chunk.EndOfRun(sector, last) * SectorBytes));
            }

            if (!isBelow || offsetBytes < stop)
            {
                return offsetBytes;
            }

            chunk = offsetBytes < end ? _chunks.Get(offsetBytes / ChunkBytes) : null;
        }
        while (offsetBytes < end && IsBelow(chunk, offsetBytes));

        return offsetBytes;
    }

    private static bool IsBelow(OverlayChunk? chunk, long offsetBytes) =>
        chunk == null || !chunk.IsWritten((int)(offsetBytes % ChunkBytes) / SectorBytes);

    /// <summary>Makes a range zero, one chunk after the other; whole ones give their memory back.</summary>
    private async ValueTask<BlockResult> ZeroAsync(
        BlockOperation operation, long offsetBytes, long lengthBytes, CancellationToken cancellationToken)
    {
        var end = offsetBytes + lengthBytes;
        for (var position = offsetBytes; position < end;)
        {
            var start = position - (position % ChunkBytes);
            var stop = Math.Min(end, start + ChunkBytes);
            var isWhole = position == start && stop == Math.Min(SizeBytes, start + ChunkBytes);
            if (isWhole)
            {
                Free(_chunks.Exchange(start / ChunkBytes, OverlayChunk.Zero));
            }
            else if (_chunks.Get(start / ChunkBytes) != OverlayChunk.Zero)
            {
                await ChangeAsync(operation, position, (int)(stop - position), null, cancellationToken).ConfigureAwait(false);
            }

            position = stop;
        }

        return BlockResult.Ok;
    }

    /// <summary>Changes a range inside one chunk: to the bytes of a list, or to zeroes if there is none.</summary>
    private async ValueTask ChangeAsync(
        BlockOperation operation, long offsetBytes, int lengthBytes, BufferList? buffers, CancellationToken cancellationToken)
    {
        var within = (int)(offsetBytes % ChunkBytes);
        var chunk = ChunkForWriting(offsetBytes / ChunkBytes, operation, offsetBytes);
        var first = within / SectorBytes;
        var last = (within + lengthBytes - 1) / SectorBytes;
        if (within % SectorBytes != 0)
        {
            await FillSectorAsync(chunk, offsetBytes - within, first, cancellationToken).ConfigureAwait(false);
        }

        if ((within + lengthBytes) % SectorBytes != 0)
        {
            await FillSectorAsync(chunk, offsetBytes - within, last, cancellationToken).ConfigureAwait(false);
        }

        // Under the gate: else a neighbour that fills one of these sectors from below could undo the change.
        lock (chunk.Gate)
        {
            var target = chunk.Bytes.AsSpan(within, lengthBytes);
            if (buffers is { } list)
            {
                list.CopyTo(0, target);
            }
            else
            {
                target.Clear();
            }

            chunk.MarkWritten(first, last + 1);
        }
    }

    /// <summary>Takes a sector over from below, unless it was written meanwhile.</summary>
    private async ValueTask FillSectorAsync(
        OverlayChunk chunk, long chunkOffsetBytes, int sector, CancellationToken cancellationToken)
    {
        if (chunk.IsWritten(sector))
        {
            return;
        }

        var within = sector * SectorBytes;
        var count = (int)Math.Min(SectorBytes, SizeBytes - chunkOffsetBytes - within);
        var copy = ArrayPool<byte>.Shared.Rent(SectorBytes);
        try
        {
            await ReadBelowAsync(chunkOffsetBytes + within, copy.AsMemory(0, count), cancellationToken).ConfigureAwait(false);
            lock (chunk.Gate)
            {
                if (!chunk.IsWritten(sector))
                {
                    copy.AsSpan(0, count).CopyTo(chunk.Bytes.AsSpan(within));
                    chunk.MarkWritten(sector, sector + 1);
                }
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(copy);
        }
    }

    private async ValueTask ReadBelowAsync(long offsetBytes, BufferList buffers, CancellationToken cancellationToken)
    {
        var result = await _below.ReadAsync(offsetBytes, buffers, cancellationToken).ConfigureAwait(false);
        if (result != BlockResult.Ok)
        {
            throw new BlockStorageException(
                BlockErrorKind.Changed, BlockOperation.Read, Name, offsetBytes,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{Name}: the disk below refused a read at offset {offsetBytes} ({result}); "
                    + $"it was {SizeBytes} bytes long, now it is {_below.SizeBytes}"));
        }
    }

    private OverlayChunk ChunkForWriting(long index, BlockOperation operation, long offsetBytes)
    {
        while (true)
        {
            var present = _chunks.Get(index);
            if (present != null && present != OverlayChunk.Zero)
            {
                return present;
            }

            Reserve(operation, offsetBytes);
            OverlayChunk fresh;
            try
            {
                fresh = OverlayChunk.New(isWhole: present == OverlayChunk.Zero);
            }
            catch (OutOfMemoryException exception)
            {
                Interlocked.Add(ref _allocatedBytes, -ChunkBytes);
                throw NoSpace(operation, offsetBytes, exception);
            }

            if (_chunks.CompareExchange(index, fresh, present) == present)
            {
                return fresh;
            }

            Interlocked.Add(ref _allocatedBytes, -ChunkBytes);
        }
    }

    private void Reserve(BlockOperation operation, long offsetBytes)
    {
        if (Interlocked.Add(ref _allocatedBytes, ChunkBytes) > _maxBytes)
        {
            Interlocked.Add(ref _allocatedBytes, -ChunkBytes);
            throw NoSpace(operation, offsetBytes, null);
        }
    }

    private void Free(OverlayChunk? chunk)
    {
        if (chunk != null && chunk != OverlayChunk.Zero)
        {
            Interlocked.Add(ref _allocatedBytes, -ChunkBytes);
        }
    }

    private BlockStorageException NoSpace(BlockOperation operation, long offsetBytes, Exception? cause) => new(
        BlockErrorKind.NoSpace, operation, Name, offsetBytes,
        string.Create(
            CultureInfo.InvariantCulture,
            $"{Name}: no memory left at offset {offsetBytes}: {AllocatedBytes} bytes are in use, {_maxBytes} are allowed"),
        cause);
}
