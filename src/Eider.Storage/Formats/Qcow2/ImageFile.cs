using System.Globalization;

namespace Eider.Storage.Formats.Qcow2;

/// <summary>
/// A file that grows: a read past its end gives zeroes (an image may end inside its last cluster), a write past its end
/// makes it longer first.
/// </summary>
internal sealed class ImageFile(BlockStorage storage) : IAsyncDisposable
{
    private const long MinStepBytes = 1 << 20;
    private const long MaxStepBytes = 64 << 20;

    private readonly AsyncMutex _growing = new();
    private long _usedEnd = storage.SizeBytes;

    /// <summary>The file as a storage.</summary>
    public BlockStorage Storage { get; } = storage;

    public string Name => Storage.Name;

    /// <summary>From here to the end nothing was ever written: it reads as zeroes.</summary>
    public long UsedEndBytes => Volatile.Read(ref _usedEnd);

    /// <summary>Reads, with zeroes behind the end of the file.</summary>
    public ValueTask<BlockResult> ReadAsync(long offsetBytes, BufferList buffers, CancellationToken cancellationToken)
    {
        var size = Storage.SizeBytes;
        if (offsetBytes <= size - buffers.LengthBytes)
        {
            return Storage.ReadAsync(offsetBytes, buffers, cancellationToken);
        }

        var present = Math.Max(0, size - offsetBytes);
        buffers.Slice(present, buffers.LengthBytes - present).Clear();
        return present > 0
            ? Storage.ReadAsync(offsetBytes, buffers.Slice(0, present), cancellationToken)
            : ValueTask.FromResult(BlockResult.Ok);
    }

    /// <summary>Writes, and makes the file longer if it must be.</summary>
    public ValueTask<BlockResult> WriteAsync(long offsetBytes, BufferList buffers, CancellationToken cancellationToken)
    {
        var end = offsetBytes + buffers.LengthBytes;
        MarkUsed(end);
        return end <= Storage.SizeBytes
            ? Storage.WriteAsync(offsetBytes, buffers, cancellationToken)
            : GrowAndWriteAsync(offsetBytes, buffers, cancellationToken);
    }

    /// <summary>Makes a range read as zeroes.</summary>
    public async ValueTask WriteZeroesAsync(long offsetBytes, long lengthBytes, bool mayUnmap, CancellationToken cancellationToken)
    {
        MarkUsed(offsetBytes + lengthBytes);
        await GrowToAsync(offsetBytes + lengthBytes, cancellationToken).ConfigureAwait(false);
        await ImageErrors.ExpectDoneAsync(
            Storage.WriteZeroesAsync(offsetBytes, lengthBytes, mayUnmap, cancellationToken), Storage, "zeroes cannot be written")
            .ConfigureAwait(false);
    }

    /// <summary>Makes the file at least as long, in steps.</summary>
    public async ValueTask GrowToAsync(long endBytes, CancellationToken cancellationToken)
    {
        if (endBytes <= Storage.SizeBytes)
        {
            return;
        }

        await _growing.EnterAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (endBytes > Storage.SizeBytes)
            {
                var ahead = Math.Clamp(endBytes >> 4, MinStepBytes, MaxStepBytes);
                var unit = Math.Max(512L, Storage.Geometry.BufferAlignmentBytes);
                await ResizeAsync((endBytes + ahead + unit - 1) / unit * unit, cancellationToken).ConfigureAwait(false);
            }
        }
        finally
        {
            _growing.Exit();
        }
    }

    /// <summary>Cuts off what was added ahead and never used.</summary>
    public async ValueTask TrimAsync(long endBytes, CancellationToken cancellationToken)
    {
        var unit = Math.Max(1L, Storage.Geometry.BufferAlignmentBytes);
        var end = (Math.Max(endBytes, UsedEndBytes) + unit - 1) / unit * unit;
        if (end < Storage.SizeBytes)
        {
            await ResizeAsync(end, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Cuts the file off behind an end where nothing is in use any more; nobody else is in the image.</summary>
    public ValueTask CutAsync(long endBytes, CancellationToken cancellationToken)
    {
        Volatile.Write(ref _usedEnd, Math.Min(_usedEnd, endBytes));
        return TrimAsync(endBytes, cancellationToken);
    }

    public ValueTask<BlockResult> FlushAsync(CancellationToken cancellationToken) => Storage.FlushAsync(cancellationToken);

    public ValueTask DisposeAsync() => Storage.DisposeAsync();

    /// <summary>Remembers that bytes before an end may not be zero any more.</summary>
    public void MarkUsed(long endBytes)
    {
        var seen = Volatile.Read(ref _usedEnd);
        while (endBytes > seen)
        {
            var other = Interlocked.CompareExchange(ref _usedEnd, endBytes, seen);
            if (other == seen)
            {
                return;
            }

            seen = other;
        }
    }

    private async ValueTask<BlockResult> GrowAndWriteAsync(long offsetBytes, BufferList buffers, CancellationToken cancellationToken)
    {
        await GrowToAsync(offsetBytes + buffers.LengthBytes, cancellationToken).ConfigureAwait(false);
        return await Storage.WriteAsync(offsetBytes, buffers, cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask ResizeAsync(long sizeBytes, CancellationToken cancellationToken)
    {
        var result = await Storage.ResizeAsync(sizeBytes, cancellationToken).ConfigureAwait(false);
        if (result != BlockResult.Ok)
        {
            throw new BlockStorageException(
                BlockErrorKind.NoSpace, BlockOperation.Resize, Name, null,
                string.Create(CultureInfo.InvariantCulture, $"{Name}: cannot grow from {Storage.SizeBytes} to {sizeBytes} bytes: {result}"));
        }
    }
}
