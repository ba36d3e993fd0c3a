using Eider.Storage.Layers;

namespace Eider.Storage.Tests.Crash;

/// <summary>
/// Everything that an image does to its files, in order, with the moments at which each operation began and ended. Moments
/// are numbered through, also those of the guest, so that a crash can be put between any two.
/// </summary>
internal sealed class CrashLog
{
    private readonly Lock _gate = new();
    private readonly List<Entry> _entries = [];
    private int _tick;

    /// <summary>One operation on a file; the offset of a resize is the new size.</summary>
    internal sealed record Entry(int File, BlockOperation Operation, long Offset, long Length, byte[]? Data, int Begin)
    {
        /// <summary>When it ended; never, if it failed.</summary>
        public int End { get; set; } = int.MaxValue;
    }

    /// <summary>The operations, in the order in which they began.</summary>
    public IReadOnlyList<Entry> Entries => _entries;

    /// <summary>True to have every operation end later, on another thread.</summary>
    public bool IsSlow { get; init; }

    /// <summary>The next moment.</summary>
    public int Tick() => Interlocked.Increment(ref _tick);

    /// <summary>A file whose operations are written down; the storage stays open.</summary>
    public BlockStorage Over(BlockStorage storage, int file) => new LoggedFile(storage, file, this);

    private Entry Begin(int file, BlockOperation operation, long offset, long length, byte[]? data)
    {
        lock (_gate)
        {
            var entry = new Entry(file, operation, offset, length, data, Tick());
            _entries.Add(entry);
            return entry;
        }
    }

    private sealed class LoggedFile(BlockStorage inner, int file, CrashLog log) : BlockStorageLayer(inner, leaveOpen: true)
    {
        protected override ValueTask<BlockResult> WriteCoreAsync(
            long offsetBytes, BufferList buffers, CancellationToken cancellationToken)
        {
            var data = new byte[buffers.LengthBytes];
            buffers.CopyTo(0, data);
            return LogAsync(
                log.Begin(file, BlockOperation.Write, offsetBytes, data.Length, data), base.WriteCoreAsync(offsetBytes, data, cancellationToken));
        }

        protected override ValueTask<BlockResult> WriteZeroesCoreAsync(
            long offsetBytes, long lengthBytes, bool mayUnmap, CancellationToken cancellationToken) => LogAsync(
            log.Begin(file, BlockOperation.WriteZeroes, offsetBytes, lengthBytes, null),
            base.WriteZeroesCoreAsync(offsetBytes, lengthBytes, mayUnmap, cancellationToken));

        protected override ValueTask<BlockResult> DiscardCoreAsync(
            long offsetBytes, long lengthBytes, CancellationToken cancellationToken) => LogAsync(
            log.Begin(file, BlockOperation.Discard, offsetBytes, lengthBytes, null),
            base.DiscardCoreAsync(offsetBytes, lengthBytes, cancellationToken));

        protected override ValueTask<BlockResult> ResizeCoreAsync(long sizeBytes, CancellationToken cancellationToken) => LogAsync(
            log.Begin(file, BlockOperation.Resize, sizeBytes, 0, null), base.ResizeCoreAsync(sizeBytes, cancellationToken));

        protected override ValueTask<BlockResult> FlushCoreAsync(CancellationToken cancellationToken) => LogAsync(
            log.Begin(file, BlockOperation.Flush, 0, 0, null), base.FlushCoreAsync(cancellationToken));

        private async ValueTask<BlockResult> LogAsync(Entry entry, ValueTask<BlockResult> operation)
        {
            if (log.IsSlow)
            {
                await Task.Yield();
            }

            var result = await operation;
            entry.End = log.Tick();
            return result;
        }
    }
}
