using System.Runtime.CompilerServices;
using Eider.Devices.Virtio.Queue;
using Eider.Storage;

namespace Eider.Devices.Virtio.Block;

/// <summary>
/// One request on its way. Lives as long as the pooled chain that carries it, so that a request costs no
/// allocation. Touched by the queue's worker only, but for <see cref="OnStorageDone"/>.
/// </summary>
internal sealed class BlockRequest
{
    private readonly BlockQueue _owner;
    private readonly Action _onStorageDone;
    private BlockRange[] _ranges = [];
    private ConfiguredValueTaskAwaitable<BlockResult>.ConfiguredValueTaskAwaiter _awaiter;

    public BlockRequest(BlockQueue owner, DescriptorChain chain)
    {
        _owner = owner;
        Chain = chain;
        _onStorageDone = OnStorageDone;
    }

    /// <summary>The buffers.</summary>
    public DescriptorChain Chain { get; }

    /// <summary>What is asked for.</summary>
    public BlockRequestHeader Header { get; set; }

    /// <summary>The type of it; may be any value.</summary>
    public BlockRequestType Type => (BlockRequestType)unchecked((int)Header.Type);

    /// <summary>What it does next.</summary>
    public BlockStep Step { get; set; }

    /// <summary>Its status once it is done.</summary>
    public BlockRequestStatus Status { get; set; }

    /// <summary>Bytes between guest and storage.</summary>
    public ulong DataBytes { get; set; }

    /// <summary>Bytes put into the guest's buffers, without the status.</summary>
    public uint WrittenBytes { get; set; }

    /// <summary>The guest's bytes on loan.</summary>
    public BufferList Buffers { get; set; }

    /// <summary>The ranges of a discard, write zeroes or secure erase.</summary>
    public ReadOnlySpan<BlockRange> Ranges => _ranges.AsSpan(0, RangeCount);

    /// <summary>How many there are.</summary>
    public int RangeCount { get; private set; }

    /// <summary>Which is being handled.</summary>
    public int RangeIndex { get; set; }

    /// <summary>Bytes of it that are handled already.</summary>
    public long RangeDoneBytes { get; set; }

    /// <summary>When the request was taken, on the host's clock.</summary>
    public long StartTimestamp { get; set; }

    /// <summary>Next in the list of those that the storage is done with.</summary>
    public BlockRequest? Next { get; set; }

    /// <summary>Back to the start, for the next use of the chain.</summary>
    public void Start(long timestamp)
    {
        Header = default;
        Step = BlockStep.Done;
        Status = BlockRequestStatus.Ok;
        DataBytes = 0;
        WrittenBytes = 0;
        Buffers = default;
        RangeCount = 0;
        RangeIndex = 0;
        RangeDoneBytes = 0;
        StartTimestamp = timestamp;
    }

    /// <summary>Ends it with a status.</summary>
    public void End(BlockRequestStatus status)
    {
        Status = status;
        Step = BlockStep.Done;
    }

    /// <summary>Copies the ranges out of the guest, once.</summary>
    /// <param name="count">How many; at most <see cref="BlockLimits.MaxRanges"/>.</param>
    public bool TryReadRanges(int count)
    {
        if (_ranges.Length < count)
        {
            _ranges = new BlockRange[BlockLimits.MaxRanges];
        }

        Span<byte> bytes = stackalloc byte[BlockLimits.MaxRanges * BlockRange.Size];
        bytes = bytes[..(count * BlockRange.Size)];
        if (!Chain.TryReadAt(BlockRequestHeader.Size, bytes))
        {
            return false;
        }

        for (var i = 0; i < count; i++)
        {
            _ranges[i] = BlockRange.Read(bytes[(i * BlockRange.Size)..]);
        }

        RangeCount = count;
        return true;
    }

    /// <summary>Keeps what the storage promised and comes back through the worker when it is there.</summary>
    public void Await(ConfiguredValueTaskAwaitable<BlockResult>.ConfiguredValueTaskAwaiter awaiter)
    {
        _awaiter = awaiter;
        awaiter.UnsafeOnCompleted(_onStorageDone);
    }

    /// <summary>Takes the result that was waited for; throws what the storage threw. Once.</summary>
    public BlockResult TakeResult()
    {
        var awaiter = _awaiter;
        _awaiter = default;
        return awaiter.GetResult();
    }

    private void OnStorageDone() => _owner.Post(this);
}
