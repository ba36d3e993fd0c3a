namespace Eider.Storage.Layers;

/// <summary>Several disks one behind the other as one, read-only. Sizes count as they are when it is made.</summary>
public sealed class ConcatenatedStorage : BlockStorage
{
    private readonly IReadOnlyList<BlockStorage> _parts;
    private readonly long[] _starts;
    private readonly bool _leaveOpen;

    /// <summary>A disk of parts.</summary>
    /// <param name="parts">The disks in order; one at least.</param>
    /// <param name="leaveOpen">True if closing it shall not close the parts.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no part.</exception>
    /// <exception cref="OverflowException">Together they are larger than 2^63 - 1 bytes.</exception>
    public ConcatenatedStorage(IReadOnlyList<BlockStorage> parts, bool leaveOpen = false)
    {
        ArgumentNullException.ThrowIfNull(parts);
        ArgumentOutOfRangeException.ThrowIfZero(parts.Count, nameof(parts));
        _parts = parts;
        _leaveOpen = leaveOpen;
        _starts = new long[parts.Count];
        for (var index = 0; index < parts.Count; index++)
        {
            _starts[index] = SizeBytes;
            SizeBytes = checked(SizeBytes + parts[index].SizeBytes);
        }

        Name = string.Join(" + ", parts.Select(part => part.Name));
        Geometry = new BlockGeometry { IsReadOnly = true, BufferAlignmentBytes = parts.Max(part => part.Geometry.BufferAlignmentBytes) };
    }

    /// <inheritdoc/>
    public override string Name { get; }

    /// <inheritdoc/>
    public override BlockGeometry Geometry { get; }

    /// <inheritdoc/>
    public override long SizeBytes { get; }

    /// <inheritdoc/>
    protected override async ValueTask<BlockResult> ReadCoreAsync(long offsetBytes, BufferList buffers, CancellationToken cancellationToken)
    {
        for (var done = 0L; done < buffers.LengthBytes;)
        {
            var (part, within, room) = PlaceOf(offsetBytes + done);
            var length = Math.Min(room, buffers.LengthBytes - done);
            var result = await part.ReadAsync(within, buffers.Slice(done, length), cancellationToken).ConfigureAwait(false);
            if (result != BlockResult.Ok)
            {
                return result;
            }

            done += length;
        }

        return BlockResult.Ok;
    }

    /// <inheritdoc/>
    protected override ValueTask<BlockResult> WriteCoreAsync(long offsetBytes, BufferList buffers, CancellationToken cancellationToken) =>
        ValueTask.FromResult(BlockResult.ReadOnly);

    /// <inheritdoc/>
    protected override ValueTask<BlockResult> FlushCoreAsync(CancellationToken cancellationToken) => ValueTask.FromResult(BlockResult.Ok);

    /// <inheritdoc/>
    protected override ValueTask<BlockResult> WriteZeroesCoreAsync(
        long offsetBytes, long lengthBytes, bool mayUnmap, CancellationToken cancellationToken) => ValueTask.FromResult(BlockResult.ReadOnly);

    /// <inheritdoc/>
    protected override async ValueTask<BlockExtent> GetExtentCoreAsync(long offsetBytes, long lengthBytes, CancellationToken cancellationToken)
    {
        var (part, within, room) = PlaceOf(offsetBytes);
        var extent = await part.GetExtentAsync(within, Math.Min(lengthBytes, room), cancellationToken).ConfigureAwait(false);
        return extent with { OffsetBytes = offsetBytes };
    }

    /// <inheritdoc/>
    protected override async ValueTask DisposeCoreAsync()
    {
        foreach (var part in _leaveOpen ? [] : _parts)
        {
            await part.DisposeAsync().ConfigureAwait(false);
        }

        await base.DisposeCoreAsync().ConfigureAwait(false);
    }

    /// <summary>The part that has a byte, the byte's place in it, and how much follows there.</summary>
    private (BlockStorage Part, long Within, long Room) PlaceOf(long offsetBytes)
    {
        var index = Array.FindLastIndex(_starts, start => start <= offsetBytes);
        var end = index + 1 < _starts.Length ? _starts[index + 1] : SizeBytes;
        return (_parts[index], offsetBytes - _starts[index], end - offsetBytes);
    }
}
