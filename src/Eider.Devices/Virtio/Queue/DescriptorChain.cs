using Eider.Hardware.Memory;
using Eider.Storage;

namespace Eider.Devices.Virtio.Queue;

/// <summary>
/// One request as the driver made it: buffers to read, then buffers to write, in any framing. A pooled object:
/// valid from <see cref="VirtQueue.TryTake"/> until it is completed. Used on the queue's worker only; between
/// taking leases and posting the completion the leased bytes may be used on any thread.
/// </summary>
public sealed class DescriptorChain
{
    private const int InitialSegments = 8;

    private const int InitialLeases = 4;

    private ChainSegment[] _segments = [];
    private GuestLease[] _leases = [];
    private Memory<byte>[] _pieces = [];
    private int _leaseCount;

    internal DescriptorChain(VirtQueue queue) => Queue = queue;

    /// <summary>The queue it came from.</summary>
    public VirtQueue Queue { get; }

    /// <summary>Buffers that the device reads, in order.</summary>
    public ReadOnlySpan<ChainSegment> Readable => _segments.AsSpan(0, ReadableCount);

    /// <summary>Buffers that the device writes, in order.</summary>
    public ReadOnlySpan<ChainSegment> Writable => _segments.AsSpan(ReadableCount, SegmentCount - ReadableCount);

    /// <summary>Sum of the lengths of the readable buffers.</summary>
    public ulong ReadableBytes { get; private set; }

    /// <summary>Sum of the lengths of the writable buffers.</summary>
    public ulong WritableBytes { get; private set; }

    /// <summary>A cursor at the first readable byte.</summary>
    public ChainReader Reader => new(this);

    /// <summary>A cursor at the first writable byte.</summary>
    public ChainWriter Writer => new(this);

    /// <summary>Free for the device: its own request object, kept with the pooled chain. Never cleared by the queue.</summary>
    public object? State { get; set; }

    /// <summary>Descriptors that the driver spent on it, empty ones too; in a packed ring also the ring slots.</summary>
    public int DescriptorCount { get; internal set; }

    /// <summary>True until it is completed, or its queue stops.</summary>
    public bool IsLive => IsInFlight && Queue.IsRunning;

    /// <summary>Head descriptor (split) or buffer id (packed).</summary>
    internal ushort Id { get; set; }

    /// <summary>Ring slots that it takes (packed).</summary>
    internal ushort Slots { get; set; }

    internal int ReadableCount { get; private set; }

    internal int SegmentCount { get; private set; }

    internal bool IsInFlight { get; set; }

    internal bool IsPending { get; set; }

    /// <summary>A writable descriptor was seen, an empty one too.</summary>
    internal bool HasWritable { get; set; }

    /// <summary>Something was written to its buffers, at the start or not.</summary>
    internal bool WasWritten { get; set; }

    internal bool IsDone { get; set; }

    /// <summary>Entries in its arrays, beyond the few that every chain has.</summary>
    internal int ArrayEntries => Excess(_segments.Length) + Excess(_leases.Length);

    internal uint WrittenBytes { get; set; }

    /// <summary>Next in the list of posted completions.</summary>
    internal DescriptorChain? NextPosted { get; set; }

    internal int IsPosted;

    /// <summary>
    /// Says that work for this chain goes on elsewhere (a flush, a discard): a reset waits until it is completed.
    /// Taking a lease says so too.
    /// </summary>
    public void MarkPending() => Queue.MarkPending(this);

    /// <summary>Copies readable bytes out, from an offset into all of them.</summary>
    /// <returns>False, and nothing of use copied, if the chain has too few or is dead.</returns>
    public bool TryReadAt(ulong offset, Span<byte> destination)
    {
        var reader = Reader;
        return reader.TrySkip(offset) && reader.TryRead(destination);
    }

    /// <summary>Copies bytes into the writable part, from an offset into all of it.</summary>
    /// <returns>False if the chain has too little room, and nothing is written then, or if it is dead.</returns>
    public bool TryWriteAt(ulong offset, ReadOnlySpan<byte> source)
    {
        var writer = Writer;
        return writer.TrySkip(offset) && writer.TryWrite(source);
    }

    /// <summary>
    /// Lends out readable bytes as a scatter list for I/O without a copy; the list is valid until the chain is
    /// completed and lives in the chain. One lease, of either kind, at a time.
    /// </summary>
    /// <param name="offset">Where to start in the readable bytes.</param>
    /// <param name="lengthBytes">How many; at most what is there.</param>
    /// <param name="buffers">The pieces.</param>
    /// <returns>False, and nothing is lent, if there are too few bytes, memory refuses, or the chain is dead.</returns>
    public bool TryLeaseReadable(ulong offset, ulong lengthBytes, out BufferList buffers) =>
        TryLease(Readable, offset, lengthBytes, ReadableBytes, GuestMemoryAccess.Read, out buffers);

