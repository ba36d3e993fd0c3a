using System.Security.Cryptography;
using Eider.Storage.Backends;

namespace Eider.Storage.Operations;

/// <summary>Hashes the windows of <see cref="ImageChecksum"/>; memory stays the same whatever the size of the disk.</summary>
internal sealed class WindowHasher
{
    private const int BufferBytes = 1 << 20;
    private const int BlockBytes = ImageChecksum.BlockBytes;
    private const int DigestBytes = SHA256.HashSizeInBytes;

    private readonly BlockStorage _disk;
    private readonly int _workers;
    private readonly ProgressCounter _progress;
    private readonly byte[] _zeroBlock = SHA256.HashData(new byte[BlockBytes]);
    private readonly byte[] _digests = new byte[ImageChecksum.WindowBytes / BlockBytes * DigestBytes];
    private byte[]? _zeroWindow;

    /// <summary>A hasher.</summary>
    public WindowHasher(BlockStorage disk, int workers, ProgressCounter progress)
    {
        _disk = disk;
        _workers = workers;
        _progress = progress;
    }

    /// <summary>The hash of one window.</summary>
    /// <param name="start">Where it starts.</param>
    /// <param name="length">How long it is; only the last one may be short.</param>
    /// <param name="cancellationToken">Ends it early.</param>
    public async ValueTask<byte[]> HashAsync(long start, long length, CancellationToken cancellationToken)
    {
        using var cursor = new ChunkCursor((at, most, token) => ExtentAsync(start, length, at, most, token), length, BufferBytes);
        var first = await cursor.NextAsync(cancellationToken).ConfigureAwait(false) ?? default;
        var isEmpty = first.Kind == ChunkKind.Zero && first.LengthBytes == length;
        if (isEmpty && length == ImageChecksum.WindowBytes && _zeroWindow != null)
        {
            _progress.Add(length);
            return _zeroWindow;
        }

        var used = (int)((length + BlockBytes - 1) / BlockBytes) * DigestBytes;
        for (var at = 0; at < used; at += DigestBytes)
        {
            _zeroBlock.CopyTo(_digests, at);
        }

        await HashDataAsync(first, cursor, start, cancellationToken).ConfigureAwait(false);
        var hash = SHA256.HashData(_digests.AsSpan(0, used));
        _zeroWindow = isEmpty && length == ImageChecksum.WindowBytes ? hash : _zeroWindow;
        return hash;
    }

    private async ValueTask HashDataAsync(Chunk first, ChunkCursor cursor, long start, CancellationToken cancellationToken)
    {
        await Workers.RunAsync(_workers, scheduler: null, WorkAsync, cancellationToken).ConfigureAwait(false);

        async Task WorkAsync(int number, CancellationToken token)
        {
            var buffer = new AlignedBuffer(BufferBytes, 4096).Memory;
            Chunk? next = number == 0 ? first : await cursor.NextAsync(token).ConfigureAwait(false);
            for (; next is { } chunk; next = await cursor.NextAsync(token).ConfigureAwait(false))
            {
                if (chunk.Kind == ChunkKind.Data)
                {
                    var bytes = buffer[..(int)chunk.LengthBytes];
                    var result = await _disk.ReadAsync(start + chunk.OffsetBytes, bytes, token).ConfigureAwait(false);
                    OperationResults.ThrowUnlessOk(result, _disk, BlockOperation.Read, start + chunk.OffsetBytes);
                    HashBlocks(buffer.Span, bytes.Length, _digests.AsSpan((int)(chunk.OffsetBytes / BlockBytes) * DigestBytes));
                }

                _progress.Add(chunk.LengthBytes);
            }
        }
    }

    /// <summary>The extents of a window in whole blocks: a block that is data in part is data.</summary>
    private async ValueTask<BlockExtent> ExtentAsync(long start, long length, long offset, long most, CancellationToken cancellationToken)
    {
        var extent = await _disk.GetExtentAsync(start + offset, most, cancellationToken).ConfigureAwait(false);
        var end = offset + extent.LengthBytes;
        if (end == length)
        {
            return extent with { OffsetBytes = offset };
        }

        var isZero = (extent.Status & BlockExtentStatus.Zero) != 0;
        var cut = isZero ? end / BlockBytes * BlockBytes : Math.Min(length, (end + BlockBytes - 1) / BlockBytes * BlockBytes);
        return cut > offset
            ? new BlockExtent(offset, cut - offset, extent.Status)
            : new BlockExtent(offset, Math.Min(BlockBytes, length - offset), BlockExtentStatus.Data);
    }

    private static void HashBlocks(Span<byte> buffer, int length, Span<byte> digests)
    {
        var whole = (length + BlockBytes - 1) / BlockBytes * BlockBytes;
        buffer[length..whole].Clear();
        for (var at = 0; at < whole; at += BlockBytes)
        {
            SHA256.HashData(buffer.Slice(at, BlockBytes), digests[..DigestBytes]);
            digests = digests[DigestBytes..];
        }
    }
}
