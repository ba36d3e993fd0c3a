using System.Diagnostics.CodeAnalysis;
using Eider.Hardware.Memory;

namespace Eider.Devices.Virtio.Queue;

/// <summary>
/// A virtqueue, from the device's side. One worker owns it: every member is for that worker, but
/// <see cref="PostCompletion"/>, <see cref="RequestStop"/>, <see cref="Cancellation"/> and what is fixed. Whatever the rings hold, nothing
/// throws or runs on without end: a broken rule stops the queue and is told to the host.
/// </summary>
[SuppressMessage("Naming", "CA1711:Identifiers should not have incorrect suffix", Justification = "the specification\'s word")]
public abstract class VirtQueue : IDisposable
{
    private readonly IVirtQueueHost _host;
    private readonly CancellationTokenSource _cancellation = new();
    private readonly Stack<DescriptorChain> _pool = new();
    private readonly DescriptorChain?[] _order;
    private readonly ulong[] _inFlightIds;
    private int _orderHead;
    private int _orderCount;
    private int _heldSegments;
    private int _budget;
    private int _descriptorBudget;
    private DescriptorChain? _posted;
    private bool _stopRequested;

    /// <summary>Takes over a queue that <see cref="VirtQueueSettings.IsUsable"/> found good.</summary>
    /// <param name="settings">Where the driver put the rings, how many entries they have, and what was negotiated.</param>
    /// <param name="memory">The guest's memory, as the device may see it.</param>
    /// <param name="host">Is told of broken rules and of notifications.</param>
    /// <exception cref="ArgumentException">It is not.</exception>
    protected VirtQueue(VirtQueueSettings settings, GuestMemory memory, IVirtQueueHost host)
    {
        ArgumentNullException.ThrowIfNull(settings);
        ArgumentNullException.ThrowIfNull(memory);
        ArgumentNullException.ThrowIfNull(host);
        if (!settings.IsUsable(memory))
        {
            throw new ArgumentException($"queue {settings.Index} of size {settings.Size} lies outside of RAM or is misaligned", nameof(settings));
        }

        Settings = settings;
        Memory = memory;
        _host = host;
        Size = settings.Size;
        EventIdx = settings.Features.Has(VirtioFeature.EventIdx);
        IndirectAllowed = settings.Features.Has(VirtioFeature.IndirectDesc);
        _order = settings.Features.Has(VirtioFeature.InOrder) ? new DescriptorChain?[Size] : [];
        _inFlightIds = new ulong[settings.Features.Has(VirtioFeature.RingPacked) ? 1024 : (Size + 63) / 64];
        _budget = Size;
        _descriptorBudget = DescriptorShare;
        Cancellation = _cancellation.Token;
    }

    /// <summary>Where it is and what was negotiated.</summary>
    public VirtQueueSettings Settings { get; }

    /// <summary>Its index.</summary>
    public int Index => Settings.Index;

    /// <summary>Its size in descriptors.</summary>
    public int Size { get; }

    /// <summary>Where rings and buffers are.</summary>
    public GuestMemory Memory { get; }

    /// <summary>Cancelled when the queue stops: asynchronous work on its chains should end early.</summary>
    public CancellationToken Cancellation { get; }

    /// <summary>False once the queue stopped or failed: no guest memory is touched any more.</summary>
    public bool IsRunning { get; private set; } = true;

    /// <summary>How the driver broke it.</summary>
    public QueueFault Fault { get; private set; }

    /// <summary>Chains taken and not completed.</summary>
    public int InFlightCount { get; private set; }

    /// <summary>Chains among them whose work goes on elsewhere, see <see cref="DescriptorChain.MarkPending"/>.</summary>
    public int PendingCount { get; private set; }

    /// <summary>True if chains were left because this run took its share, or too many descriptors are held.</summary>
    public bool IsThrottled { get; private set; }

    /// <summary>Chains taken in this run of the worker.</summary>
    public int TakenInRun => Size - _budget;

    /// <summary>The device looked for a chain and there was none. Whoever asks for notifications afterwards looks once more: nothing tells of what came in between.</summary>
    internal bool FoundNone { get; set; }

