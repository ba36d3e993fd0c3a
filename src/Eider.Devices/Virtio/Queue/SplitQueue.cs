using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using Eider.Hardware.Memory;

namespace Eider.Devices.Virtio.Queue;

/// <summary>A split virtqueue (virtio 1.3, section 2.7).</summary>
[SuppressMessage("Naming", "CA1711:Identifiers should not have incorrect suffix", Justification = "the specification\'s word")]
public sealed class SplitQueue : VirtQueue
{
    private const int DescriptorBytes = 16;
    private const int RingHeaderBytes = 4;
    private const int UsedEntryBytes = 8;
    private const ushort NoNotify = 1; // VIRTQ_USED_F_NO_NOTIFY
    private const ushort NoInterrupt = 1; // VIRTQ_AVAIL_F_NO_INTERRUPT

    private readonly ulong _descriptors;
    private readonly ulong _available;
    private readonly ulong _used;
    private readonly int _mask;
    private ushort _nextAvailable;
    private ushort _seenAvailable;
    private ushort _nextUsed;
    private ushort _decidedUsed;
    private int _storedEvent = -1; // nothing yet: the ring may hold what an earlier life left
    private bool _notificationsOff;

    /// <summary>Takes over a queue.</summary>
    /// <param name="settings">Where the driver put the rings, how many entries they have, and what was negotiated.</param>
    /// <param name="memory">The guest's memory, as the device may see it.</param>
    /// <param name="host">Is told of broken rules and of notifications.</param>
    /// <exception cref="ArgumentException">The settings are not usable.</exception>
    public SplitQueue(VirtQueueSettings settings, GuestMemory memory, IVirtQueueHost host)
        : base(settings, memory, host)
    {
        _descriptors = settings.DescriptorAddress;
        _available = settings.DriverAddress;
        _used = settings.DeviceAddress;
        _mask = Size - 1;
    }

    /// <inheritdoc/>
    protected override bool HasAvailable()
    {
        if (_nextAvailable != _seenAvailable)
        {
            return true;
        }

        // Acquire: pairs with the driver's barrier between the ring entry and the index (2.7.13.3).
        if (!Memory.TryReadUInt16Acquire(_available + 2, out var index))
        {
            return Fail(QueueFault.RingOutsideRam);
        }

        if (unchecked((ushort)(index - _nextAvailable)) > Size)
        {
            return Fail(QueueFault.AvailableIndexJump);
        }

        _seenAvailable = index;
        return index != _nextAvailable;
    }

    /// <inheritdoc/>
    protected override bool TryFetch(DescriptorChain chain)
    {
        ArgumentNullException.ThrowIfNull(chain);
        if (!HasAvailable())
        {
            return false;
        }

        var slot = _available + RingHeaderBytes + (2UL * (uint)(_nextAvailable & _mask));
        if (!Memory.TryReadUInt16Acquire(slot, out var head))
        {
            return Fail(QueueFault.RingOutsideRam);
        }

        _nextAvailable = unchecked((ushort)(_nextAvailable + 1));
        chain.Id = head;
        return TryWalk(chain, head);
    }

    /// <inheritdoc/>
    protected override void WriteUsed(DescriptorChain chain)
    {
        ArgumentNullException.ThrowIfNull(chain);
        Span<byte> entry = stackalloc byte[UsedEntryBytes];
        BinaryPrimitives.WriteUInt32LittleEndian(entry, chain.Id);
        BinaryPrimitives.WriteUInt32LittleEndian(entry[4..], chain.WrittenBytes);
        var slot = _used + RingHeaderBytes + (UsedEntryBytes * (ulong)(uint)(_nextUsed & _mask));
        _nextUsed = unchecked((ushort)(_nextUsed + 1));
        // Release: the entry, and what was written to the buffers, are visible before the index (2.7.8.2).
        if (!Memory.TryWrite(slot, entry) || !Memory.TryWriteUInt16Release(_used + 2, _nextUsed))
        {
            Fail(QueueFault.RingOutsideRam);
        }
    }

    /// <inheritdoc/>
    protected override bool ShouldNotify()
    {
        var before = _decidedUsed;
        _decidedUsed = _nextUsed;
        if (!EventIdx)
        {
            return Memory.TryReadUInt16Acquire(_available, out var flags)
                ? (flags & NoInterrupt) == 0
                : Fail(QueueFault.RingOutsideRam);
        }

        return Memory.TryReadUInt16Acquire(_available + RingHeaderBytes + (2UL * (uint)Size), out var usedEvent)
            ? IsCrossed(usedEvent, before, _nextUsed)
            : Fail(QueueFault.RingOutsideRam);
    }

    /// <inheritdoc/>
    protected override void SetNotifications(bool enabled)
    {
        if (!EventIdx)
        {
            if (_notificationsOff == enabled)
            {
                _notificationsOff = !enabled;
                Store(_used, enabled ? (ushort)0 : NoNotify);
            }
        }
        else if (enabled && (_storedEvent != _nextAvailable || _notificationsOff))
        {
            if (_storedEvent < 0)
            {
                Store(_used, 0); // 2.7.10.1: flags are 0 with this feature
            }

            _notificationsOff = false;
            _storedEvent = _nextAvailable;
            Store(_used + RingHeaderBytes + (UsedEntryBytes * (ulong)(uint)Size), _nextAvailable);
        }
    }

    /// <summary>True if one of the entries from <paramref name="before"/> up to <paramref name="after"/>, without it, is the one asked for (2.7.10).</summary>
    internal static bool IsCrossed(ushort asked, ushort before, ushort after) =>
        unchecked((ushort)(after - asked - 1) < (ushort)(after - before));

    private void Store(ulong address, ushort value)
    {
        if (!Memory.TryWriteUInt16Release(address, value))
        {
            Fail(QueueFault.RingOutsideRam);
        }
    }

    private bool TryWalk(DescriptorChain chain, ushort head)
    {
        var table = _descriptors;
        var tableSize = (uint)Size;
        var indirect = false;
        uint index = head;
        Span<byte> raw = stackalloc byte[DescriptorBytes];
        while (true)
        {
            if (index >= tableSize)
            {
                return Fail(QueueFault.DescriptorOutOfRange);
            }

            // Read once; only the copy is looked at from here on.
            if (!Memory.TryRead(table + (DescriptorBytes * (ulong)index), raw))
            {
                return Fail(QueueFault.RingOutsideRam);
            }

            var address = BinaryPrimitives.ReadUInt64LittleEndian(raw);
            var length = BinaryPrimitives.ReadUInt32LittleEndian(raw[8..]);
            var flags = (DescriptorBits)BinaryPrimitives.ReadUInt16LittleEndian(raw[12..]);
            if ((flags & DescriptorBits.Indirect) != 0)
            {
                if (!MayFollowIndirect(flags, indirect) || !IsIndirectTable(length))
                {
                    return false;
                }

                (table, tableSize, index, indirect) = (address, length / DescriptorBytes, 0, true);
                continue;
            }

            if (!TryAddBuffer(chain, address, length, (flags & DescriptorBits.Write) != 0))
            {
                return false;
            }

            if ((flags & DescriptorBits.Next) == 0)
            {
                return true;
            }

            index = BinaryPrimitives.ReadUInt16LittleEndian(raw[14..]);
        }
    }
}
