using System.Globalization;

namespace Eider.Storage.Backends;

/// <summary>
/// A disk over the user's own read-at, and write-at if there is one; without it the disk is read-only. What the
/// user's code does wrong (throws, reads too much or nothing) becomes a <see cref="BlockStorageException"/>.
/// </summary>
public sealed class CustomStorage : BlockStorage
{
    private const int ZeroBytes = 64 * 1024;

    private static readonly ReadOnlyMemory<byte> Zeroes = new byte[ZeroBytes];

    private readonly IReadAt _source;
    private readonly IWriteAt? _target;
    private readonly bool _leaveOpen;

    /// <summary>A disk over a source.</summary>
    /// <param name="source">
    /// The user's storage; also <see cref="IWriteAt"/> and <see cref="IFlush"/>, if it is these. It is disposed with
    /// the disk if it can be.
    /// </param>
    /// <param name="name">What it is called in messages; by default the type's name.</param>
    /// <param name="isReadOnly">True to refuse writes even if the source could be written.</param>
    /// <param name="leaveOpen">True to leave the source alone at the end.</param>
    /// <exception cref="BlockStorageException">The source fails to say its size, or says a negative one.</exception>
    public CustomStorage(IReadAt source, string? name = null, bool isReadOnly = false, bool leaveOpen = false)
    {
        ArgumentNullException.ThrowIfNull(source);
        _source = source;
        _target = isReadOnly ? null : source as IWriteAt;
        _leaveOpen = leaveOpen;
        Name = name ?? source.GetType().Name;
        Geometry = new BlockGeometry { IsReadOnly = _target == null };
        try
        {
            SizeBytes = source.SizeBytes;
        }
        catch (Exception exception)
        {
            throw Failure(exception, BlockOperation.Open, null);
        }

        if (SizeBytes < 0)
        {
            throw Broken(BlockOperation.Open, null, $"the size is {SizeBytes} bytes; it must not be negative");
        }
    }

    /// <inheritdoc/>
    public override string Name { get; }

    /// <inheritdoc/>
    public override BlockGeometry Geometry { get; }

    /// <inheritdoc/>
    public override long SizeBytes { get; }

    /// <inheritdoc/>
    protected override async ValueTask<BlockResult> ReadCoreAsync(
        long offsetBytes, BufferList buffers, CancellationToken cancellationToken)
    {
        for (var index = 0; index < buffers.Count; index++)
        {
            var piece = buffers[index];
            while (!piece.IsEmpty)
            {
                var count = await ReadOnceAsync(offsetBytes, piece, cancellationToken).ConfigureAwait(false);
                piece = piece[count..];
                offsetBytes += count;
            }
        }

        return BlockResult.Ok;
    }

    /// <inheritdoc/>
    protected override async ValueTask<BlockResult> WriteCoreAsync(
        long offsetBytes, BufferList buffers, CancellationToken cancellationToken)
    {
        for (var index = 0; index < buffers.Count; index++)
        {
            var piece = buffers[index];
            if (!piece.IsEmpty)
            {
                await WriteOnceAsync(BlockOperation.Write, offsetBytes, piece, cancellationToken).ConfigureAwait(false);
                offsetBytes += piece.Length;
            }
        }

        return BlockResult.Ok;
    }

    /// <inheritdoc/>
    protected override async ValueTask<BlockResult> FlushCoreAsync(CancellationToken cancellationToken)
    {
        if (_target is not IFlush flush)
        {
            return BlockResult.Ok;
        }

        try
        {
            await flush.FlushAsync(cancellationToken).ConfigureAwait(false);
            return BlockResult.Ok;
        }
        catch (Exception exception) when (!IsCancellation(exception, cancellationToken))
        {
            throw Failure(exception, BlockOperation.Flush, null);
        }
    }

    /// <inheritdoc/>
    protected override async ValueTask<BlockResult> WriteZeroesCoreAsync(
        long offsetBytes, long lengthBytes, bool mayUnmap, CancellationToken cancellationToken)
    {
        var end = offsetBytes + lengthBytes;
        while (offsetBytes < end)
        {
            var count = (int)Math.Min(end - offsetBytes, ZeroBytes);
            await WriteOnceAsync(BlockOperation.WriteZeroes, offsetBytes, Zeroes[..count], cancellationToken)
                .ConfigureAwait(false);
            offsetBytes += count;
        }

        return BlockResult.Ok;
    }

    /// <inheritdoc/>
    protected override async ValueTask DisposeCoreAsync()
    {
        if (!_leaveOpen && _source is IAsyncDisposable asynchronous)
        {
            await asynchronous.DisposeAsync().ConfigureAwait(false);
        }
        else if (!_leaveOpen && _source is IDisposable disposable)
        {
            disposable.Dispose();
        }

        await base.DisposeCoreAsync().ConfigureAwait(false);
    }

    private static bool IsCancellation(Exception exception, CancellationToken cancellationToken) =>
        exception is OperationCanceledException && cancellationToken.IsCancellationRequested;

    private async ValueTask<int> ReadOnceAsync(long offsetBytes, Memory<byte> piece, CancellationToken cancellationToken)
    {
        int count;
        try
        {
            cancellationToken.ThrowIfCancellationRequested();
            count = await _source.ReadAtAsync(offsetBytes, piece, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (!IsCancellation(exception, cancellationToken))
        {
            throw Failure(exception, BlockOperation.Read, offsetBytes);
        }

        return count > 0 && count <= piece.Length
            ? count
            : throw Broken(
                BlockOperation.Read, offsetBytes,
                string.Create(CultureInfo.InvariantCulture, $"a read of {piece.Length} bytes returned {count}"));
    }

    private async ValueTask WriteOnceAsync(
        BlockOperation operation, long offsetBytes, ReadOnlyMemory<byte> piece, CancellationToken cancellationToken)
    {
        try
        {
            cancellationToken.ThrowIfCancellationRequested();
            await _target!.WriteAtAsync(offsetBytes, piece, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (!IsCancellation(exception, cancellationToken))
        {
            throw Failure(exception, operation, offsetBytes);
        }
    }

    private BlockStorageException Failure(Exception exception, BlockOperation operation, long? offsetBytes) =>
        HostErrors.FromException(exception, operation, Name, offsetBytes);

    private BlockStorageException Broken(BlockOperation operation, long? offsetBytes, string what) =>
        new(BlockErrorKind.Protocol, operation, Name, offsetBytes, $"{Name}: {what}");
}