    /// <summary>
    /// True if this run took as many chains, or as many descriptors, as one may: the worker lets others have their
    /// turn and comes back, since there may be more.
    /// </summary>
    public bool HasUsedShare => _budget == 0 || _descriptorBudget <= 0;

    private int DescriptorShare => Size * VirtioLimits.DescriptorsPerEntry;

    /// <summary>Entries in the arrays of all chains of this queue, used or kept, beyond the first few of each.</summary>
    internal int ArrayEntries { get; private set; }

    /// <summary>True if EVENT_IDX is negotiated.</summary>
    protected bool EventIdx { get; }

    /// <summary>True if INDIRECT_DESC is negotiated.</summary>
    protected bool IndirectAllowed { get; }

    /// <summary>Ring entries used since the last decision about a notification; see <see cref="ShouldNotify"/>.</summary>
    protected int UsedSinceDecision { get; private set; }

    /// <summary>Makes the kind of queue that was negotiated.</summary>
    /// <param name="settings">Where the driver put the rings, how many entries they have, and what was negotiated.</param>
    /// <param name="memory">The guest's memory, as the device may see it.</param>
    /// <param name="host">Is told of broken rules and of notifications.</param>
    /// <exception cref="ArgumentException">The settings are not usable.</exception>
    public static VirtQueue Create(VirtQueueSettings settings, GuestMemory memory, IVirtQueueHost host)
    {
        ArgumentNullException.ThrowIfNull(settings);
        return settings.Features.Has(VirtioFeature.RingPacked)
            ? new PackedQueue(settings, memory, host)
            : new SplitQueue(settings, memory, host);
    }

    /// <summary>Takes the next available chain.</summary>
    /// <returns>False if there is none, if this run took its share, or if the queue does not run.</returns>
    public bool TryTake([NotNullWhen(true)] out DescriptorChain? chain)
    {
        chain = null;
        if (!IsRunning || Volatile.Read(ref _stopRequested))
        {
            return false;
        }

        if (HasUsedShare || _heldSegments >= VirtioLimits.MaxHeldSegments)
        {
            IsThrottled = true;
            return false;
        }

        var fetched = _pool.TryPop(out var pooled) ? pooled : new DescriptorChain(this);
        fetched.Clear();
        if (!TryFetch(fetched))
        {
            FoundNone = true;
            Keep(fetched);
            return false;
        }

        if (!TryEnter(fetched))
        {
            return false;
        }

        chain = fetched;
        return true;
    }

    /// <summary>Gives a chain back to the driver.</summary>
    /// <param name="chain">The chain; not to be used afterwards.</param>
    /// <param name="writtenBytes">How many bytes were written from the start of the writable part (2.7.8.2).</param>
    /// <exception cref="InvalidOperationException">It was given back already, or is of another queue: a bug of the device.</exception>
    public void Complete(DescriptorChain chain, uint writtenBytes)
    {
        ArgumentNullException.ThrowIfNull(chain);
        if (chain.Queue != this || !chain.IsInFlight || chain.IsDone)
        {
            throw new InvalidOperationException("a descriptor chain is completed once, on its own queue");
        }

        chain.ReleaseLeases();
        if (chain.IsPending)
        {
            chain.IsPending = false;
            PendingCount--;
        }

        if (!IsRunning)
        {
            Leave(chain); // its device may still hold it: it is not used again
            return;
        }

        chain.WrittenBytes = (uint)Math.Min(writtenBytes, chain.WritableBytes);
        chain.IsDone = true;
        if (_order.Length == 0)
        {
            Publish(chain);
            return;
        }

        while (_orderCount > 0 && _order[_orderHead] is { IsDone: true } first && IsRunning)
        {
            _order[_orderHead] = null;
            _orderHead = (_orderHead + 1) % _order.Length;
            _orderCount--;
            Publish(first);
        }
    }

    /// <summary>As <see cref="Complete"/>, from any thread: the worker does it soon. Allocates nothing.</summary>
    /// <param name="chain">A chain of this queue that was not completed yet.</param>
    /// <param name="writtenBytes">Bytes that were written from its first writable byte on.</param>
    /// <exception cref="InvalidOperationException">The chain was completed before, or belongs to another queue.</exception>
    public void PostCompletion(DescriptorChain chain, uint writtenBytes)
    {
        ArgumentNullException.ThrowIfNull(chain);
        if (chain.Queue != this || Interlocked.Exchange(ref chain.IsPosted, 1) != 0)
        {
            throw new InvalidOperationException("a descriptor chain is completed once, on its own queue");
        }

        chain.WrittenBytes = writtenBytes;
        DescriptorChain? head;
        do
        {
            head = Volatile.Read(ref _posted);
            chain.NextPosted = head;
        }
        while (Interlocked.CompareExchange(ref _posted, chain, head) != head);
        if (head is null)
        {
            _host.WakeWorker(this);
        }
    }

