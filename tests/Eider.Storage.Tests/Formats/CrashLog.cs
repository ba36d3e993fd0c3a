using Eider.Storage.Layers;

namespace Eider.Storage.Tests.Formats;

/// <summary>Writes down every change and flush that a storage sees, in order, so that crashes can be replayed.</summary>
internal sealed class CrashLog(BlockStorage inner) : BlockStorageLayer(inner)
{
    /// <summary>One change; null data for zeroes, a negative length for a new size.</summary>
    internal sealed record Entry(BlockOperation Operation, long Offset, long Length, byte[]? Data);

    public List<Entry> Entries { get; } = [];

    protected override ValueTask<BlockResult> WriteCoreAsync(
        long offsetBytes, BufferList buffers, CancellationToken cancellationToken)
    {
        var data = new byte[buffers.LengthBytes];
        buffers.CopyTo(0, data);
        Entries.Add(new Entry(BlockOperation.Write, offsetBytes, data.Length, data));
        return base.WriteCoreAsync(offsetBytes, buffers, cancellationToken);
    }

    protected override ValueTask<BlockResult> WriteZeroesCoreAsync(
        long offsetBytes, long lengthBytes, bool mayUnmap, CancellationToken cancellationToken)
    {
        Entries.Add(new Entry(BlockOperation.WriteZeroes, offsetBytes, lengthBytes, null));
        return base.WriteZeroesCoreAsync(offsetBytes, lengthBytes, mayUnmap, cancellationToken);
    }

    protected override ValueTask<BlockResult> DiscardCoreAsync(
        long offsetBytes, long lengthBytes, CancellationToken cancellationToken)
    {
        Entries.Add(new Entry(BlockOperation.Discard, offsetBytes, lengthBytes, null));
        return base.DiscardCoreAsync(offsetBytes, lengthBytes, cancellationToken);
    }

    protected override ValueTask<BlockResult> ResizeCoreAsync(long sizeBytes, CancellationToken cancellationToken)
    {
        Entries.Add(new Entry(BlockOperation.Resize, sizeBytes, 0, null));
        return base.ResizeCoreAsync(sizeBytes, cancellationToken);
    }

    protected override ValueTask<BlockResult> FlushCoreAsync(CancellationToken cancellationToken)
    {
        Entries.Add(new Entry(BlockOperation.Flush, 0, 0, null));
        return base.FlushCoreAsync(cancellationToken);
    }
}
