using System.Globalization;
using Eider.Storage;

namespace Eider.Devices.BlockIo;

/// <summary>
/// A storage as the BIO sees it: numbered blocks behind an id (<c>Storage(sid, size)</c> of ducky.devices.storage). An author writes
/// <see cref="DoReadBlocksAsync"/> and <see cref="DoWriteBlocksAsync"/>; the checks that all storages share are in
/// <see cref="ReadBlocksAsync"/> and <see cref="WriteBlocksAsync"/>, which cannot be overridden.
/// </summary>
/// <remarks>
/// Blocks are of one size unless <see cref="Place"/> says otherwise. A last block that the storage holds in part only does not exist. A BIO asks
/// for one thing at a time, but one storage may be behind the caller's own code as well, so it is safe to call from any thread.
/// </remarks>
public abstract class BioStorage
{
    /// <summary>A storage of a size that does not change.</summary>
    /// <param name="sid">Its id.</param>
    /// <param name="sizeBytes">Its size in bytes.</param>
    /// <param name="blockBytes">Bytes of a block, the largest where they differ: a multiple of 4 up to 64 KiB.</param>
    /// <exception cref="ArgumentOutOfRangeException">A negative size, or no such block.</exception>
    protected BioStorage(uint sid, long sizeBytes, int blockBytes = BioLimits.BlockBytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(sizeBytes);
        ThrowUnlessBlock(blockBytes);
        Sid = sid;
        SizeBytes = sizeBytes;
        BlockBytes = blockBytes;
    }

    /// <summary>Its id.</summary>
    public uint Sid { get; }

    /// <summary>Its size in bytes.</summary>
    public long SizeBytes { get; }

    /// <summary>Bytes of a block; the largest where they differ.</summary>
    public int BlockBytes { get; }

    /// <summary>What it is called in messages.</summary>
    public virtual string Name => string.Create(CultureInfo.InvariantCulture, $"storage {Sid}");

    /// <summary>True if writes are refused.</summary>
    public virtual bool IsReadOnly => false;

    /// <summary>True for a size that blocks may have.</summary>
    /// <param name="blockBytes">The size in bytes.</param>
    public static bool IsBlockSize(long blockBytes) =>
        blockBytes is > 0 and <= BioLimits.MaxBlockBytes && blockBytes % BioLimits.WordBytes == 0;

    /// <summary>Says where blocks are, if they are all there.</summary>
    /// <param name="start">The first block.</param>
    /// <param name="count">How many; 0 is there wherever it starts inside, or at the end.</param>
    /// <param name="offsetBytes">Where the first one begins, in bytes.</param>
    /// <param name="lengthBytes">How long they are together, in bytes.</param>
    /// <returns>False if one of them is not there.</returns>
    public bool TryLocate(uint start, uint count, out long offsetBytes, out long lengthBytes)
    {
        (offsetBytes, lengthBytes) = Place(start, count);
        return offsetBytes >= 0
            && lengthBytes <= (long)count * BlockBytes && lengthBytes >= (long)count * BioLimits.WordBytes && lengthBytes % BioLimits.WordBytes == 0
            && offsetBytes <= SizeBytes && lengthBytes <= SizeBytes - offsetBytes;
    }

    /// <summary>Refuses a size that no block has.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is one.</exception>
    internal static void ThrowUnlessBlock(int blockBytes)
    {
        if (!IsBlockSize(blockBytes))
        {
            throw new ArgumentOutOfRangeException(
                nameof(blockBytes),
                string.Create(CultureInfo.InvariantCulture, $"found blocks of {blockBytes} bytes, expected a multiple of 4 from 4 to {BioLimits.MaxBlockBytes}"));
        }
    }