    /// <summary>
    /// Asks the driver for notifications again and looks once more, so that none is lost (2.7.10, 2.8.22).
    /// </summary>
    /// <returns>True if chains are available: take them before waiting.</returns>
    public bool EnableNotifications()
    {
        if (!IsRunning)
        {
            return false;
        }

        SetNotifications(enabled: true);
        // Pairs with the driver's barrier between making a buffer available and reading what was just stored.
        Interlocked.MemoryBarrier();
        return IsRunning && HasAvailable();
    }

    /// <summary>Tells the driver that notifications are not needed; a hint only.</summary>
    public void DisableNotifications()
    {
        if (IsRunning)
        {
            SetNotifications(enabled: false);
        }
    }

    /// <summary>Notifies the driver of what was used since the last time, if it wants to know.</summary>
    public void Flush()
    {
        if (UsedSinceDecision == 0 || !IsRunning)
        {
            return;
        }

        // Pairs with the driver's barrier between asking for notifications and looking at the used ring again.
        Interlocked.MemoryBarrier();
        var notify = ShouldNotify();
        UsedSinceDecision = 0;
        if (notify && IsRunning)
        {
            _host.Interrupt(this);
        }
    }

    /// <summary>Begins a run of the worker: what other threads completed is given back, the share is full again.</summary>
    public void BeginRun()
    {
        _budget = Size;
        _descriptorBudget = DescriptorShare;
        IsThrottled = false;
        var posted = Interlocked.Exchange(ref _posted, null);
        DescriptorChain? inOrder = null;
        while (posted is not null)
        {
            var next = posted.NextPosted;
            posted.NextPosted = inOrder;
            inOrder = posted;
            posted = next;
        }

        while (inOrder is not null)
        {
            var next = inOrder.NextPosted;
            inOrder.NextPosted = null;
            Complete(inOrder, inOrder.WrittenBytes);
            inOrder = next;
        }
    }

    /// <summary>Gives no further chain out; the worker calls <see cref="Stop"/> soon. Any thread.</summary>
    public void RequestStop() => Volatile.Write(ref _stopRequested, true);

    /// <summary>Stops for good: no guest memory is touched afterwards but through leases that are still out.</summary>
    public void Stop()
    {
        IsRunning = false;
        LeaveDone();
        _cancellation.Cancel();
    }

    /// <summary>Stops, and frees what it holds. Not before every pending chain was completed.</summary>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Frees what the queue holds.</summary>
    protected virtual void Dispose(bool disposing)
    {
        if (disposing)
        {
            IsRunning = false;
            _cancellation.Dispose();
        }
    }

    /// <summary>Stops because the driver broke a rule, and tells the host. The first fault counts.</summary>
    internal bool Fail(QueueFault fault)
    {
        if (IsRunning)
        {
            Fault = fault;
            IsRunning = false;
            LeaveDone();
            _host.QueueFailed(this, fault);
        }

        return false;
    }

    internal void CountEntries(int change) => ArrayEntries += change;

    internal void MarkPending(DescriptorChain chain)
    {
        if (!chain.IsPending && chain.IsInFlight)
        {
            chain.IsPending = true;
            PendingCount++;
        }
    }

    /// <summary>Fills a cleared chain with the next available one; false if there is none or the queue failed.</summary>
    protected abstract bool TryFetch(DescriptorChain chain);

    /// <summary>Writes the used entry of a chain, visible to the driver when this returns.</summary>
    protected abstract void WriteUsed(DescriptorChain chain);

    /// <summary>True if the driver wants to know of the entries used since the last decision.</summary>
    protected abstract bool ShouldNotify();

    /// <summary>True if a chain is available.</summary>
    protected abstract bool HasAvailable();

