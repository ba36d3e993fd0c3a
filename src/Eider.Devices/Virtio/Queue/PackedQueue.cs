using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using Eider.Hardware.Memory;

namespace Eider.Devices.Virtio.Queue;

/// <summary>A packed virtqueue (virtio 1.3, section 2.8).</summary>
[SuppressMessage("Naming", "CA1711:Identifiers should not have incorrect suffix", Justification = "the specification\'s word")]
public sealed class PackedQueue : VirtQueue
{
    private const int DescriptorBytes = 16;
    private const int LengthOffset = 8;
    private const int FlagsOffset = 14;
    private const ushort EventEnable = 0; // RING_EVENT_FLAGS_ENABLE
    private const ushort EventDisable = 1; // RING_EVENT_FLAGS_DISABLE
    private const ushort EventDescriptor = 2; // RING_EVENT_FLAGS_DESC
    private const ushort EventFlagsMask = 3; // the rest is reserved
    private const ushort WrapBit = 0x8000;

    private readonly ulong _ring;
    private readonly ulong _driverEvent;
    private readonly ulong _deviceEvent;

    // The two sides of the ring move, and wrap, independently of each other.
    private int _availableIndex;
    private bool _availableWrap = true;
    private int _usedIndex;
    private bool _usedWrap = true;
    private int _slotsInFlight;
    private int _decidedPosition;
    private int _storedEvent = -1;
    private ushort _storedFlags;

    /// <summary>Takes over a queue.</summary>
    /// <param name="settings">Where the driver put the rings, how many entries they have, and what was negotiated.</param>
    /// <param name="memory">The guest's memory, as the device may see it.</param>
    /// <param name="host">Is told of broken rules and of notifications.</param>
    /// <exception cref="ArgumentException">The settings are not usable.</exception>
    public PackedQueue(VirtQueueSettings settings, GuestMemory memory, IVirtQueueHost host)
        : base(settings, memory, host)
    {
        _ring = settings.DescriptorAddress;
        _driverEvent = settings.DriverAddress;
        _deviceEvent = settings.DeviceAddress;
    }

    /// <inheritdoc/>
    protected override bool HasAvailable() => TryReadFlags(_availableIndex, out var flags) && IsAvailable(flags, _availableWrap);

    /// <inheritdoc/>
    protected override bool TryFetch(DescriptorChain chain)
    {
        ArgumentNullException.ThrowIfNull(chain);
        var index = _availableIndex;
        var wrap = _availableWrap;
        var slots = 0;
        Span<byte> body = stackalloc byte[FlagsOffset];
        while (true)
        {
            if (!TryReadFlags(index, out var flags))
            {
                return false;
            }

            if (!IsAvailable(flags, wrap))
            {
                return slots != 0 && Fail(QueueFault.ChainNotAvailable);
            }

            if (++slots + _slotsInFlight > Size)
            {
                return Fail(slots > Size ? QueueFault.ChainTooLong : QueueFault.RingOverrun);
            }

            // The flags are read already, with acquire; each other field is read here, once.
            if (!Memory.TryRead(SlotAddress(index), body))
            {
                return Fail(QueueFault.RingOutsideRam);
            }

            if (++index == Size)
            {
                index = 0;
                wrap = !wrap;
            }

            if (!TryAddDescriptor(chain, body, flags, isFirst: slots == 1))
            {
                return false;
            }

            if ((flags & DescriptorBits.Next) == 0)
            {
                break;
            }
        }

        chain.Id = BinaryPrimitives.ReadUInt16LittleEndian(body[12..]); // of the last descriptor (2.8.6)
        chain.Slots = (ushort)slots;
        (_availableIndex, _availableWrap) = (index, wrap);
        _slotsInFlight += slots;
        return true;
    }

    /// <inheritdoc/>
    protected override void WriteUsed(DescriptorChain chain)
    {
        ArgumentNullException.ThrowIfNull(chain);
        Span<byte> body = stackalloc byte[6];
        BinaryPrimitives.WriteUInt32LittleEndian(body, chain.WrittenBytes);
        BinaryPrimitives.WriteUInt16LittleEndian(body[4..], chain.Id);
        var flags = (_usedWrap ? DescriptorBits.Avail | DescriptorBits.Used : DescriptorBits.None)
            | (chain.WrittenBytes != 0 || chain.WasWritten ? DescriptorBits.Write : DescriptorBits.None); // any part of it (2.8.3)
        var slot = SlotAddress(_usedIndex);
        _usedIndex += chain.Slots;
        _slotsInFlight -= chain.Slots;
        if (_usedIndex >= Size)
        {
            _usedIndex -= Size;
            _usedWrap = !_usedWrap;
        }

        // Release: length, id and what was written to the buffers are visible before the flags (2.8.15).
        if (!Memory.TryWrite(slot + LengthOffset, body) || !Memory.TryWriteUInt16Release(slot + FlagsOffset, (ushort)flags))
        {
            Fail(QueueFault.RingOutsideRam);
        }
    }

