using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace Eider.Hardware.Memory;

/// <summary>
/// RAM of a machine: native, page aligned, outside of the garbage collector's heap, in one or several regions.
/// </summary>
public sealed unsafe class GuestRam : GuestMemory, IDisposable
{
    private readonly GuestRamRegion[] _regions;

    /// <summary>Maps regions of zeroes.</summary>
    /// <param name="regions">Guest-physical base and size of each; multiples of 4096, sorted, not overlapping.</param>
    /// <exception cref="ArgumentException">A region is empty, unaligned, wraps around or overlaps another.</exception>
    public GuestRam(params (ulong Base, ulong SizeBytes)[] regions)
    {
        ArgumentNullException.ThrowIfNull(regions);
        var end = 0UL;
        foreach (var (start, size) in regions)
        {
            if (size == 0 || (start | size) % GuestRamRegion.PageBytes != 0 || start < end || size > ulong.MaxValue - start)
            {
                throw new ArgumentException($"RAM region 0x{start:x} of size 0x{size:x} is empty, unaligned or overlaps", nameof(regions));
            }

            end = start + size;
        }

        _regions = [.. regions.Select(region => new GuestRamRegion(region.Base, region.SizeBytes))];
    }

    /// <summary>The regions, by address.</summary>
    public IReadOnlyList<GuestRamRegion> Regions => _regions;

    /// <summary>
    /// Called, on the thread that wrote, after a device wrote a page whose <see cref="PageWatch.HasCode"/> flag
    /// was set; the flag is cleared first. The argument is the page's guest-physical address.
    /// </summary>
    public Action<ulong>? CodePageWritten { get; set; }

    /// <inheritdoc/>
    public override bool Contains(ulong address, ulong lengthBytes) => lengthBytes == 0 || Find(address, lengthBytes) is not null;

    /// <inheritdoc/>
    public override bool TryRead(ulong address, Span<byte> destination)
    {
        if (destination.IsEmpty)
        {
            return true;
        }

        var region = Find(address, (ulong)destination.Length);
        if (region is null)
        {
            return false;
        }

        // SAFETY: Find checked that the whole range lies inside the region, which stays mapped until disposed.
        new ReadOnlySpan<byte>(region.Host + (address - region.Base), destination.Length).CopyTo(destination);
        return true;
    }

    /// <inheritdoc/>
    public override bool TryWrite(ulong address, ReadOnlySpan<byte> source)
    {
        if (source.IsEmpty)
        {
            return true;
        }

        var region = Find(address, (ulong)source.Length);
        if (region is null)
        {
            return false;
        }

        // SAFETY: as in TryRead.
        source.CopyTo(new Span<byte>(region.Host + (address - region.Base), source.Length));
        NotifyWritten(region, address, (ulong)source.Length);
        return true;
    }

    /// <inheritdoc/>
    public override bool TryReadUInt16Acquire(ulong address, out ushort value)
    {
        var region = (address & 1) == 0 ? Find(address, 2) : null;
        if (region is null)
        {
            value = 0;
            return false;
        }

        // SAFETY: two bytes inside the region, aligned.
        var raw = Volatile.Read(ref *(ushort*)(region.Host + (address - region.Base)));
        value = BitConverter.IsLittleEndian ? raw : BinaryPrimitives.ReverseEndianness(raw);
        return true;
    }

    /// <inheritdoc/>
    public override bool TryWriteUInt16Release(ulong address, ushort value)
    {
        var region = (address & 1) == 0 ? Find(address, 2) : null;
        if (region is null)
        {
            return false;
        }

        // SAFETY: two bytes inside the region, aligned.
        Volatile.Write(
            ref *(ushort*)(region.Host + (address - region.Base)),
            BitConverter.IsLittleEndian ? value : BinaryPrimitives.ReverseEndianness(value));
        NotifyWritten(region, address, 2);
        return true;
    }

    /// <inheritdoc/>
    public override bool TryLease(ulong address, uint lengthBytes, GuestMemoryAccess access, out GuestLease lease)
    {
        var region = lengthBytes == 0 ? null : Find(address, lengthBytes);
        if (region is null || !region.TryAddLease())
        {
            lease = default;
            return false;
        }

        lease = new GuestLease(this, address, access, region.GetMemory(address - region.Base, lengthBytes));
        return true;
    }

    /// <inheritdoc/>
    protected internal override void ReturnLease(in GuestLease lease, int writtenBytes)
    {
        var region = Find(lease.Address, 1)!;
        if (writtenBytes > 0)
        {
            NotifyWritten(region, lease.Address, (ulong)writtenBytes);
        }

        region.ReturnLease();
    }

    /// <summary>Unmaps the memory; what is on lease stays mapped until it is returned.</summary>
    public void Dispose()
    {
        foreach (var region in _regions)
        {
            region.Dispose();
        }
    }

    /// <summary>The region that holds a whole range; null if none does.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal GuestRamRegion? Find(ulong address, ulong lengthBytes)
    {
        foreach (var region in _regions)
        {
            var offset = unchecked(address - region.Base);
            if (offset < region.SizeBytes && lengthBytes <= region.SizeBytes - offset)
            {
                return region;
            }
        }

        return null;
    }

    /// <summary>Looks after page flags once a range was written; cheap when no flag is set.</summary>
    internal void NotifyWritten(GuestRamRegion region, ulong address, ulong lengthBytes)
    {
        var first = (address - region.Base) / GuestRamRegion.PageBytes;
        var last = (address - region.Base + (lengthBytes - 1)) / GuestRamRegion.PageBytes;
        for (var page = first; page <= last; page++)
        {
            if (region.TakeFlags(page).HasFlag(PageWatch.HasCode))
            {
                CodePageWritten?.Invoke(region.Base + (page * GuestRamRegion.PageBytes));
            }
        }
    }
}
