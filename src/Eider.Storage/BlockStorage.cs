namespace Eider.Storage;

/// <summary>
/// A disk as the rest of Eider sees it: every back end, format and layer is one. All methods may be called
/// from any thread, many requests may be in flight at once; requests that overlap in place and time have no
/// order among each other.
/// </summary>
/// <remarks>
/// Who guarantees what. This class checks every request before the derived one sees it: offsets and lengths are
/// not negative and do not wrap, the range lies inside <see cref="SizeBytes"/>, an empty request is answered
/// here, writes to a read-only storage are refused. A derived class moves all bytes or throws
/// <see cref="BlockStorageException"/>, never returns a short count, completes promptly when cancelled, and does
/// not touch a buffer after the returned task has completed. The task is awaited exactly once.
/// After one failed flush every later write and flush fails with <see cref="BlockErrorKind.FlushFailed"/> until
/// the storage is reopened, since the host may have dropped what it could not write.
/// </remarks>
public abstract class BlockStorage : IAsyncDisposable
{
    private int _flushFailed;

    /// <summary>What it is called in messages: a path, an address, <c>mem:64M</c>.</summary>
    public abstract string Name { get; }

    /// <summary>What does not change while it is open.</summary>
    public abstract BlockGeometry Geometry { get; }

    /// <summary>Size now, in bytes; need not be a multiple of anything.</summary>
    public abstract long SizeBytes { get; }

    /// <summary>Raised, on any thread, after <see cref="SizeBytes"/> changed.</summary>
    public event EventHandler? SizeChanged;

    /// <summary>Reads the range that starts at an offset and is as long as the buffers together.</summary>
    public ValueTask<BlockResult> ReadAsync(long offsetBytes, BufferList buffers, CancellationToken cancellationToken = default) =>
        Check(offsetBytes, buffers.LengthBytes, writes: false) is var early && early != null
            ? ValueTask.FromResult(early.Value)
            : ReadCoreAsync(offsetBytes, buffers, cancellationToken);

    /// <summary>Writes the buffers from an offset on. Durable only after the next flush.</summary>
    public ValueTask<BlockResult> WriteAsync(long offsetBytes, BufferList buffers, CancellationToken cancellationToken = default) =>
        Check(offsetBytes, buffers.LengthBytes, writes: true) is var early && early != null
            ? ValueTask.FromResult(early.Value)
            : WriteCoreAsync(offsetBytes, buffers, cancellationToken);

    /// <summary>Makes everything durable whose write completed before this call.</summary>
    public async ValueTask<BlockResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        ThrowIfFlushFailed(BlockOperation.Flush);
        try
        {
            return await FlushCoreAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (BlockStorageException)
        {
            Volatile.Write(ref _flushFailed, 1);
            throw;
        }
    }

    /// <summary>Says that a range's content is not needed any more; it reads as anything afterwards.</summary>
    public ValueTask<BlockResult> DiscardAsync(long offsetBytes, long lengthBytes, CancellationToken cancellationToken = default) =>
        Check(offsetBytes, lengthBytes, writes: true) is var early && early != null
            ? ValueTask.FromResult(early.Value)
            : DiscardCoreAsync(offsetBytes, lengthBytes, cancellationToken);

    /// <summary>Makes a range read as zeroes.</summary>
    /// <param name="offsetBytes">Where it starts.</param>
    /// <param name="lengthBytes">How long it is.</param>
    /// <param name="mayUnmap">True if the host may free the space behind it.</param>
    /// <param name="cancellationToken">Ends the request early.</param>
    public ValueTask<BlockResult> WriteZeroesAsync(
        long offsetBytes, long lengthBytes, bool mayUnmap, CancellationToken cancellationToken = default) =>
        Check(offsetBytes, lengthBytes, writes: true) is var early && early != null
            ? ValueTask.FromResult(early.Value)
            : WriteZeroesCoreAsync(offsetBytes, lengthBytes, mayUnmap, cancellationToken);

    /// <summary>
    /// The status of the run that starts at an offset: as long as it is known to be of one status, at most
    /// <paramref name="lengthBytes"/>.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The range is empty or reaches past the end.</exception>
    public ValueTask<BlockExtent> GetExtentAsync(long offsetBytes, long lengthBytes, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offsetBytes);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(lengthBytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(lengthBytes, SizeBytes - offsetBytes);
        return GetExtentCoreAsync(offsetBytes, lengthBytes, cancellationToken);
    }

    /// <summary>Closes the storage; what was flushed stays, what was not may stay.</summary>
    public async ValueTask DisposeAsync()
    {
        await DisposeCoreAsync().ConfigureAwait(false);
        GC.SuppressFinalize(this);
    }

    /// <summary>Reads; the range is valid and not empty.</summary>
    protected abstract ValueTask<BlockResult> ReadCoreAsync(long offsetBytes, BufferList buffers, CancellationToken cancellationToken);

    /// <summary>Writes; the range is valid and not empty, the storage is not read-only.</summary>
    protected abstract ValueTask<BlockResult> WriteCoreAsync(long offsetBytes, BufferList buffers, CancellationToken cancellationToken);

    /// <summary>Flushes.</summary>
    protected abstract ValueTask<BlockResult> FlushCoreAsync(CancellationToken cancellationToken);

    /// <summary>Discards; unsupported unless overridden.</summary>
    protected virtual ValueTask<BlockResult> DiscardCoreAsync(long offsetBytes, long lengthBytes, CancellationToken cancellationToken) =>
        ValueTask.FromResult(BlockResult.Unsupported);

    /// <summary>Zeroes.</summary>
    protected abstract ValueTask<BlockResult> WriteZeroesCoreAsync(
        long offsetBytes, long lengthBytes, bool mayUnmap, CancellationToken cancellationToken);

    /// <summary>Block status; all data unless overridden.</summary>
    protected virtual ValueTask<BlockExtent> GetExtentCoreAsync(long offsetBytes, long lengthBytes, CancellationToken cancellationToken) =>
        ValueTask.FromResult(new BlockExtent(offsetBytes, lengthBytes, BlockExtentStatus.Data));

    /// <summary>Frees what the storage holds.</summary>
    protected virtual ValueTask DisposeCoreAsync() => ValueTask.CompletedTask;

    /// <summary>Tells listeners that the size changed.</summary>
    protected void OnSizeChanged() => SizeChanged?.Invoke(this, EventArgs.Empty);

    private BlockResult? Check(long offsetBytes, long lengthBytes, bool writes)
    {
        if (writes)
        {
            if (Geometry.IsReadOnly)
            {
                return BlockResult.ReadOnly;
            }

            ThrowIfFlushFailed(BlockOperation.Write);
        }

        var size = SizeBytes;
        if (offsetBytes < 0 || lengthBytes < 0 || offsetBytes > size || lengthBytes > size - offsetBytes)
        {
            return BlockResult.OutOfRange;
        }

        return lengthBytes == 0 ? BlockResult.Ok : null;
    }

    private void ThrowIfFlushFailed(BlockOperation operation)
    {
        if (Volatile.Read(ref _flushFailed) != 0)
        {
            throw new BlockStorageException(
                BlockErrorKind.FlushFailed, operation, Name, null, $"{Name}: an earlier flush failed; reopen the storage");
        }
    }
}
