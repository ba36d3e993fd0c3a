using System.Globalization;
using System.Runtime.InteropServices;

namespace Eider.Storage.Backends;

/// <summary>
/// A disk in memory: either memory of the caller, or own memory that is allocated in chunks of 64 KiB where
/// something is written, so that a large empty disk costs nothing. Every request completes on the calling thread.
/// </summary>
public sealed class MemoryStorage : BlockStorage
{
    /// <summary>The largest disk that can be made by size: 64 TiB.</summary>
    public const long MaxSizeBytes = 1L << 46;

    // A disk that was made by size may grow this far; the table for it takes 32 KiB.
    private const long GrowthBytes = 1L << 40;

    private readonly Memory<byte> _bytes;
    private readonly SparseBytes? _sparse;
    private long _sizeBytes;

    /// <summary>A disk of zeroes in own memory.</summary>
    /// <param name="sizeBytes">Its size, from 0 to <see cref="MaxSizeBytes"/>.</param>
    /// <param name="name">What it is called in messages; by default <c>mem:</c> and the size.</param>
    /// <param name="isReadOnly">True to refuse writes.</param>
    /// <exception cref="ArgumentOutOfRangeException">The size is out of range.</exception>
    public MemoryStorage(long sizeBytes, string? name = null, bool isReadOnly = false)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(sizeBytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(sizeBytes, MaxSizeBytes);
        _sparse = new SparseBytes(Math.Max(sizeBytes, GrowthBytes));
        _sizeBytes = sizeBytes;
        Name = name ?? DefaultName(sizeBytes);
        Geometry = GeometryOf(isReadOnly, canUnmap: true);
    }

    /// <summary>A disk in the caller's memory, which must stay valid until the storage is closed.</summary>
    /// <param name="bytes">The content; its length is the size.</param>
    /// <param name="isReadOnly">True to refuse writes.</param>
    /// <param name="name">What it is called in messages.</param>
    public MemoryStorage(Memory<byte> bytes, bool isReadOnly = false, string? name = null)
    {
        _bytes = bytes;
        _sizeBytes = bytes.Length;
        Name = name ?? DefaultName(bytes.Length);
        Geometry = GeometryOf(isReadOnly, canUnmap: false);
    }

    /// <summary>A read-only disk in the caller's memory, which must stay valid until the storage is closed.</summary>
    /// <param name="bytes">The content; its length is the size.</param>
    /// <param name="name">What it is called in messages.</param>
    public MemoryStorage(ReadOnlyMemory<byte> bytes, string? name = null)
        : this(MemoryMarshal.AsMemory(bytes), isReadOnly: true, name)
    {
    }

    /// <inheritdoc/>
    public override string Name { get; }

    /// <inheritdoc/>
    public override BlockGeometry Geometry { get; }

    /// <inheritdoc/>
    public override long SizeBytes => Volatile.Read(ref _sizeBytes);

    /// <summary>Memory that the content takes now, in bytes.</summary>
    public long AllocatedBytes => _sparse?.AllocatedBytes ?? _bytes.Length;

    /// <inheritdoc/>
    protected override ValueTask<BlockResult> ReadCoreAsync(
        long offsetBytes, BufferList buffers, CancellationToken cancellationToken)
    {
        for (var index = 0; index < buffers.Count; index++)
        {
            var piece = buffers[index].Span;
            if (_sparse != null)
            {
                _sparse.Read(offsetBytes, piece);
            }
            else
            {
                _bytes.Span.Slice((int)offsetBytes, piece.Length).CopyTo(piece);
            }

            offsetBytes += piece.Length;
        }

        return ValueTask.FromResult(BlockResult.Ok);
    }

    /// <inheritdoc/>
    protected override ValueTask<BlockResult> WriteCoreAsync(
        long offsetBytes, BufferList buffers, CancellationToken cancellationToken)
    {
        try
        {
            for (var index = 0; index < buffers.Count; index++)
            {
                var piece = buffers[index].Span;
                if (_sparse != null)
                {
                    _sparse.Write(offsetBytes, piece);
                }
                else
                {
                    piece.CopyTo(_bytes.Span[(int)offsetBytes..]);
                }

                offsetBytes += piece.Length;
            }
        }
        catch (OutOfMemoryException exception)
        {
            throw new BlockStorageException(
                BlockErrorKind.NoSpace, BlockOperation.Write, Name, offsetBytes,
                $"{Name}: no memory for the write at offset {offsetBytes}; {AllocatedBytes} bytes are in use", exception);
        }

        return ValueTask.FromResult(BlockResult.Ok);
    }

    /// <inheritdoc/>
    protected override ValueTask<BlockResult> FlushCoreAsync(CancellationToken cancellationToken) =>
        ValueTask.FromResult(BlockResult.Ok);

    /// <inheritdoc/>
    protected override ValueTask<BlockResult> DiscardCoreAsync(
        long offsetBytes, long lengthBytes, CancellationToken cancellationToken)
    {
        _sparse?.Zero(offsetBytes, lengthBytes, mayFree: true);
        return ValueTask.FromResult(_sparse != null ? BlockResult.Ok : BlockResult.Unsupported);
    }

    /// <inheritdoc/>
    protected override ValueTask<BlockResult> WriteZeroesCoreAsync(
        long offsetBytes, long lengthBytes, bool mayUnmap, CancellationToken cancellationToken)
    {
        if (_sparse != null)
        {
            _sparse.Zero(offsetBytes, lengthBytes, mayUnmap);
        }
        else
        {
            _bytes.Span.Slice((int)offsetBytes, (int)lengthBytes).Clear();
        }

        return ValueTask.FromResult(BlockResult.Ok);
    }

    /// <inheritdoc/>
    protected override ValueTask<BlockExtent> GetExtentCoreAsync(
        long offsetBytes, long lengthBytes, CancellationToken cancellationToken) =>
        ValueTask.FromResult(
            _sparse?.GetExtent(offsetBytes, lengthBytes)
            ?? new BlockExtent(offsetBytes, lengthBytes, BlockExtentStatus.Data));

    /// <inheritdoc/>
    protected override ValueTask<BlockResult> ResizeCoreAsync(long sizeBytes, CancellationToken cancellationToken)
    {
        var size = SizeBytes;
        if (_sparse == null)
        {
            return ValueTask.FromResult(BlockResult.Unsupported);
        }

        if (sizeBytes > _sparse.CapacityBytes)
        {
            throw new BlockStorageException(
                BlockErrorKind.NoSpace, BlockOperation.Resize, Name, null,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{Name}: cannot grow to {sizeBytes} bytes; expected at most {_sparse.CapacityBytes}"));
        }

        if (sizeBytes < size)
        {
            _sparse.Zero(sizeBytes, size - sizeBytes, mayFree: true);
        }

        Volatile.Write(ref _sizeBytes, sizeBytes);
        OnSizeChanged();
        return ValueTask.FromResult(BlockResult.Ok);
    }

    private static string DefaultName(long sizeBytes) => string.Create(CultureInfo.InvariantCulture, $"mem:{sizeBytes}");

    private static BlockGeometry GeometryOf(bool isReadOnly, bool canUnmap) => new()
    {
        IsReadOnly = isReadOnly,
        CanDiscard = canUnmap && !isReadOnly,
        DiscardGranularityBytes = canUnmap && !isReadOnly ? SparseBytes.ChunkBytes : 0,
        WriteZeroesMayUnmap = canUnmap && !isReadOnly,
    };
}
