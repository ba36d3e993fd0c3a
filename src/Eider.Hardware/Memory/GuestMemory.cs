using System.Buffers.Binary;

namespace Eider.Hardware.Memory;

/// <summary>
/// The guest's RAM as devices see it: copies in and out with checked addresses, ring indexes with acquire and
/// release, and leases for asynchronous I/O. Reaches RAM only, never a device's own registers. Every method is
/// safe for any address and length, from any thread; a range that is not wholly RAM moves nothing.
/// </summary>
/// <remarks>Tests put counting, mutating, faulting and write-watching versions in its place.</remarks>
public abstract class GuestMemory
{
    /// <summary>True if every byte of the range is RAM. An empty range is, wherever it starts.</summary>
    /// <param name="address">Guest-physical address of the first byte.</param>
    /// <param name="lengthBytes">Length of the range.</param>
    public abstract bool Contains(ulong address, ulong lengthBytes);

    /// <summary>Copies guest bytes out, each read once.</summary>
    public abstract bool TryRead(ulong address, Span<byte> destination);

    /// <summary>Copies bytes into guest memory.</summary>
    public abstract bool TryWrite(ulong address, ReadOnlySpan<byte> source);

    /// <summary>Reads an aligned little-endian 16-bit ring field with acquire ordering.</summary>
    /// <returns>False if the address is odd or not RAM.</returns>
    public abstract bool TryReadUInt16Acquire(ulong address, out ushort value);

    /// <summary>Writes an aligned little-endian 16-bit ring field with release ordering.</summary>
    /// <returns>False if the address is odd or not RAM.</returns>
    public abstract bool TryWriteUInt16Release(ulong address, ushort value);

    /// <summary>Reads a little-endian 32-bit field, its bytes once; no alignment needed, no ordering given.</summary>
    /// <returns>False if the four bytes are not RAM.</returns>
    public bool TryReadUInt32(ulong address, out uint value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(uint)];
        var read = TryRead(address, bytes);
        value = read ? BinaryPrimitives.ReadUInt32LittleEndian(bytes) : 0;
        return read;
    }

    /// <summary>Reads a little-endian 64-bit field, its bytes once; no alignment needed, no ordering given.</summary>
    /// <returns>False if the eight bytes are not RAM.</returns>
    public bool TryReadUInt64(ulong address, out ulong value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        var read = TryRead(address, bytes);
        value = read ? BinaryPrimitives.ReadUInt64LittleEndian(bytes) : 0;
        return read;
    }

    /// <summary>Writes a little-endian 32-bit field; no alignment needed, no ordering given.</summary>
    /// <returns>False if the four bytes are not RAM.</returns>
    public bool TryWriteUInt32(ulong address, uint value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        return TryWrite(address, bytes);
    }

    /// <summary>Writes a little-endian 64-bit field; no alignment needed, no ordering given.</summary>
    /// <returns>False if the eight bytes are not RAM.</returns>
    public bool TryWriteUInt64(ulong address, ulong value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        return TryWrite(address, bytes);
    }

    /// <summary>
    /// Lends out the longest contiguous prefix of a range, so that I/O moves bytes without a copy. The memory
    /// stays mapped until the lease is released. The whole range must be RAM.
    /// </summary>
    /// <param name="address">Guest-physical address of the first byte.</param>
    /// <param name="lengthBytes">Length wished for, at least 1.</param>
    /// <param name="access">What the lease is for.</param>
    /// <param name="lease">The lease; its length is at least 1 and at most <paramref name="lengthBytes"/>.</param>
    public abstract bool TryLease(ulong address, uint lengthBytes, GuestMemoryAccess access, out GuestLease lease);

    /// <summary>Takes a lease back. Called by <see cref="GuestLease.Release"/> only.</summary>
    protected internal abstract void ReturnLease(in GuestLease lease, int writtenBytes);
}
