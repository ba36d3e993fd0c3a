using System.Buffers;
using Eider.Storage.Encryption;

namespace Eider.Storage.Formats.Luks;

/// <summary>
/// The disk inside a LUKS1 volume. Whole sectors are encrypted on their way; a write that begins or ends inside a
/// sector reads it first and is alone meanwhile, so that neighbours in the sector are safe.
/// </summary>
internal sealed class LuksImage : ImageStorage
{
    private const int SectorBytes = SectorCipher.SectorBytes;

    /// <summary>Most that is under way for one request at a time.</summary>
    private const int ChunkBytes = 128 * 1024;

    private readonly AsyncSharedExclusiveGate _gate = new();
    private readonly LuksArea _area;
    private readonly long _payloadBytes;
    private SectorCipher? _cipher;

    public LuksImage(ImageFormat format, BlockStorage file, LuksArea area, long payloadBytes, bool isReadOnly)
        : base(format, file)
    {
        _area = area;
        _payloadBytes = payloadBytes;
        Geometry = new BlockGeometry
        {
            IsReadOnly = isReadOnly || file.Geometry.IsReadOnly,
            PhysicalBlockBytes = file.Geometry.PhysicalBlockBytes,
        };
        file.SizeChanged += OnFileSizeChanged;
    }

    public override BlockGeometry Geometry { get; }

    public override long SizeBytes => Math.Max(0, File.SizeBytes - _payloadBytes) / SectorBytes * SectorBytes;

    public override bool IsEncrypted => true;

    public override bool NeedsKey => Volatile.Read(ref _cipher) == null;

    public override ValueTask<LuksHeader?> GetLuksHeaderAsync(CancellationToken cancellationToken = default) =>
        ValueTask.FromResult<LuksHeader?>(_area.Header);

    public override async ValueTask<BlockResult> SetKeyAsync(
        ReadOnlyMemory<byte> key, CancellationToken cancellationToken = default)
    {
        var cipher = await _area.UnlockAsync(key, cancellationToken).ConfigureAwait(false)
            ?? throw new BlockStorageException(
                BlockErrorKind.AccessDenied, BlockOperation.Open, Name, null, $"{Name}: LUKS: the passphrase fits no key slot");
        if (Interlocked.CompareExchange(ref _cipher, cipher, null) != null)
        {
            cipher.Dispose();
        }

        return BlockResult.Ok;
    }

    protected override async ValueTask<BlockResult> ReadCoreAsync(
        long offsetBytes, BufferList buffers, CancellationToken cancellationToken)
    {
        var cipher = Cipher(BlockOperation.Read, offsetBytes);

        // Shared with other reads and whole sectors; while a part of a sector is replaced, its other part is not readable.
        await _gate.EnterSharedAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (buffers.Count == 1 && offsetBytes % SectorBytes == 0 && buffers.LengthBytes % SectorBytes == 0)
            {
                await ReadSectorsAsync(cipher, offsetBytes, buffers[0], cancellationToken).ConfigureAwait(false);
            }
            else
            {
                await ReadPiecesAsync(cipher, offsetBytes, buffers, cancellationToken).ConfigureAwait(false);
            }
        }
        finally
        {
            _gate.ExitShared();
        }

