namespace Eider.Hardware.Memory;

/// <summary>
/// A piece of guest memory lent out for I/O. Whoever took it releases it exactly once; a plain value, so that
/// a request keeps its leases in an array and nothing is allocated.
/// </summary>
/// <param name="owner">The memory that it comes from.</param>
/// <param name="address">Guest-physical address of the first byte.</param>
/// <param name="access">What it is for.</param>
/// <param name="memory">The bytes.</param>
public readonly struct GuestLease(GuestMemory owner, ulong address, GuestMemoryAccess access, Memory<byte> memory)
{
    /// <summary>The guest's bytes; valid until released. The guest may change them at any time.</summary>
    public Memory<byte> Memory { get; } = memory;

    /// <summary>Guest-physical address of the first byte.</summary>
    public ulong Address { get; } = address;

    /// <summary>What the lease is for.</summary>
    public GuestMemoryAccess Access { get; } = access;

    /// <summary>Gives the memory back and reports how much of it was written.</summary>
    /// <param name="writtenBytes">Bytes written from the start; 0 for a read lease.</param>
    public void Release(int writtenBytes) => owner.ReturnLease(this, writtenBytes);
}
