using System.Buffers;
using System.Globalization;

namespace Eider.Storage.Layers;

/// <summary>
/// Holds a storage against a reference that should always be the same: every change goes to both, every read is made
/// on both and compared. A difference is a failure with its first byte, and is remembered. For tests of formats and
/// layers, and for users who do not trust a disk.
/// </summary>
/// <remarks>Requests that overlap in place and time have no order, so they may end differently on both: callers avoid them.</remarks>
public sealed class MirrorVerifyStorage : BlockStorageLayer
{
    private const int ChunkBytes = 256 * 1024;

    private readonly BlockStorage _reference;
    private readonly bool _leaveOpen;
    private long _differences;

    /// <summary>A storage with its reference.</summary>
    /// <param name="inner">What is verified.</param>
    /// <param name="reference">What it is held against; of the same size and with the same content.</param>
    /// <param name="leaveOpen">True if closing the layer shall close neither.</param>
    /// <exception cref="ArgumentOutOfRangeException">The sizes differ.</exception>
    public MirrorVerifyStorage(BlockStorage inner, BlockStorage reference, bool leaveOpen = false)
        : base(inner, leaveOpen)
    {
        ArgumentNullException.ThrowIfNull(reference);
        ArgumentOutOfRangeException.ThrowIfNotEqual(reference.SizeBytes, Inner.SizeBytes, nameof(reference));
        _reference = reference;
        _leaveOpen = leaveOpen;

        // What was discarded reads as anything: the two could not be compared any more.
        Geometry = Inner.Geometry with { CanDiscard = false, DiscardGranularityBytes = 0 };
    }

    /// <inheritdoc/>
    public override BlockGeometry Geometry { get; }

    /// <summary>How many reads found a difference.</summary>
    public long DifferenceCount => Interlocked.Read(ref _differences);

    /// <inheritdoc/>
    protected override async ValueTask<BlockResult> ReadCoreAsync(
        long offsetBytes, BufferList buffers, CancellationToken cancellationToken)
    {
        var result = await base.ReadCoreAsync(offsetBytes, buffers, cancellationToken).ConfigureAwait(false);
        if (result != BlockResult.Ok)
        {
            return result;
        }

        var expected = ArrayPool<byte>.Shared.Rent((int)Math.Min(2 * ChunkBytes, 2 * buffers.LengthBytes));
        try
        {
            var half = expected.Length / 2;
            for (var done = 0L; done < buffers.LengthBytes; done += half)
            {
                var count = (int)Math.Min(half, buffers.LengthBytes - done);
                await _reference.ReadAsync(offsetBytes + done, expected.AsMemory(0, count), cancellationToken).ConfigureAwait(false);
                Compare(offsetBytes + done, buffers.Slice(done, count), expected, half);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(expected);
        }

        return BlockResult.Ok;
    }

    /// <inheritdoc/>
    protected override async ValueTask<BlockResult> WriteCoreAsync(
        long offsetBytes, BufferList buffers, CancellationToken cancellationToken)
    {
        var result = await base.WriteCoreAsync(offsetBytes, buffers, cancellationToken).ConfigureAwait(false);
        return Same(
            BlockOperation.Write, offsetBytes, result,
            await _reference.WriteAsync(offsetBytes, buffers, cancellationToken).ConfigureAwait(false));
    }

    /// <inheritdoc/>
    protected override async ValueTask<BlockResult> FlushCoreAsync(CancellationToken cancellationToken)
    {
        var result = await base.FlushCoreAsync(cancellationToken).ConfigureAwait(false);
        return Same(BlockOperation.Flush, null, result, await _reference.FlushAsync(cancellationToken).ConfigureAwait(false));
    }

    /// <inheritdoc/>
    protected override ValueTask<BlockResult> DiscardCoreAsync(
        long offsetBytes, long lengthBytes, CancellationToken cancellationToken) =>
        ValueTask.FromResult(BlockResult.Unsupported);

    /// <inheritdoc/>
    protected override async ValueTask<BlockResult> WriteZeroesCoreAsync(
        long offsetBytes, long lengthBytes, bool mayUnmap, CancellationToken cancellationToken)
    {
        var result = await base.WriteZeroesCoreAsync(offsetBytes, lengthBytes, mayUnmap, cancellationToken).ConfigureAwait(false);
        return Same(
            BlockOperation.WriteZeroes, offsetBytes, result,
            await _reference.WriteZeroesAsync(offsetBytes, lengthBytes, mayUnmap, cancellationToken).ConfigureAwait(false));
    }

    /// <inheritdoc/>
    protected override ValueTask<BlockResult> ResizeCoreAsync(long sizeBytes, CancellationToken cancellationToken) =>
        ValueTask.FromResult(BlockResult.Unsupported);

    /// <inheritdoc/>
    protected override async ValueTask DisposeCoreAsync()
    {
        if (!_leaveOpen)
        {
            await _reference.DisposeAsync().ConfigureAwait(false);
        }

        await base.DisposeCoreAsync().ConfigureAwait(false);
    }

    private void Compare(long offsetBytes, BufferList found, byte[] scratch, int half)
    {
        var count = (int)found.LengthBytes;
        var actual = scratch.AsSpan(half, count);
        found.CopyTo(0, actual);
        var same = actual.CommonPrefixLength(scratch.AsSpan(0, count));
        if (same < count)
        {
            Interlocked.Increment(ref _differences);
            var place = offsetBytes + same;
            throw new BlockStorageException(
                BlockErrorKind.CorruptImage, BlockOperation.Read, Name, place,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{Name}: byte {place}: found 0x{actual[same]:x2}, expected 0x{scratch[same]:x2} as in {_reference.Name}"));
        }
    }

    private BlockResult Same(BlockOperation operation, long? offsetBytes, BlockResult found, BlockResult expected) => found == expected
        ? found
        : throw new BlockStorageException(
            BlockErrorKind.CorruptImage, operation, Name, offsetBytes, $"{Name}: {operation}: found {found}, expected {expected} as in {_reference.Name}");
}
