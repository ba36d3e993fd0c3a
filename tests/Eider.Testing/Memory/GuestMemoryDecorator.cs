using System.Buffers.Binary;
using Eider.Hardware.Memory;

namespace Eider.Testing.Memory;

/// <summary>
/// Stands in front of a guest memory and passes every access on; the test doubles change what they are about.
/// Everything that a device can do ends in one of four hooks: may it, did it read, did it write, was it returned.
/// </summary>
/// <param name="inner">The memory behind it; not disposed of.</param>
public abstract class GuestMemoryDecorator(GuestMemory inner) : GuestMemory
{
    /// <summary>The memory behind it.</summary>
    public GuestMemory Inner { get; } = inner;

    /// <inheritdoc/>
    public override bool Contains(ulong address, ulong lengthBytes) => Inner.Contains(address, lengthBytes);

    /// <inheritdoc/>
    public override bool TryRead(ulong address, Span<byte> destination)
    {
        if (!MayAccess(address, (ulong)destination.Length, GuestMemoryAccess.Read) || !Inner.TryRead(address, destination))
        {
            return false;
        }

        OnRead(address, destination);
        return true;
    }

    /// <inheritdoc/>
    public override bool TryWrite(ulong address, ReadOnlySpan<byte> source)
    {
        if (!MayAccess(address, (ulong)source.Length, GuestMemoryAccess.Write))
        {
            return false;
        }

        var written = Inner.TryWrite(address, source);
        OnWritten(address, written ? source.Length : 0);
        return written;
    }

    /// <inheritdoc/>
    public override bool TryReadUInt16Acquire(ulong address, out ushort value)
    {
        value = 0;
        if (!MayAccess(address, 2, GuestMemoryAccess.Read) || !Inner.TryReadUInt16Acquire(address, out value))
        {
            return false;
        }

        Span<byte> bytes = stackalloc byte[sizeof(ushort)];
        BinaryPrimitives.WriteUInt16LittleEndian(bytes, value);
        OnRead(address, bytes);
        value = BinaryPrimitives.ReadUInt16LittleEndian(bytes);
        return true;
    }

    /// <inheritdoc/>
    public override bool TryWriteUInt16Release(ulong address, ushort value)
    {
        if (!MayAccess(address, 2, GuestMemoryAccess.Write))
        {
            return false;
        }

        var written = Inner.TryWriteUInt16Release(address, value);
        OnWritten(address, written ? 2 : 0);
        return written;
    }

    /// <inheritdoc/>
    public override bool TryLease(ulong address, uint lengthBytes, GuestMemoryAccess access, out GuestLease lease)
    {
        lease = default;
        if (!MayAccess(address, lengthBytes, access) || !Inner.TryLease(address, lengthBytes, access, out var taken))
        {
            return false;
        }

        lease = new GuestLease(this, address, access, OnLeased(taken));
        return true;
    }

    /// <inheritdoc/>
    protected internal override void ReturnLease(in GuestLease lease, int writtenBytes)
    {
        OnReturned(lease, writtenBytes);
        // The memory behind it looks at the address only, and takes back what it lent there.
        Inner.ReturnLease(lease, writtenBytes);
    }

    /// <summary>Before an access: false makes it fail as if the range were no RAM.</summary>
    protected virtual bool MayAccess(ulong address, ulong lengthBytes, GuestMemoryAccess access) => true;

    /// <summary>After a copy out of guest memory: the bytes may be changed.</summary>
    protected virtual void OnRead(ulong address, Span<byte> bytes)
    {
    }

    /// <summary>After a copy into guest memory; 0 bytes if it was refused.</summary>
    protected virtual void OnWritten(ulong address, int lengthBytes)
    {
    }

    /// <summary>After a lease was taken: the memory that the device gets to see.</summary>
    protected virtual Memory<byte> OnLeased(in GuestLease taken) => taken.Memory;

    /// <summary>Before a lease goes back.</summary>
    protected virtual void OnReturned(in GuestLease lease, int writtenBytes)
    {
    }
}