        return BlockResult.Ok;
    }

    protected override ValueTask<BlockResult> WriteCoreAsync(
        long offsetBytes, BufferList buffers, CancellationToken cancellationToken) =>
        PutAsync(BlockOperation.Write, offsetBytes, buffers.LengthBytes, buffers, cancellationToken);

    protected override ValueTask<BlockResult> WriteZeroesCoreAsync(
        long offsetBytes, long lengthBytes, bool mayUnmap, CancellationToken cancellationToken) =>
        PutAsync(BlockOperation.WriteZeroes, offsetBytes, lengthBytes, null, cancellationToken);

    protected override ValueTask<BlockResult> FlushCoreAsync(CancellationToken cancellationToken) =>
        File.FlushAsync(cancellationToken);

    protected override async ValueTask<BlockResult> ResizeCoreAsync(long sizeBytes, CancellationToken cancellationToken)
    {
        if (sizeBytes % SectorBytes != 0 || sizeBytes > long.MaxValue - _payloadBytes)
        {
            return BlockResult.Unsupported;
        }

        // What is added must read as zeroes, and a hole of the file does not once it is decrypted.
        var old = SizeBytes;
        var result = await File.ResizeAsync(_payloadBytes + sizeBytes, cancellationToken).ConfigureAwait(false);
        return result == BlockResult.Ok && sizeBytes > old
            ? await WriteZeroesAsync(old, sizeBytes - old, mayUnmap: false, cancellationToken).ConfigureAwait(false)
            : result;
    }

    protected override ValueTask<ImageExtent> GetImageExtentCoreAsync(
        long offsetBytes, long lengthBytes, CancellationToken cancellationToken) =>
        ValueTask.FromResult(new ImageExtent(offsetBytes, lengthBytes, ImageExtentKind.Data, _payloadBytes + offsetBytes));

    protected override async ValueTask DisposeCoreAsync()
    {
        File.SizeChanged -= OnFileSizeChanged;
        await File.DisposeAsync().ConfigureAwait(false);

        // A read that has its sectors may still be deciphering them: the key goes when the last one has left.
        await _gate.EnterAloneAsync(CancellationToken.None).ConfigureAwait(false);
        try
        {
            Interlocked.Exchange(ref _cipher, null)?.Dispose();
        }
        finally
        {
            _gate.ExitAlone();
        }

        await base.DisposeCoreAsync().ConfigureAwait(false);
    }

    /// <summary>The sectors around a position, as many as the buffer holds.</summary>
    private static (long First, Memory<byte> Chunk) Chunk(long position, long end, byte[] bounce)
    {
        var first = position / SectorBytes * SectorBytes;
        var last = (end + SectorBytes - 1) / SectorBytes * SectorBytes;
        return (first, bounce.AsMemory(0, (int)Math.Min(ChunkBytes, last - first)));
    }

    private void OnFileSizeChanged(object? sender, EventArgs eventArgs) => OnSizeChanged();

    private SectorCipher Cipher(BlockOperation operation, long offsetBytes) =>
        Volatile.Read(ref _cipher) ?? throw new BlockStorageException(
            BlockErrorKind.AccessDenied, operation, Name, offsetBytes, $"{Name}: LUKS: the image is encrypted and no passphrase was given");

    private async ValueTask ReadPiecesAsync(
        SectorCipher cipher, long offsetBytes, BufferList buffers, CancellationToken cancellationToken)
    {
        var bounce = ArrayPool<byte>.Shared.Rent(ChunkBytes);
        try
        {
            var end = offsetBytes + buffers.LengthBytes;
            for (var position = offsetBytes; position < end;)
            {
                var (first, chunk) = Chunk(position, end, bounce);
                await ReadSectorsAsync(cipher, first, chunk, cancellationToken).ConfigureAwait(false);
                var skipped = (int)(position - first);
                var count = (int)Math.Min(end - position, chunk.Length - skipped);
                buffers.CopyFrom(position - offsetBytes, chunk.Span.Slice(skipped, count));
                position += count;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(bounce);
        }
    }

    private async ValueTask<BlockResult> PutAsync(
        BlockOperation operation, long offsetBytes, long lengthBytes, BufferList? buffers, CancellationToken cancellationToken)
    {
        var cipher = Cipher(operation, offsetBytes);
        var isAlone = offsetBytes % SectorBytes != 0 || lengthBytes % SectorBytes != 0;
        if (isAlone)
        {
            await _gate.EnterAloneAsync(cancellationToken).ConfigureAwait(false);
        }
        else
        {
            await _gate.EnterSharedAsync(cancellationToken).ConfigureAwait(false);
        }

        var bounce = ArrayPool<byte>.Shared.Rent(ChunkBytes);
        try
        {
            var end = offsetBytes + lengthBytes;
            for (var position = offsetBytes; position < end;)
            {
                cancellationToken.ThrowIfCancellationRequested();
                var (first, chunk) = Chunk(position, end, bounce);
                var skipped = (int)(position - first);
                var count = (int)Math.Min(end - position, chunk.Length - skipped);
                await ReadEdgesAsync(cipher, first, chunk, skipped, count, cancellationToken).ConfigureAwait(false);
                var target = chunk.Span.Slice(skipped, count);
                if (buffers is { } source)
                {
                    source.CopyTo(position - offsetBytes, target);
                }
                else
                {
                    target.Clear();
                }

                cipher.Encrypt(first / SectorBytes, chunk.Span);
                await ImageErrors.ExpectDoneAsync(File.WriteAsync(_payloadBytes + first, chunk, cancellationToken), File, "cannot be written")
                    .ConfigureAwait(false);
                position += count;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(bounce);
            if (isAlone)
            {
                _gate.ExitAlone();
            }
            else
            {
                _gate.ExitShared();
            }
        }

        return BlockResult.Ok;
    }

    /// <summary>Reads the first and the last sector of a chunk where only a part of them will be replaced.</summary>
    private async ValueTask ReadEdgesAsync(
        SectorCipher cipher, long first, Memory<byte> chunk, int skipped, int count, CancellationToken cancellationToken)
    {
        if (skipped > 0)
        {
            await ReadSectorsAsync(cipher, first, chunk[..SectorBytes], cancellationToken).ConfigureAwait(false);
        }

        if ((skipped + count) % SectorBytes != 0 && (skipped == 0 || chunk.Length > SectorBytes))
        {
            var last = chunk.Length - SectorBytes;
            await ReadSectorsAsync(cipher, first + last, chunk[last..], cancellationToken).ConfigureAwait(false);
        }
    }

    private async ValueTask ReadSectorsAsync(
        SectorCipher cipher, long offsetBytes, Memory<byte> sectors, CancellationToken cancellationToken)
    {
        await ImageErrors.ExpectDoneAsync(File.ReadAsync(_payloadBytes + offsetBytes, sectors, cancellationToken), File, "cannot be read")
            .ConfigureAwait(false);
        cipher.Decrypt(offsetBytes / SectorBytes, sectors.Span);
    }
}
