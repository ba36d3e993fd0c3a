using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace Eider.Hardware.Memory;

/// <summary>
/// RAM of a machine: native, page aligned, outside of the garbage collector's heap, in one or several regions
/// with holes between them. On Linux each region is a memfd that other processes can map.
/// </summary>
/// <remarks>
/// Dispose of it when harts and workers have stopped: it does not wait for a copy in progress, but memory on
/// lease stays mapped until the last lease is returned. Afterwards every access answers "not RAM".
/// </remarks>
public sealed unsafe class GuestRam : GuestMemory, IDisposable
{
    private readonly GuestRamRegion[] _mapped;
    private GuestRamRegion[] _regions; // the same until disposed of, then none

    /// <summary>Maps regions of zeroes.</summary>
    /// <param name="regions">Guest-physical base and size of each; multiples of 4096, sorted, not overlapping.</param>
    /// <exception cref="ArgumentException">A region is empty, unaligned, wraps around or overlaps another.</exception>
    /// <exception cref="InsufficientMemoryException">The host has no room for them.</exception>
    public GuestRam(params (ulong Base, ulong SizeBytes)[] regions)
        : this(HostMapping.Create, regions)
    {
    }

    /// <summary>Maps regions of zeroes and, behind them in <see cref="Regions"/>, parts of files.</summary>
    /// <param name="regions">Guest-physical base and size of each; multiples of 4096, sorted, not overlapping.</param>
    /// <param name="files">The parts; closed with the memory, or if it cannot be made.</param>
    /// <exception cref="ArgumentException">A region is empty, unaligned, wraps around or overlaps another.</exception>
    /// <exception cref="InsufficientMemoryException">The host has no room for them.</exception>
    /// <exception cref="IOException">A file cannot be mapped.</exception>
    public GuestRam((ulong Base, ulong SizeBytes)[] regions, IReadOnlyList<GuestRamFile> files)
        : this(HostMapping.Create, regions, files)
    {
    }

    internal GuestRam(Func<ulong, HostMapping> map, (ulong Base, ulong SizeBytes)[] regions, IReadOnlyList<GuestRamFile>? files = null)
    {
        ArgumentNullException.ThrowIfNull(regions);
        files ??= [];
        var mapped = new List<GuestRamRegion>();
        try
        {
            Validate(regions);
            Validate([.. regions.Concat(files.Select(file => (file.Base, file.SizeBytes))).Order()]);
            foreach (var (start, size) in regions)
            {
                mapped.Add(new GuestRamRegion(start, size, map));
            }

            foreach (var file in files)
            {
                mapped.Add(new GuestRamRegion(file.Base, file.SizeBytes, _ => new FileMapping(file), file.IsReadOnly));
            }
        }
        catch
        {
            mapped.ForEach(region => region.Dispose());
            foreach (var file in files)
            {
                file.File.Dispose();
            }

            throw;
        }

        _regions = _mapped = [.. mapped];
    }

    /// <summary>The regions: those of zeroes by address, then files that are mapped.</summary>
    public IReadOnlyList<GuestRamRegion> Regions => _mapped;

    /// <summary>True between <see cref="StartDirtyTracking"/> and <see cref="StopDirtyTracking"/>.</summary>
    public bool IsTrackingDirtyPages { get; private set; }

    /// <summary>
    /// Called, on the thread that wrote, after a device wrote a page whose <see cref="PageWatch.HasCode"/> flag
    /// was set; the flag is cleared first. The argument is the page's guest-physical address.
    /// </summary>
    public Action<ulong>? CodePageWritten { get; set; }

    /// <summary>
    /// Called, on the thread that asked, after pages became watched that an engine may be writing directly (dirty
    /// tracking started, or dirty pages were taken). An engine answers by dropping what it remembers about
    /// directly writable pages before its harts store again; stores in between may be missed, so whoever needs an
    /// exact set of dirty pages stops the harts first.
    /// </summary>
    public Action? WriteProtectionRaised { get; set; }

    /// <inheritdoc/>
    public override bool Contains(ulong address, ulong lengthBytes)
    {
        while (lengthBytes != 0)
        {
            var region = Find(address, 1);
            if (region is null)
            {
                return false;
            }

            // Regions may touch: go on where this one ends.
            var here = Math.Min(lengthBytes, region.SizeBytes - (address - region.Base));
            lengthBytes -= here;
            address = unchecked(address + here);
        }

        return true;
    }