    /// <summary>Stores the wish for notifications.</summary>
    protected abstract void SetNotifications(bool enabled);

    /// <summary>Checks one buffer and adds it to a chain.</summary>
    /// <param name="chain">The chain.</param>
    /// <param name="address">Guest-physical address of the buffer.</param>
    /// <param name="lengthBytes">Its length.</param>
    /// <param name="writable">True if the device writes it.</param>
    /// <returns>False if a rule is broken; the queue has failed then.</returns>
    protected bool TryAddBuffer(DescriptorChain chain, ulong address, uint lengthBytes, bool writable)
    {
        ArgumentNullException.ThrowIfNull(chain);
        if (++chain.DescriptorCount > Size)
        {
            return Fail(QueueFault.ChainTooLong);
        }

        if (!writable && chain.HasWritable)
        {
            return Fail(QueueFault.ReadableAfterWritable);
        }

        chain.HasWritable |= writable;
        if (lengthBytes == 0)
        {
            return true; // allowed, and holds nothing
        }

        if (chain.ReadableBytes + chain.WritableBytes + lengthBytes > VirtioLimits.MaxChainBytes)
        {
            return Fail(QueueFault.ChainTooLarge);
        }

        if (!Memory.Contains(address, lengthBytes))
        {
            return Fail(QueueFault.BufferOutsideRam);
        }

        chain.Add(address, lengthBytes, writable);
        return true;
    }

    /// <summary>Checks that an indirect descriptor may stand here (2.7.5.3.1, 2.8.19); its WRITE flag is ignored.</summary>
    /// <param name="flags">Its flags.</param>
    /// <param name="afterOthers">True inside an indirect table, and in a packed ring after another descriptor.</param>
    protected bool MayFollowIndirect(DescriptorBits flags, bool afterOthers)
    {
        if (!IndirectAllowed)
        {
            return Fail(QueueFault.IndirectNotNegotiated);
        }

        return (!afterOthers && (flags & DescriptorBits.Next) == 0) || Fail(QueueFault.IndirectNested);
    }

    /// <summary>Checks the length of an indirect table.</summary>
    protected bool IsIndirectTable(uint lengthBytes) =>
        (lengthBytes != 0 && lengthBytes % 16 == 0 && lengthBytes / 16 <= VirtioLimits.MaxIndirectDescriptors)
        || Fail(QueueFault.IndirectTableSize);

    private bool TryEnter(DescriptorChain chain)
    {
        ref var word = ref _inFlightIds[chain.Id >> 6];
        var bit = 1UL << (chain.Id & 63);
        if ((word & bit) != 0)
        {
            return Fail(QueueFault.BufferInFlight);
        }

        word |= bit;
        if (_order.Length != 0)
        {
            _order[(_orderHead + _orderCount) % _order.Length] = chain;
            _orderCount++;
        }

        chain.IsInFlight = true;
        InFlightCount++;
        _heldSegments += chain.SegmentCount;
        _budget--;
        _descriptorBudget -= chain.DescriptorCount;
        return true;
    }

    private void Publish(DescriptorChain chain)
    {
        WriteUsed(chain);
        UsedSinceDecision += Math.Max(1, (int)chain.Slots);
        Leave(chain);
        Keep(chain);
        if (UsedSinceDecision >= Size)
        {
            Flush(); // so that a position cannot be passed twice between two decisions
        }
    }

    private void Keep(DescriptorChain chain)
    {
        if (ArrayEntries > VirtioLimits.MaxKeptEntries)
        {
            chain.DropArrays();
        }

        _pool.Push(chain);
    }

    /// <summary>Chains that were completed and waited for earlier ones (IN_ORDER): their turn never comes any more.</summary>
    private void LeaveDone()
    {
        while (_orderCount > 0)
        {
            if (_order[_orderHead] is { IsDone: true } done)
            {
                Leave(done);
            }

            _order[_orderHead] = null;
            _orderHead = (_orderHead + 1) % _order.Length;
            _orderCount--;
        }
    }

    private void Leave(DescriptorChain chain)
    {
        _inFlightIds[chain.Id >> 6] &= ~(1UL << (chain.Id & 63));
        chain.IsInFlight = false;
        InFlightCount--;
        _heldSegments -= chain.SegmentCount;
    }
}
