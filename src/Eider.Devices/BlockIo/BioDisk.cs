using Eider.Storage;

namespace Eider.Devices.BlockIo;

/// <summary>Any storage of the stack as blocks of a BIO: a file, an image, a page of a server, layers over them.</summary>
/// <remarks>The size is that of the moment at which it was made.</remarks>
public class BioDisk : BioStorage
{
    private readonly BlockStorage _storage;
    private readonly bool _isReadOnly;

    /// <summary>Puts a storage behind an id. It stays the caller's to close.</summary>
    /// <param name="sid">The id.</param>
    /// <param name="storage">What holds the blocks; of any size.</param>
    /// <param name="blockBytes">Bytes of a block: a multiple of 4 up to 64 KiB.</param>
    /// <param name="isReadOnly">Refuses writes even if the storage takes them.</param>
    /// <exception cref="ArgumentOutOfRangeException">There are no such blocks.</exception>
    public BioDisk(uint sid, BlockStorage storage, int blockBytes = BioLimits.BlockBytes, bool isReadOnly = false)
        : base(sid, SizeOf(storage), blockBytes)
    {
        _storage = storage;
        _isReadOnly = isReadOnly || storage.Geometry.IsReadOnly;
    }

    /// <inheritdoc/>
    public override string Name => _storage.Name;

    /// <inheritdoc/>
    public override bool IsReadOnly => _isReadOnly;

    /// <inheritdoc/>
    protected override ValueTask<BlockResult> DoReadBlocksAsync(
        uint start, uint count, BufferList buffers, CancellationToken cancellationToken) =>
        _storage.ReadAsync((long)start * BlockBytes, buffers, cancellationToken);

    /// <inheritdoc/>
    protected override ValueTask<BlockResult> DoWriteBlocksAsync(
        uint start, uint count, BufferList buffers, CancellationToken cancellationToken) =>
        _storage.WriteAsync((long)start * BlockBytes, buffers, cancellationToken);

    /// <inheritdoc/>
    protected override ValueTask<BlockResult> DoFlushAsync(CancellationToken cancellationToken) => _storage.FlushAsync(cancellationToken);

    private static long SizeOf(BlockStorage storage)
    {
        ArgumentNullException.ThrowIfNull(storage);
        return storage.SizeBytes;
    }
}