    /// <inheritdoc/>
    public override bool TryRead(ulong address, Span<byte> destination)
    {
        var region = Find(address, (ulong)destination.Length);
        if (region is null)
        {
            return ReadAcrossRegions(address, destination);
        }

        // SAFETY: Find checked that the whole range lies inside the region, which stays mapped until disposed.
        new ReadOnlySpan<byte>(region.Host + (address - region.Base), destination.Length).CopyTo(destination);
        return true;
    }

    /// <inheritdoc/>
    public override bool TryWrite(ulong address, ReadOnlySpan<byte> source)
    {
        var region = source.IsEmpty ? null : Find(address, (ulong)source.Length);
        if (region is null)
        {
            return WriteAcrossRegions(address, source);
        }

        if (region.IsReadOnly)
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

        // SAFETY: two bytes inside the region, aligned as the mapping is. Acquires what the driver released with
        // its index: entries are read after this.
        var raw = Volatile.Read(ref *(ushort*)(region.Host + (address - region.Base)));
        value = BitConverter.IsLittleEndian ? raw : BinaryPrimitives.ReverseEndianness(raw);
        return true;
    }

    /// <inheritdoc/>
    public override bool TryWriteUInt16Release(ulong address, ushort value)
    {
        var region = (address & 1) == 0 ? Find(address, 2) : null;
        if (region is null or { IsReadOnly: true })
        {
            return false;
        }

        // SAFETY: two bytes inside the region, aligned as the mapping is. Releases entries that were written
        // before to the driver, which acquires with its read of the index.
        Volatile.Write(
            ref *(ushort*)(region.Host + (address - region.Base)),
            BitConverter.IsLittleEndian ? value : BinaryPrimitives.ReverseEndianness(value));
        NotifyWritten(region, address, 2);
        return true;
    }

    /// <inheritdoc/>
    public override bool TryLease(ulong address, uint lengthBytes, GuestMemoryAccess access, out GuestLease lease)
    {
        // Nearly always one region holds it all; else the first one of several that touch lends its part.
        var region = lengthBytes == 0 ? null
            : Find(address, lengthBytes) ?? (Contains(address, lengthBytes) ? Find(address, 1) : null);
        if (region is null || (region.IsReadOnly && access == GuestMemoryAccess.Write) || !region.TryAddLease())
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
        // Also after disposal: the lease kept its region mapped.
        var region = Find(_mapped, lease.Address, 1)!;
        if (writtenBytes > 0)
        {
            NotifyWritten(region, lease.Address, (ulong)Math.Min(writtenBytes, lease.Memory.Length));
        }

        region.ReturnLease();
    }

    /// <summary>
    /// From now on every page counts as clean until it is written, by a device or by an engine. Starting again
    /// marks every page clean.
    /// </summary>
    public void StartDirtyTracking()
    {
        foreach (var region in _mapped)
        {
            for (var page = 0UL; page < region.PageCount; page++)
            {
                region.SetFlags(page, PageWatch.IsClean);
            }
        }

        IsTrackingDirtyPages = true;
        WriteProtectionRaised?.Invoke();
    }

    /// <summary>No page counts as clean any more, so writes cost nothing extra.</summary>
    public void StopDirtyTracking()
    {
        IsTrackingDirtyPages = false;
        foreach (var region in _mapped)
        {
            for (var page = 0UL; page < region.PageCount; page++)
            {
                region.ClearFlags(page, PageWatch.IsClean);
            }
        }
    }

    /// <summary>
    /// Reports which pages of a region were written since tracking started, or since the last call, and marks
    /// them clean again. A page written while this runs is reported now or by the next call, never lost.
    /// </summary>
    /// <param name="region">One of <see cref="Regions"/>.</param>
    /// <param name="bitmap">Bit n of the bitmap, from bit 0 of its first word on, is page n of the region.</param>
    /// <returns>Number of bits set.</returns>
    /// <exception cref="InvalidOperationException">Tracking is off.</exception>
    /// <exception cref="ArgumentException">The bitmap is shorter than the region, or the region is not of this RAM.</exception>
    public ulong TakeDirtyPages(GuestRamRegion region, Span<ulong> bitmap)
    {
        ArgumentNullException.ThrowIfNull(region);
        if (!IsTrackingDirtyPages)
        {
            throw new InvalidOperationException("dirty pages are not being tracked");
        }

        if ((ulong)bitmap.Length * 64 < region.PageCount || Array.IndexOf(_mapped, region) < 0)
        {
            throw new ArgumentException($"a bitmap of {region.PageCount} bits for a region of this RAM is needed");
        }

        bitmap.Clear();
        var dirty = 0UL;
        for (var page = 0UL; page < region.PageCount; page++)
        {
            if (!region.GetFlags(page).HasFlag(PageWatch.IsClean))
            {
                // Marked before the caller looks at the bytes: a later write clears the mark again.
                region.SetFlags(page, PageWatch.IsClean);
                bitmap[(int)(page / 64)] |= 1UL << (int)(page % 64);
                dirty++;
            }
        }

        if (dirty != 0)
        {
            WriteProtectionRaised?.Invoke();
        }

        return dirty;
    }

