namespace Eider.Storage;

/// <summary>
/// A disk as the rest of Eider sees it: every back end, format and layer is one. All methods may be called
/// from any thread, many requests may be in flight at once; requests that overlap in place and time have no
/// order among each other.
/// </summary>
/// <remarks>
/// Who guarantees what. This class checks every request before the derived one sees it: offsets and lengths are
/// not negative and do not wrap, the range lies inside <see cref="SizeBytes"/>, an empty request is answered
/// here, writes to a read-only storage are refused, a closed storage refuses everything. Every failure of a request
/// comes through the task, none is thrown at the call. A derived class moves all bytes or throws
/// <see cref="BlockStorageException"/>, never returns a short count, completes promptly when cancelled, and does
/// not touch a buffer after the returned task has completed. The task is awaited exactly once.
/// After one failed flush every later write and flush fails with <see cref="BlockErrorKind.FlushFailed"/> until
/// the storage is reopened, since the host may have dropped what it could not write.
/// </remarks>
public abstract class BlockStorage : IAsyncDisposable
{
    private int _flushFailed;
    private int _closed;

    /// <summary>What it is called in messages: a path, an address, <c>mem:64M</c>.</summary>
    public abstract string Name { get; }

    /// <summary>What does not change while it is open.</summary>
    public abstract BlockGeometry Geometry { get; }

    /// <summary>Size now, in bytes; need not be a multiple of anything.</summary>
    public abstract long SizeBytes { get; }

    /// <summary>Raised, on any thread, after <see cref="SizeBytes"/> changed.</summary>
    public event EventHandler? SizeChanged;

    /// <summary>True once the storage was closed: every request then fails with <see cref="BlockErrorKind.Closed"/>.</summary>
    public bool IsClosed => Volatile.Read(ref _closed) != 0;

    /// <summary>Reads the range that starts at an offset and is as long as the buffers together.</summary>
    public ValueTask<BlockResult> ReadAsync(long offsetBytes, BufferList buffers, CancellationToken cancellationToken = default)
    {
        try
        {
            return Admit(BlockOperation.Read, offsetBytes, buffers.LengthBytes, cancellationToken, out var early)
                ? ReadCoreAsync(offsetBytes, buffers, cancellationToken)
                : ValueTask.FromResult(early);
        }
        catch (Exception exception)
        {
            return ValueTask.FromException<BlockResult>(exception);
        }
    }

    /// <summary>Writes the buffers from an offset on. Durable only after the next flush.</summary>
    public ValueTask<BlockResult> WriteAsync(long offsetBytes, BufferList buffers, CancellationToken cancellationToken = default)
    {
        try
        {
            return Admit(BlockOperation.Write, offsetBytes, buffers.LengthBytes, cancellationToken, out var early)
                ? WriteCoreAsync(offsetBytes, buffers, cancellationToken)
                : ValueTask.FromResult(early);
        }
        catch (Exception exception)
        {
            return ValueTask.FromException<BlockResult>(exception);
        }
    }

