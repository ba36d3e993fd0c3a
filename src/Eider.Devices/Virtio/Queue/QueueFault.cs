namespace Eider.Devices.Virtio.Queue;

/// <summary>How a driver broke a queue (virtio 1.3, sections 2.7 and 2.8). Each stops the queue until it is reset.</summary>
public enum QueueFault
{
    /// <summary>Nothing is wrong.</summary>
    None = 0,

    /// <summary>A part of the ring, or an indirect table, is not in RAM.</summary>
    RingOutsideRam,

    /// <summary>A buffer is not wholly in RAM, or its end wraps around.</summary>
    BufferOutsideRam,

    /// <summary>The available index ran ahead by more than the queue size, or went back (2.7.6.1).</summary>
    AvailableIndexJump,

    /// <summary>A descriptor number is not below the size of its table.</summary>
    DescriptorOutOfRange,

    /// <summary>A chain holds more descriptors than the queue, or loops (2.7.5.2).</summary>
    ChainTooLong,

    /// <summary>A chain holds more than 2^32 bytes (2.7.5.2).</summary>
    ChainTooLarge,

    /// <summary>A device-readable buffer after a device-writable one (2.7.4.2).</summary>
    ReadableAfterWritable,

    /// <summary>An indirect descriptor although the feature was not negotiated (2.7.5.3.1).</summary>
    IndirectNotNegotiated,

    /// <summary>An indirect descriptor with NEXT, or inside an indirect table (2.7.5.3.1).</summary>
    IndirectNested,

    /// <summary>An indirect table that is empty, no multiple of 16 bytes, or too long.</summary>
    IndirectTableSize,

    /// <summary>A buffer was made available again before it was used.</summary>
    BufferInFlight,

    /// <summary>Packed: a head is available and its chain runs into descriptors that are not (2.8.17).</summary>
    ChainNotAvailable,

    /// <summary>Packed: more descriptors are available than the ring holds.</summary>
    RingOverrun,

    /// <summary>An access to guest memory failed that was checked before.</summary>
    MemoryAccess,
}
