using System.Buffers;
using Eider.Storage.Formats;

namespace Eider.Storage.Layers;

/// <summary>
/// Copies what is read from behind an image into the image, so that it is read from there the next time: from a slow
/// backing file or server each byte is fetched once. Copies are whole blocks of 64 KiB; a copy is alone, so no write is
/// ever overwritten by an older content. A copy that fails fails no read: the next read of the place tries again.
/// </summary>
public sealed class CopyOnReadStorage : BlockStorageLayer
{
    private const int BlockBytes = 64 * 1024;

    private readonly ImageStorage _image;
    private readonly AsyncSharedExclusiveGate _gate = new();
    private long _copied;

    /// <summary>A copying layer.</summary>
    /// <param name="image">The image, open for writing, with something behind it.</param>
    /// <param name="leaveOpen">True if closing the layer shall not close the image.</param>
    public CopyOnReadStorage(ImageStorage image, bool leaveOpen = false)
        : base(image, leaveOpen) => _image = image;

    /// <summary>How many bytes were copied.</summary>
    public long CopiedBytes => Interlocked.Read(ref _copied);

    /// <inheritdoc/>
    protected override async ValueTask<BlockResult> ReadCoreAsync(
        long offsetBytes, BufferList buffers, CancellationToken cancellationToken)
    {
        if (!Inner.Geometry.IsReadOnly)
        {
            await TryCopyMissingAsync(offsetBytes, offsetBytes + buffers.LengthBytes, cancellationToken).ConfigureAwait(false);
        }

        return await Inner.ReadAsync(offsetBytes, buffers, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    protected override async ValueTask<BlockResult> WriteCoreAsync(
        long offsetBytes, BufferList buffers, CancellationToken cancellationToken)
    {
        await _gate.EnterSharedAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return await base.WriteCoreAsync(offsetBytes, buffers, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _gate.ExitShared();
        }
    }

    /// <inheritdoc/>
    protected override async ValueTask<BlockResult> WriteZeroesCoreAsync(
        long offsetBytes, long lengthBytes, bool mayUnmap, CancellationToken cancellationToken)
    {
        await _gate.EnterSharedAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return await base.WriteZeroesCoreAsync(offsetBytes, lengthBytes, mayUnmap, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _gate.ExitShared();
        }
    }

    /// <inheritdoc/>
    protected override async ValueTask<BlockResult> DiscardCoreAsync(
        long offsetBytes, long lengthBytes, CancellationToken cancellationToken)
    {
        await _gate.EnterSharedAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return await base.DiscardCoreAsync(offsetBytes, lengthBytes, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _gate.ExitShared();
        }
    }

    /// <summary>The next run of a range that the image itself does not have; length 0 if there is none.</summary>
    private async ValueTask<(long Start, long Length)> FindMissingAsync(long start, long end, CancellationToken cancellationToken)
    {
        while (start < end)
        {
            var extent = await _image.GetImageExtentAsync(start, end - start, cancellationToken).ConfigureAwait(false);
            if (extent.Kind == ImageExtentKind.Unallocated)
            {
                return (start, extent.LengthBytes);
            }

            start += extent.LengthBytes;
        }

        return (end, 0);
    }

    /// <summary>Copies if it can: a full disk under the image is no reason to fail a read of what is behind it.</summary>
    private async ValueTask TryCopyMissingAsync(long offsetBytes, long endBytes, CancellationToken cancellationToken)
    {
        try
        {
            await CopyMissingAsync(offsetBytes, endBytes, cancellationToken).ConfigureAwait(false);
        }
        catch (BlockStorageException)
        {
            // Whether the range can be read at all, the read itself will tell.
        }
    }

    private async ValueTask CopyMissingAsync(long offsetBytes, long endBytes, CancellationToken cancellationToken)
    {
        if ((await FindMissingAsync(offsetBytes, endBytes, cancellationToken).ConfigureAwait(false)).Length == 0)
        {
            return;
        }

        var end = Math.Min(SizeBytes, (endBytes + BlockBytes - 1) / BlockBytes * BlockBytes);
        var block = ArrayPool<byte>.Shared.Rent(BlockBytes);
        await _gate.EnterAloneAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var (start, length) = await FindMissingAsync(offsetBytes / BlockBytes * BlockBytes, end, cancellationToken).ConfigureAwait(false);
            while (length > 0)
            {
                var count = (int)Math.Min(length, BlockBytes);
                await CopyAsync(start, block.AsMemory(0, count), cancellationToken).ConfigureAwait(false);
                (start, length) = await FindMissingAsync(start + count, end, cancellationToken).ConfigureAwait(false);
            }
        }
        finally
        {
            _gate.ExitAlone();
            ArrayPool<byte>.Shared.Return(block);
        }
    }

    private async ValueTask CopyAsync(long start, Memory<byte> block, CancellationToken cancellationToken)
    {
        await Inner.ReadAsync(start, block, cancellationToken).ConfigureAwait(false);
        var isZero = !block.Span.ContainsAnyExcept((byte)0);
        var result = isZero
            ? await Inner.WriteZeroesAsync(start, block.Length, mayUnmap: true, cancellationToken).ConfigureAwait(false)
            : await Inner.WriteAsync(start, block, cancellationToken).ConfigureAwait(false);
        if (result == BlockResult.Ok)
        {
            Interlocked.Add(ref _copied, block.Length);
        }
    }
}
