using System.Runtime.CompilerServices;

namespace Eider.Hardware.Bus;

/// <summary>The ranges of one address space, sorted, none over another.</summary>
internal sealed class BusSpaceMap(BusRange[] sorted, ulong lastAddress)
{
    private readonly BusRange[] _ranges = sorted;
    private readonly ulong[] _bases = BasesOf(sorted);

    public IReadOnlyList<BusRange> Ranges => _ranges;

    /// <summary>The range that holds an address; null if none does.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public BusRange? Find(ulong address)
    {
        var bases = _bases;
        if (bases.Length == 0)
        {
            return null;
        }

        // The last base at or below the address. Without a branch on the comparison: where guests go next
        // cannot be foreseen, and each wrong guess costs more than the whole search.
        var low = 0;
        for (var length = bases.Length; length > 1;)
        {
            var half = length >>> 1;
            var isBelow = bases[low + half] <= address;
            low += half & -Unsafe.As<bool, byte>(ref isBelow);
            length -= half;
        }

        var range = _ranges[low];
        return unchecked(address - range.Base) < range.Size ? range : null;
    }

    /// <summary>True if any of the addresses is claimed.</summary>
    public bool Intersects(ulong first, ulong last)
    {
        foreach (var range in _ranges)
        {
            if (range.Base <= last && first <= range.Last)
            {
                return true;
            }
        }

        return false;
    }

    public BusSpaceMap With(BusRange added)
    {
        if (added.Size == 0 || added.Base > lastAddress || added.Size - 1 > lastAddress - added.Base)
        {
            throw new BusOverlapException($"range at 0x{added.Base:x} of size 0x{added.Size:x} is empty or wraps around");
        }

        if (Array.Find(_ranges, range => range.Base <= added.Last && added.Base <= range.Last) is { } other)
        {
            throw new BusOverlapException(
                $"range 0x{added.Base:x} of size 0x{added.Size:x} overlaps 0x{other.Base:x} of size 0x{other.Size:x}");
        }

        var at = _ranges.Length;
        while (at > 0 && _ranges[at - 1].Base > added.Base)
        {
            at--;
        }

        return new BusSpaceMap([.. _ranges[..at], added, .. _ranges[at..]], lastAddress);
    }

    public BusSpaceMap Without(ulong @base, ulong size, IDeviceIo device)
    {
        var found = Array.Find(_ranges, range => range.Base == @base && range.Size == size)
            ?? throw new BusOwnershipException($"range 0x{@base:x} of size 0x{size:x} is not registered");
        return ReferenceEquals(found.Device, device)
            ? new BusSpaceMap([.. _ranges.Where(range => range != found)], lastAddress)
            : throw new BusOwnershipException($"range 0x{@base:x} of size 0x{size:x} belongs to another device");
    }

    private static ulong[] BasesOf(BusRange[] ranges)
    {
        var bases = new ulong[ranges.Length];
        for (var i = 0; i < bases.Length; i++)
        {
            bases[i] = ranges[i].Base;
        }

        return bases;
    }

    public BusSpaceMap Copy() =>
        new([.. _ranges.Select(range => new BusRange(range.Base, range.Size, range.Device))], lastAddress);

    public bool IsSameAs(BusSpaceMap other) =>
        _ranges.Length == other._ranges.Length
        && _ranges.Zip(other._ranges).All(pair => pair.First.Base == pair.Second.Base
            && pair.First.Size == pair.Second.Size
            && pair.First.Device.TrappedIoResources.Equals(pair.Second.Device.TrappedIoResources));
}
