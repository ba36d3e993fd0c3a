namespace Eider.Devices.Virtio;

/// <summary>What a driver may ask for at most. One table for all queues and devices.</summary>
public static class VirtioLimits
{
    /// <summary>Largest queue, in descriptors (sections 2.7 and 2.8).</summary>
    public const int MaxQueueSize = 32768;

    /// <summary>Most queues a device can have here.</summary>
    public const int MaxQueues = 1024;

    /// <summary>Most entries in one indirect table; a chain is no longer than the queue all the same.</summary>
    public const int MaxIndirectDescriptors = 32768;

    /// <summary>Most bytes in one chain, readable and writable together (section 2.7.5.2): 2^32.</summary>
    public const ulong MaxChainBytes = 1UL << 32;

    /// <summary>
    /// Descriptors, for each entry of the ring, that one run of a worker takes before it lets others have their turn:
    /// chains that share long lists or tables must not make the work of one doorbell grow with the square of the queue.
    /// </summary>
    public const int DescriptorsPerEntry = 12;

    /// <summary>
    /// Descriptors held by all taken chains of a queue above which no further chain is taken until one
    /// completes: many long indirect tables must not make the host's memory grow.
    /// </summary>
    public const int MaxHeldSegments = 1 << 16;

    /// <summary>Most pieces that a chain is lent out in; more are refused, and the device answers with an error.</summary>
    public const int MaxLeasesPerChain = 1 << 16;

    /// <summary>
    /// Entries of segments and leases, beyond a few for each chain, that the chains of one queue keep for later
    /// requests. A chain that comes back while there are more forgets its own, so that long requests do not stay in
    /// the host's memory: an entry takes at most 56 bytes.
    /// </summary>
    public const int MaxKeptEntries = 1 << 17;

    /// <summary>
    /// Entries of segments and leases of one queue above which no further lease is made; the device answers with
    /// an error. Out of reach but for a translation that cuts buffers into very many pieces.
    /// </summary>
    public const int MaxArrayEntries = 1 << 19;

    /// <summary>Size of the device configuration space at most, in bytes: one page less the registers.</summary>
    public const int MaxConfigBytes = 0x1000 - 0x100;

    /// <summary>Size of the register window of a device on the bus, in bytes.</summary>
    public const int MmioWindowBytes = 0x1000;

    /// <summary>Register writes put off while a reset runs; more of them are dropped and counted.</summary>
    public const int MaxDeferredWrites = 64;
}