    /// <summary>Makes everything durable whose write completed before this call.</summary>
    public ValueTask<BlockResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        try
        {
            ThrowIfUnusable(BlockOperation.Flush, cancellationToken);
            ThrowIfFlushFailed(BlockOperation.Flush);
            var flush = FlushCoreAsync(cancellationToken);
            return flush.IsCompletedSuccessfully ? flush : RememberFailureAsync(flush);
        }
        catch (Exception exception)
        {
            return RememberFailureAsync(ValueTask.FromException<BlockResult>(exception));
        }
    }

    /// <summary>Says that a range's content is not needed any more; it reads as anything afterwards.</summary>
    public ValueTask<BlockResult> DiscardAsync(long offsetBytes, long lengthBytes, CancellationToken cancellationToken = default)
    {
        try
        {
            return Admit(BlockOperation.Discard, offsetBytes, lengthBytes, cancellationToken, out var early)
                ? DiscardCoreAsync(offsetBytes, lengthBytes, cancellationToken)
                : ValueTask.FromResult(early);
        }
        catch (Exception exception)
        {
            return ValueTask.FromException<BlockResult>(exception);
        }
    }

    /// <summary>Makes a range read as zeroes.</summary>
    /// <param name="offsetBytes">Where it starts.</param>
    /// <param name="lengthBytes">How long it is.</param>
    /// <param name="mayUnmap">True if the host may free the space behind it.</param>
    /// <param name="cancellationToken">Ends the request early.</param>
    public ValueTask<BlockResult> WriteZeroesAsync(
        long offsetBytes, long lengthBytes, bool mayUnmap, CancellationToken cancellationToken = default)
    {
        try
        {
            return Admit(BlockOperation.WriteZeroes, offsetBytes, lengthBytes, cancellationToken, out var early)
                ? WriteZeroesCoreAsync(offsetBytes, lengthBytes, mayUnmap, cancellationToken)
                : ValueTask.FromResult(early);
        }
        catch (Exception exception)
        {
            return ValueTask.FromException<BlockResult>(exception);
        }
    }

    /// <summary>
    /// Changes the size. What is added reads as zeroes; what is cut off is gone. Requests that touch the part that is
    /// cut off must not be in flight.
    /// </summary>
    /// <param name="sizeBytes">The new size.</param>
    /// <param name="cancellationToken">Ends the request early.</param>
    /// <returns><see cref="BlockResult.Unsupported"/> if this storage has a fixed size.</returns>
    public ValueTask<BlockResult> ResizeAsync(long sizeBytes, CancellationToken cancellationToken = default)
    {
        try
        {
            ThrowIfUnusable(BlockOperation.Resize, cancellationToken);
            if (Geometry.IsReadOnly)
            {
                return ValueTask.FromResult(BlockResult.ReadOnly);
            }

            ThrowIfFlushFailed(BlockOperation.Resize);
            return sizeBytes < 0 ? ValueTask.FromResult(BlockResult.OutOfRange)
                : sizeBytes == SizeBytes ? ValueTask.FromResult(BlockResult.Ok)
                : ResizeCoreAsync(sizeBytes, cancellationToken);
        }
        catch (Exception exception)
        {
            return ValueTask.FromException<BlockResult>(exception);
        }
    }

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
        try
        {
            ThrowIfUnusable(BlockOperation.Extents, cancellationToken);
            return GetExtentCoreAsync(offsetBytes, lengthBytes, cancellationToken);
        }
        catch (Exception exception)
        {
            return ValueTask.FromException<BlockExtent>(exception);
        }
    }

    /// <summary>
    /// Closes the storage; what was flushed stays, what was not may stay. Requests in flight end, well or with
    /// <see cref="BlockErrorKind.Closed"/>; closing twice does nothing.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _closed, 1) == 0)
        {
            await DisposeCoreAsync().ConfigureAwait(false);
        }

        GC.SuppressFinalize(this);
    }

    /// <summary>Reads; the range is valid and not empty.</summary>
    protected abstract ValueTask<BlockResult> ReadCoreAsync(long offsetBytes, BufferList buffers, CancellationToken cancellationToken);

    /// <summary>Writes; the range is valid and not empty, the storage is not read-only.</summary>
    protected abstract ValueTask<BlockResult> WriteCoreAsync(long offsetBytes, BufferList buffers, CancellationToken cancellationToken);

    /// <summary>Makes durable what was written before; no flush has failed yet.</summary>
    protected abstract ValueTask<BlockResult> FlushCoreAsync(CancellationToken cancellationToken);

    /// <summary>Frees a range, valid and not empty, of a storage that is not read-only; unsupported unless overridden.</summary>
    protected virtual ValueTask<BlockResult> DiscardCoreAsync(long offsetBytes, long lengthBytes, CancellationToken cancellationToken) =>
        ValueTask.FromResult(BlockResult.Unsupported);

    /// <summary>Makes a range read as zeroes; it is valid and not empty, the storage is not read-only.</summary>
    /// <param name="offsetBytes">First byte.</param>
    /// <param name="lengthBytes">Length.</param>
    /// <param name="mayUnmap">True if the host may free the space behind it.</param>
    /// <param name="cancellationToken">Ends the request early.</param>
    protected abstract ValueTask<BlockResult> WriteZeroesCoreAsync(
        long offsetBytes, long lengthBytes, bool mayUnmap, CancellationToken cancellationToken);

    /// <summary>Block status; all data unless overridden.</summary>
    protected virtual ValueTask<BlockExtent> GetExtentCoreAsync(long offsetBytes, long lengthBytes, CancellationToken cancellationToken) =>
        ValueTask.FromResult(new BlockExtent(offsetBytes, lengthBytes, BlockExtentStatus.Data));

    /// <summary>Changes the size, to another one that is not negative; unsupported unless overridden.</summary>
    protected virtual ValueTask<BlockResult> ResizeCoreAsync(long sizeBytes, CancellationToken cancellationToken) =>
        ValueTask.FromResult(BlockResult.Unsupported);

    /// <summary>Frees what the storage holds.</summary>
    protected virtual ValueTask DisposeCoreAsync() => ValueTask.CompletedTask;

    /// <summary>Tells listeners that the size changed.</summary>
    protected void OnSizeChanged() => SizeChanged?.Invoke(this, EventArgs.Empty);

    /// <summary>True if the derived class shall run the request; else the answer is in <paramref name="early"/>.</summary>
    private bool Admit(
        BlockOperation operation, long offsetBytes, long lengthBytes, CancellationToken cancellationToken, out BlockResult early)
    {
        ThrowIfUnusable(operation, cancellationToken);
        if (operation != BlockOperation.Read)
        {
            if (Geometry.IsReadOnly)
            {
                early = BlockResult.ReadOnly;
                return false;
            }

            ThrowIfFlushFailed(operation);
        }

        var size = SizeBytes;
        if (offsetBytes < 0 || lengthBytes < 0 || offsetBytes > size || lengthBytes > size - offsetBytes)
        {
            early = BlockResult.OutOfRange;
            return false;
        }

        early = BlockResult.Ok;
        return lengthBytes != 0;
    }

    private async ValueTask<BlockResult> RememberFailureAsync(ValueTask<BlockResult> flush)
    {
        try
        {
            return await flush.ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            Volatile.Write(ref _flushFailed, 1);
            throw;
        }
    }

    private void ThrowIfUnusable(BlockOperation operation, CancellationToken cancellationToken)
    {
        if (IsClosed)
        {
            throw new BlockStorageException(BlockErrorKind.Closed, operation, Name, null, $"{Name}: the storage was closed");
        }

        cancellationToken.ThrowIfCancellationRequested();
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