    /// <summary>Reads blocks.</summary>
    /// <param name="start">The first one.</param>
    /// <param name="count">How many.</param>
    /// <param name="buffers">Where they go: as long as the blocks together.</param>
    /// <param name="cancellationToken">Ends the request early.</param>
    /// <returns>Out of range if a block is not there; a failure of the host comes as <see cref="BlockStorageException"/> through the task.</returns>
    public ValueTask<BlockResult> ReadBlocksAsync(uint start, uint count, BufferList buffers, CancellationToken cancellationToken = default)
    {
        try
        {
            return Admit(start, count, buffers, out var early)
                ? DoReadBlocksAsync(start, count, buffers, cancellationToken)
                : ValueTask.FromResult(early);
        }
        catch (Exception exception)
        {
            return ValueTask.FromException<BlockResult>(exception);
        }
    }

    /// <summary>Writes blocks. Durable only after the next flush.</summary>
    /// <param name="start">The first one.</param>
    /// <param name="count">How many.</param>
    /// <param name="buffers">What they shall hold: as long as the blocks together.</param>
    /// <param name="cancellationToken">Ends the request early.</param>
    /// <returns>As <see cref="ReadBlocksAsync"/>, and read-only.</returns>
    public ValueTask<BlockResult> WriteBlocksAsync(uint start, uint count, BufferList buffers, CancellationToken cancellationToken = default)
    {
        try
        {
            return IsReadOnly ? ValueTask.FromResult(BlockResult.ReadOnly)
                : Admit(start, count, buffers, out var early) ? DoWriteBlocksAsync(start, count, buffers, cancellationToken)
                : ValueTask.FromResult(early);
        }
        catch (Exception exception)
        {
            return ValueTask.FromException<BlockResult>(exception);
        }
    }

    /// <summary>Makes durable what was written.</summary>
    /// <param name="cancellationToken">Ends the request early.</param>
    public ValueTask<BlockResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        try
        {
            return DoFlushAsync(cancellationToken);
        }
        catch (Exception exception)
        {
            return ValueTask.FromException<BlockResult>(exception);
        }
    }

    /// <summary>Reads blocks that are there into buffers that fit.</summary>
    /// <param name="start">The first one.</param>
    /// <param name="count">How many; not 0.</param>
    /// <param name="buffers">To be filled wholly.</param>
    /// <param name="cancellationToken">Ends the request early.</param>
    protected abstract ValueTask<BlockResult> DoReadBlocksAsync(
        uint start, uint count, BufferList buffers, CancellationToken cancellationToken);

    /// <summary>Writes blocks that are there from buffers that fit.</summary>
    /// <param name="start">The first one.</param>
    /// <param name="count">How many; not 0.</param>
    /// <param name="buffers">What they shall hold.</param>
    /// <param name="cancellationToken">Ends the request early.</param>
    protected abstract ValueTask<BlockResult> DoWriteBlocksAsync(
        uint start, uint count, BufferList buffers, CancellationToken cancellationToken);

    /// <summary>Makes durable what was written; nothing to do unless overridden.</summary>
    /// <param name="cancellationToken">Ends the request early.</param>
    protected virtual ValueTask<BlockResult> DoFlushAsync(CancellationToken cancellationToken) => ValueTask.FromResult(BlockResult.Ok);

    /// <summary>
    /// Where blocks begin and how long they are together: to be overridden where blocks differ in size. What does not lie in the storage, or has
    /// blocks that are no multiple of 4 from 4 to <see cref="BlockBytes"/>, is refused by the caller.
    /// </summary>
    /// <param name="start">The first one.</param>
    /// <param name="count">How many.</param>
    /// <returns>Offset and length in bytes; a negative one for blocks that are not there.</returns>
    protected virtual (long OffsetBytes, long LengthBytes) Place(uint start, uint count) =>
        ((long)start * BlockBytes, (long)count * BlockBytes); // at most 2^48

    private bool Admit(uint start, uint count, in BufferList buffers, out BlockResult early)
    {
        early = BlockResult.Ok;
        if (!TryLocate(start, count, out _, out var length))
        {
            early = BlockResult.OutOfRange;
            return false;
        }

        if (buffers.LengthBytes != length)
        {
            throw new ArgumentException(
                string.Create(CultureInfo.InvariantCulture, $"{Name}: {count} blocks from {start} are {length} bytes, the buffers hold {buffers.LengthBytes}"),
                nameof(buffers));
        }

        return count != 0;
    }
}
