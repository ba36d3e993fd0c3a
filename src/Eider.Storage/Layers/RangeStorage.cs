using System.Globalization;

namespace Eider.Storage.Layers;

/// <summary>
/// A part of another storage as a disk of its own: a range of bytes, or a partition. Nothing outside of the range can
/// be reached. Its size does not change with the storage below.
/// </summary>
public sealed class RangeStorage : BlockStorageLayer
{
    /// <summary>A range.</summary>
    /// <param name="inner">What it stands on.</param>
    /// <param name="offsetBytes">Where the range starts.</param>
    /// <param name="lengthBytes">How long it is.</param>
    /// <param name="name">What it is called in messages; null to make a name of the place.</param>
    /// <param name="leaveOpen">True if closing the layer shall not close what it stands on.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range reaches past the end.</exception>
    public RangeStorage(BlockStorage inner, long offsetBytes, long lengthBytes, string? name = null, bool leaveOpen = false)
        : base(inner, leaveOpen)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offsetBytes);
        ArgumentOutOfRangeException.ThrowIfNegative(lengthBytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offsetBytes, Inner.SizeBytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(lengthBytes, Inner.SizeBytes - offsetBytes);
        OffsetBytes = offsetBytes;
        SizeBytes = lengthBytes;
        Name = name ?? string.Create(CultureInfo.InvariantCulture, $"{Inner.Name}[{offsetBytes}+{lengthBytes}]");
    }

    /// <inheritdoc/>
    public override string Name { get; }

    /// <summary>Where the range starts, in bytes of what it stands on.</summary>
    public long OffsetBytes { get; }

    /// <inheritdoc/>
    public override long SizeBytes { get; }

    /// <summary>A partition of a disk.</summary>
    /// <param name="inner">The disk.</param>
    /// <param name="number">Its number as Linux counts: 1 to 4 for the entries of an MBR, from 5 on the logical ones; of a GPT the entry.</param>
    /// <param name="leaveOpen">True if closing the layer shall not close the disk.</param>
    /// <param name="cancellationToken">Ends the attempt early.</param>
    /// <exception cref="BlockStorageException">There is no such partition, or no partition table; the disk stays open.</exception>
    public static async ValueTask<RangeStorage> OfPartitionAsync(
        BlockStorage inner, int number, bool leaveOpen = false, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(inner);
        var table = await PartitionTable.ReadAsync(inner, cancellationToken).ConfigureAwait(false);
        var partition = table.Partitions.FirstOrDefault(candidate => candidate.Number == number)
            ?? throw new BlockStorageException(
                BlockErrorKind.NotFound, BlockOperation.Open, inner.Name, null,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{inner.Name}: there is no partition {number}; found {Numbers(table)} in its {table.Kind} table"));
        return new RangeStorage(
            inner, partition.OffsetBytes, partition.LengthBytes,
            string.Create(CultureInfo.InvariantCulture, $"{inner.Name}#{number}"), leaveOpen);
    }

    /// <inheritdoc/>
    protected override ValueTask<BlockResult> ReadCoreAsync(
        long offsetBytes, BufferList buffers, CancellationToken cancellationToken) =>
        Inner.ReadAsync(OffsetBytes + offsetBytes, buffers, cancellationToken);

    /// <inheritdoc/>
    protected override ValueTask<BlockResult> WriteCoreAsync(
        long offsetBytes, BufferList buffers, CancellationToken cancellationToken) =>
        Inner.WriteAsync(OffsetBytes + offsetBytes, buffers, cancellationToken);

    /// <inheritdoc/>
    protected override ValueTask<BlockResult> DiscardCoreAsync(
        long offsetBytes, long lengthBytes, CancellationToken cancellationToken) =>
        Inner.DiscardAsync(OffsetBytes + offsetBytes, lengthBytes, cancellationToken);

    /// <inheritdoc/>
    protected override ValueTask<BlockResult> WriteZeroesCoreAsync(
        long offsetBytes, long lengthBytes, bool mayUnmap, CancellationToken cancellationToken) =>
        Inner.WriteZeroesAsync(OffsetBytes + offsetBytes, lengthBytes, mayUnmap, cancellationToken);

    /// <inheritdoc/>
    protected override async ValueTask<BlockExtent> GetExtentCoreAsync(
        long offsetBytes, long lengthBytes, CancellationToken cancellationToken)
    {
        var extent = await Inner.GetExtentAsync(OffsetBytes + offsetBytes, lengthBytes, cancellationToken).ConfigureAwait(false);
        return extent with { OffsetBytes = offsetBytes };
    }

    /// <inheritdoc/>
    protected override ValueTask<BlockResult> ResizeCoreAsync(long sizeBytes, CancellationToken cancellationToken) =>
        ValueTask.FromResult(BlockResult.Unsupported);

    /// <summary>The range stays what it is.</summary>
    protected override void OnInnerSizeChanged(object? sender, EventArgs eventArgs)
    {
    }

    private static string Numbers(PartitionTable table) => table.Partitions.Count == 0
        ? "none"
        : string.Join(", ", table.Partitions.Select(partition => partition.Number.ToString(CultureInfo.InvariantCulture)));
}