    /// <summary>Unmaps the memory; what is on lease stays mapped until it is returned.</summary>
    public void Dispose()
    {
        Volatile.Write(ref _regions, []);
        foreach (var region in _mapped)
        {
            region.Dispose();
        }
    }

    /// <summary>The region that holds a whole range; null if none does.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal GuestRamRegion? Find(ulong address, ulong lengthBytes) => Find(_regions, address, lengthBytes);

    /// <summary>Looks after page flags once a range was written; cheap when no flag is set.</summary>
    internal void NotifyWritten(GuestRamRegion region, ulong address, ulong lengthBytes)
    {
        // Partner of the fence in SetFlags: whoever marks a page and then reads it either sees the bytes written
        // before this, or this sees the mark.
        Interlocked.MemoryBarrier();
        var first = (address - region.Base) / GuestRamRegion.PageBytes;
        var last = (address - region.Base + (lengthBytes - 1)) / GuestRamRegion.PageBytes;
        if (!region.HasFlags(first, last))
        {
            return;
        }

        for (var page = first; page <= last; page++)
        {
            if (region.TakeFlags(page).HasFlag(PageWatch.HasCode))
            {
                CodePageWritten?.Invoke(region.Base + (page * GuestRamRegion.PageBytes));
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static GuestRamRegion? Find(GuestRamRegion[] regions, ulong address, ulong lengthBytes)
    {
        foreach (var region in regions)
        {
            var offset = unchecked(address - region.Base);
            if (offset < region.SizeBytes && lengthBytes <= region.SizeBytes - offset)
            {
                return region;
            }
        }

        return null;
    }

    private static void Validate((ulong Base, ulong SizeBytes)[] regions)
    {
        var end = 0UL;
        foreach (var (start, size) in regions)
        {
            if (size == 0 || (start | size) % GuestRamRegion.PageBytes != 0 || start < end || size > ulong.MaxValue - start)
            {
                throw new ArgumentException($"RAM region 0x{start:x} of size 0x{size:x} is empty, unaligned or overlaps", nameof(regions));
            }

            end = start + size;
        }
    }

    // Of a range that is RAM: nothing is written of one that cannot be written wholly.
    private bool HasReadOnly(ulong address, ulong lengthBytes)
    {
        while (lengthBytes != 0 && Find(address, 1) is { } region)
        {
            if (region.IsReadOnly)
            {
                return true;
            }

            var here = Math.Min(lengthBytes, region.SizeBytes - (address - region.Base));
            lengthBytes -= here;
            address = unchecked(address + here);
        }

        return false;
    }

    private bool ReadAcrossRegions(ulong address, Span<byte> destination)
    {
        if (!Contains(address, (ulong)destination.Length))
        {
            return false;
        }

        while (!destination.IsEmpty && Find(address, 1) is { } region)
        {
            var here = (int)Math.Min((ulong)destination.Length, region.SizeBytes - (address - region.Base));
            _ = TryRead(address, destination[..here]);
            destination = destination[here..];
            address = unchecked(address + (ulong)here);
        }

        return true;
    }

    private bool WriteAcrossRegions(ulong address, ReadOnlySpan<byte> source)
    {
        if (!Contains(address, (ulong)source.Length) || HasReadOnly(address, (ulong)source.Length))
        {
            return false;
        }

        while (!source.IsEmpty && Find(address, 1) is { } region)
        {
            var here = (int)Math.Min((ulong)source.Length, region.SizeBytes - (address - region.Base));
            _ = TryWrite(address, source[..here]);
            source = source[here..];
            address = unchecked(address + (ulong)here);
        }

        return true;
    }
}