    /// <summary>As <see cref="TryLeaseReadable"/>, for the writable bytes.</summary>
    /// <param name="offset">Where to start in the writable bytes.</param>
    /// <param name="lengthBytes">How many; at most what is there.</param>
    /// <param name="buffers">The pieces.</param>
    public bool TryLeaseWritable(ulong offset, ulong lengthBytes, out BufferList buffers) =>
        TryLease(Writable, offset, lengthBytes, WritableBytes, GuestMemoryAccess.Write, out buffers);

    internal void Clear()
    {
        ReadableBytes = 0;
        WritableBytes = 0;
        ReadableCount = 0;
        SegmentCount = 0;
        DescriptorCount = 0;
        WrittenBytes = 0;
        IsDone = false;
        IsPending = false;
        HasWritable = false;
        WasWritten = false;
        Slots = 0;
        IsPosted = 0;
    }

    /// <summary>Adds a checked buffer; readable ones come first.</summary>
    internal void Add(ulong address, uint lengthBytes, bool writable)
    {
        if (SegmentCount == _segments.Length)
        {
            var entries = Math.Max(InitialSegments, _segments.Length * 2);
            Queue.CountEntries(Excess(entries) - Excess(_segments.Length));
            Array.Resize(ref _segments, entries);
        }

        _segments[SegmentCount++] = new ChainSegment(address, lengthBytes);
        if (writable)
        {
            WritableBytes += lengthBytes;
        }
        else
        {
            ReadableBytes += lengthBytes;
            ReadableCount++;
        }
    }

    /// <summary>Forgets arrays that a long request made grow; the chain is not in use.</summary>
    internal void DropArrays()
    {
        var entries = ArrayEntries;
        if (entries != 0)
        {
            Queue.CountEntries(-entries);
            _segments = [];
            _leases = [];
            _pieces = [];
        }
    }

    internal void ReleaseLeases()
    {
        for (var i = 0; i < _leaseCount; i++)
        {
            // A failed operation may have written some of it, so all of it counts as written.
            ref var lease = ref _leases[i];
            lease.Release(lease.Access == GuestMemoryAccess.Write ? lease.Memory.Length : 0);
            lease = default;
            _pieces[i] = default;
        }

        _leaseCount = 0;
    }

    private bool TryLease(
        ReadOnlySpan<ChainSegment> segments, ulong offset, ulong lengthBytes, ulong available, GuestMemoryAccess access, out BufferList buffers)
    {
        buffers = default;
        if (!IsLive || _leaseCount != 0 || offset > available || lengthBytes > available - offset)
        {
            return false;
        }

        foreach (var segment in segments)
        {
            if (lengthBytes == 0)
            {
                break;
            }

            if (offset >= segment.LengthBytes)
            {
                offset -= segment.LengthBytes;
                continue;
            }

            var take = (uint)Math.Min(segment.LengthBytes - offset, lengthBytes);
            if (!TryLeasePiece(segment.Address + offset, take, access))
            {
                ReleaseLeases();
                return false;
            }

            lengthBytes -= take;
            offset = 0;
        }

        WasWritten |= access == GuestMemoryAccess.Write && _leaseCount != 0;
        buffers = _leaseCount == 1 ? new BufferList(_pieces[0]) : new BufferList(_pieces.AsMemory(0, _leaseCount));
        MarkPending();
        return true;
    }

    private bool TryLeasePiece(ulong address, uint lengthBytes, GuestMemoryAccess access)
    {
        while (lengthBytes != 0)
        {
            if (!TryMakeRoomForLease() || !Queue.Memory.TryLease(address, lengthBytes, access, out var lease))
            {
                return false;
            }

            _leases[_leaseCount] = lease;
            _pieces[_leaseCount++] = lease.Memory;
            address += (uint)lease.Memory.Length;
            lengthBytes -= (uint)lease.Memory.Length;
        }

        return true;
    }

    // The few entries that every chain has are not worth counting.
    private static int Excess(int entries) => Math.Max(0, entries - InitialSegments);

    private bool TryMakeRoomForLease()
    {
        if (_leaseCount < _leases.Length)
        {
            return true;
        }

        var entries = Math.Max(InitialLeases, _leases.Length * 2);
        var growth = Excess(entries) - Excess(_leases.Length);
        if (entries > VirtioLimits.MaxLeasesPerChain || Queue.ArrayEntries + growth > VirtioLimits.MaxArrayEntries)
        {
            return false;
        }

        Queue.CountEntries(growth);
        Array.Resize(ref _leases, entries);
        Array.Resize(ref _pieces, entries);
        return true;
    }
}
