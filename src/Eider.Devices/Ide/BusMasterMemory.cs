using Eider.Devices.Pci;
using Eider.Hardware.Memory;

namespace Eider.Devices.Ide;

/// <summary>Guest memory as a PCI function reaches it: not at all unless the driver made it a bus master.</summary>
internal sealed class BusMasterMemory(GuestMemory inner, PciFunction function) : GuestMemory
{
    /// <inheritdoc/>
    public override bool Contains(ulong address, ulong lengthBytes) => function.IsBusMaster && inner.Contains(address, lengthBytes);

    /// <inheritdoc/>
    public override bool TryRead(ulong address, Span<byte> destination) => function.IsBusMaster && inner.TryRead(address, destination);

    /// <inheritdoc/>
    public override bool TryWrite(ulong address, ReadOnlySpan<byte> source) => function.IsBusMaster && inner.TryWrite(address, source);

    /// <inheritdoc/>
    public override bool TryReadUInt16Acquire(ulong address, out ushort value)
    {
        value = 0;
        return function.IsBusMaster && inner.TryReadUInt16Acquire(address, out value);
    }

    /// <inheritdoc/>
    public override bool TryWriteUInt16Release(ulong address, ushort value) =>
        function.IsBusMaster && inner.TryWriteUInt16Release(address, value);

    /// <inheritdoc/>
    public override bool TryLease(ulong address, uint lengthBytes, GuestMemoryAccess access, out GuestLease lease)
    {
        lease = default;
        return function.IsBusMaster && inner.TryLease(address, lengthBytes, access, out lease);
    }

    /// <inheritdoc/>
    protected override void ReturnLease(in GuestLease lease, int writtenBytes) => lease.Release(writtenBytes); // the lease knows its memory
}