    /// <inheritdoc/>
    protected override bool ShouldNotify()
    {
        var before = _decidedPosition;
        _decidedPosition = Position(_usedIndex, _usedWrap);
        // Flags first: the driver stores the position before them.
        if (!Memory.TryReadUInt16Acquire(_driverEvent + 2, out var flags))
        {
            return Fail(QueueFault.RingOutsideRam);
        }

        switch (flags & EventFlagsMask)
        {
            case EventDisable:
                return false;
            case EventDescriptor when EventIdx:
                return Memory.TryReadUInt16Acquire(_driverEvent, out var asked)
                    ? IsCrossed(asked, before, UsedSinceDecision, Size)
                    : Fail(QueueFault.RingOutsideRam);
            default:
                return true;
        }
    }

    /// <inheritdoc/>
    protected override void SetNotifications(bool enabled)
    {
        if (!EventIdx || !enabled)
        {
            StoreFlags(enabled ? EventEnable : EventDisable);
            return;
        }

        var position = _availableIndex | (_availableWrap ? WrapBit : 0);
        if (position != _storedEvent)
        {
            _storedEvent = position;
            Store(_deviceEvent, (ushort)position); // before the flags that make it count
        }

        StoreFlags(EventDescriptor);
    }

    private static bool IsAvailable(DescriptorBits flags, bool wrap) =>
        (flags & DescriptorBits.Avail) != 0 == wrap && (flags & DescriptorBits.Used) != 0 != wrap;

    private int Position(int index, bool wrap) => Position(index, wrap, Size);

    private static int Position(int index, bool wrap, int size) => index + (wrap ? 0 : size);

    /// <summary>True if the descriptor asked for is among those just used (2.8.14, RING_EVENT_FLAGS_DESC).</summary>
    /// <param name="asked">Offset, and the wrap counter in bit 15, as the driver stored them.</param>
    /// <param name="before">Position of the first of them: below the size with the wrap counter set, else above.</param>
    /// <param name="used">How many, at most twice the size less one.</param>
    /// <param name="size">Size of the ring.</param>
    internal static bool IsCrossed(ushort asked, int before, int used, int size)
    {
        var index = asked & ~WrapBit;
        if (index >= size)
        {
            return true; // no such descriptor: a notification too many harms nobody
        }

        var round = 2 * size;
        var distance = (Position(index, (asked & WrapBit) != 0, size) - before + round) % round;
        return distance < used;
    }

    private ulong SlotAddress(int index) => _ring + (DescriptorBytes * (ulong)(uint)index);

    private bool TryReadFlags(int index, out DescriptorBits flags)
    {
        // Acquire: pairs with the driver's barrier between the fields of a descriptor and its flags (2.8.21).
        var read = Memory.TryReadUInt16Acquire(SlotAddress(index) + FlagsOffset, out var raw);
        flags = (DescriptorBits)raw;
        return read || Fail(QueueFault.RingOutsideRam);
    }

    private void StoreFlags(ushort flags)
    {
        if (flags != _storedFlags)
        {
            _storedFlags = flags;
            Store(_deviceEvent + 2, flags);
        }
    }

    private void Store(ulong address, ushort value)
    {
        if (!Memory.TryWriteUInt16Release(address, value))
        {
            Fail(QueueFault.RingOutsideRam);
        }
    }

    private bool TryAddDescriptor(DescriptorChain chain, ReadOnlySpan<byte> body, DescriptorBits flags, bool isFirst)
    {
        var address = BinaryPrimitives.ReadUInt64LittleEndian(body);
        var length = BinaryPrimitives.ReadUInt32LittleEndian(body[LengthOffset..]);
        return (flags & DescriptorBits.Indirect) == 0
            ? TryAddBuffer(chain, address, length, (flags & DescriptorBits.Write) != 0)
            : MayFollowIndirect(flags, afterOthers: !isFirst) && IsIndirectTable(length)
                && TryAddTable(chain, address, length / DescriptorBytes);
    }

    /// <summary>Adds an indirect table: all of it, in order; only the WRITE flag counts there (2.8.7, 2.8.19).</summary>
    private bool TryAddTable(DescriptorChain chain, ulong table, uint count)
    {
        Span<byte> raw = stackalloc byte[DescriptorBytes];
        for (var i = 0u; i < count; i++)
        {
            if (!Memory.TryRead(table + (DescriptorBytes * (ulong)i), raw))
            {
                return Fail(QueueFault.RingOutsideRam);
            }

            var flags = (DescriptorBits)BinaryPrimitives.ReadUInt16LittleEndian(raw[FlagsOffset..]);
            if (!TryAddBuffer(
                chain,
                BinaryPrimitives.ReadUInt64LittleEndian(raw),
                BinaryPrimitives.ReadUInt32LittleEndian(raw[LengthOffset..]),
                (flags & DescriptorBits.Write) != 0))
            {
                return false;
            }
        }

        return true;
    }
}
