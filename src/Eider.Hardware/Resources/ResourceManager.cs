using System.Diagnostics.CodeAnalysis;
using System.Numerics;

namespace Eider.Hardware.Resources;

/// <summary>
/// Grants devices what they ask for, from a machine's pools. A list is granted whole or not at all, and taken back
/// whole or not at all. Callable from any thread.
/// </summary>
public sealed class ResourceManager
{
    private readonly Lock _gate = new();
    private readonly ResourcePools _pools;
    private readonly IntervalAllocator _ports = new();
    private readonly IntervalAllocator _mmio = new();
    private readonly IntervalAllocator _memory = new();
    private readonly IntervalAllocator _legacyIrqs = new();
    private readonly IntervalAllocator _msi = new();
    private readonly IntervalAllocator _slots = new();

    /// <summary>Everything in the pools is free.</summary>
    /// <exception cref="ArgumentException">Ranges of a pool overlap, or one is none.</exception>
    public ResourceManager(ResourcePools pools)
    {
        ArgumentNullException.ThrowIfNull(pools);
        _pools = pools;
        foreach (var range in pools.Ports)
        {
            _ports.Add(range.First.Value, range.Last.Value);
        }

        foreach (var range in pools.Mmio)
        {
            _mmio.Add(range.First.Value, range.Last.Value);
        }

        foreach (var range in pools.Memory)
        {
            _memory.Add(range.First.Value, range.Last.Value);
        }

        AddAll(_legacyIrqs, pools.LegacyIrqs);
        AddAll(_msi, pools.Msi);
        AddAll(_slots, pools.MemorySlots == 0 ? null : (0, pools.MemorySlots - 1));
    }

    /// <summary>Grants a list, in its order: one resource for each constraint, but one for each memory slot.</summary>
    /// <param name="constraints">What the device asks for.</param>
    /// <param name="shareIrq">True to grant the shared wire to everybody who asks for one, whichever it is.</param>
    /// <exception cref="ResourceUnavailableException">A constraint cannot be met; nothing is taken.</exception>
    public DeviceResources Allocate(IReadOnlyList<ResourceConstraint> constraints, bool shareIrq = false)
    {
        if (TryAllocate(constraints, out var granted, out var refusal, shareIrq))
        {
            return granted;
        }

        var holder = refusal.Holder is null ? "" : $", {refusal.Holder} is granted already";
        throw new ResourceUnavailableException($"nothing is left for {refusal.Constraint}{holder}");
    }

    /// <summary>Grants a list as <see cref="Allocate"/> does, or says why not.</summary>
    /// <param name="constraints">What the device asks for.</param>
    /// <param name="granted">What it got.</param>
    /// <param name="refusal">What cannot be met, and what stands in its way; nothing is taken then.</param>
    /// <param name="shareIrq">True to grant the shared wire to everybody who asks for one, whichever it is.</param>
    public bool TryAllocate(
        IReadOnlyList<ResourceConstraint> constraints,
        [NotNullWhen(true)] out DeviceResources? granted,
        [NotNullWhen(false)] out ResourceRefusal? refusal,
        bool shareIrq = false)
    {
        ArgumentNullException.ThrowIfNull(constraints);
        var list = new DeviceResources();
        granted = null;
        refusal = null;
        lock (_gate)
        {
            foreach (var constraint in constraints)
            {
                if (!TryAllocate(constraint, shareIrq, list))
                {
                    refusal = new ResourceRefusal(constraint, FindHolder(constraint));
                    ReleaseAll(list);
                    return false;
                }
            }
        }

        granted = list;
        return true;
    }

    /// <summary>Takes a list back.</summary>
    /// <exception cref="InvalidOperationException">
    /// An entry is not granted: freed twice, in part, or never taken. Nothing of the list is freed.
    /// </exception>
    public void Release(DeviceResources resources)
    {
        ArgumentNullException.ThrowIfNull(resources);
        lock (_gate)
        {
            var seen = new HashSet<Resource>();
            foreach (var resource in resources)
            {
                if (Locate(resource) is var (pool, first, size)
                    && (!pool.IsAllocated(first, size) || !seen.Add(resource)))
                {
                    throw new InvalidOperationException($"{resource} is not granted: freed twice, in part, or never taken");
                }
            }

            ReleaseAll(resources);
        }
    }

    private static void AddAll(IntervalAllocator pool, (uint First, uint Last)? range)
    {
        if (range is var (first, last))
        {
            pool.Add(first, last);
        }
    }

    private bool TryAllocate(ResourceConstraint constraint, bool shareIrq, DeviceResources granted)
    {
        switch (constraint)
        {
            case ResourceConstraint.PioAddress pio:
                return TryAllocatePorts(pio, granted);
            case ResourceConstraint.MmioAddress mmio:
                return TryAllocateBlock(_mmio, mmio.Size, mmio.Align, mmio.Range ?? _pools.DefaultMmio, out var registers)
                    && Grant(granted, new Resource.MmioAddressRange(registers, mmio.Size));
            case ResourceConstraint.MemAddress memory:
                return TryAllocateBlock(_memory, memory.Size, memory.Align, memory.Range, out var bytes)
                    && Grant(granted, new Resource.MemAddressRange(bytes, memory.Size));
            case ResourceConstraint.LegacyIrq irq:
                return TryAllocateIrq(irq, shareIrq, granted);
            case ResourceConstraint.PciMsiIrq msi:
                return msi.Size <= 1U << 31 && TryAllocateMsi(MsiIrqType.PciMsi, msi.Size, BitOperations.RoundUpToPowerOf2(msi.Size), granted);
            case ResourceConstraint.PciMsixIrq msix:
                return TryAllocateMsi(MsiIrqType.PciMsix, msix.Size, 1, granted);
            case ResourceConstraint.GenericIrq generic:
                return TryAllocateMsi(MsiIrqType.GenericMsi, generic.Size, 1, granted);
            case ResourceConstraint.MemorySlot slot:
                return TryAllocateSlots(slot, granted);
            default:
                return false;
        }
    }

    private bool TryAllocatePorts(ResourceConstraint.PioAddress wanted, DeviceResources granted)
    {
        var range = wanted.Range ?? _pools.DefaultPorts ?? new PortRange(0, ushort.MaxValue);
        return _ports.TryAllocate(wanted.Size, wanted.Align, range.First.Value, range.Last.Value, out var first)
            && Grant(granted, new Resource.PioAddressRange((ushort)first, wanted.Size));
    }

    private bool TryAllocateIrq(ResourceConstraint.LegacyIrq wanted, bool share, DeviceResources granted)
    {
        if (share && _pools.SharedIrq is { } shared)
        {
            return Grant(granted, new Resource.LegacyIrq(shared));
        }

        var (low, high) = wanted.Irq is { } irq ? (irq, irq) : _pools.DefaultLegacyIrqs ?? (0, uint.MaxValue);
        return _legacyIrqs.TryAllocate(1, 1, low, high, out var first) && Grant(granted, new Resource.LegacyIrq((uint)first));
    }

    private bool TryAllocateMsi(MsiIrqType type, uint size, uint align, DeviceResources granted) =>
        _msi.TryAllocate(size, align, 0, uint.MaxValue, out var first)
        && Grant(granted, new Resource.MsiIrq(type, (uint)first, size));

    private bool TryAllocateSlots(ResourceConstraint.MemorySlot wanted, DeviceResources granted)
    {
        var low = wanted.Slot ?? 0UL;
        var high = wanted.Slot is null ? uint.MaxValue : low + Math.Max(wanted.Size, (ushort)1) - 1;
        if (!_slots.TryAllocate(wanted.Size, 1, low, high, out var first))
        {
            return false;
        }

        // Slots are given back one by one, so each becomes a block of its own.
        _slots.Release(first, wanted.Size);
        for (var slot = first; slot < first + wanted.Size; slot++)
        {
            _ = _slots.TryAllocate(1, 1, slot, slot, out _);
            Grant(granted, new Resource.MemorySlot((uint)slot));
        }

        return true;
    }

    private static bool TryAllocateBlock(IntervalAllocator pool, ulong size, ulong align, AddressRange? range, out ulong first) =>
        pool.TryAllocate(size, align, range?.First.Value ?? 0, range?.Last.Value ?? ulong.MaxValue, out first);

    private static bool Grant(DeviceResources granted, Resource resource)
    {
        granted.Append(resource);
        return true;
    }

    private Resource? FindHolder(ResourceConstraint constraint) => constraint switch
    {
        ResourceConstraint.PioAddress { Range: { } ports } => _ports.FindAllocated(ports.First.Value, ports.Last.Value) is var (first, last)
            ? new Resource.PioAddressRange((ushort)first, (ushort)(last - first + 1))
            : null,
        ResourceConstraint.MmioAddress { Range: { } range } => FindHolder(range),
        ResourceConstraint.MemAddress { Range: { } range } => FindHolder(range),
        ResourceConstraint.LegacyIrq { Irq: { } irq } => _legacyIrqs.FindAllocated(irq, irq) is null ? null : new Resource.LegacyIrq(irq),
        ResourceConstraint.MemorySlot { Slot: { } slot } wanted => _slots.FindAllocated(slot, slot + Math.Max(wanted.Size, 1UL) - 1) is var (first, _)
            ? new Resource.MemorySlot((uint)first)
            : null,
        _ => null,
    };

    private Resource? FindHolder(AddressRange range)
    {
        if (_mmio.FindAllocated(range.First.Value, range.Last.Value) is var (first, last))
        {
            return new Resource.MmioAddressRange(first, last - first + 1);
        }

        return _memory.FindAllocated(range.First.Value, range.Last.Value) is var (start, end)
            ? new Resource.MemAddressRange(start, end - start + 1)
            : null;
    }

    // Null for what no pool holds: a MAC address, and the wire that is shared.
    private (IntervalAllocator Pool, ulong First, ulong Size)? Locate(Resource resource) => resource switch
    {
        Resource.PioAddressRange pio => (_ports, pio.Base.Value, pio.Size),
        Resource.MmioAddressRange mmio => (_mmio, mmio.Base.Value, mmio.Size),
        Resource.MemAddressRange memory => (_memory, memory.Base, memory.Size),
        Resource.LegacyIrq irq when irq.Irq != _pools.SharedIrq => (_legacyIrqs, irq.Irq, 1),
        Resource.MsiIrq msi => (_msi, msi.Base, msi.Size),
        Resource.MemorySlot slot => (_slots, slot.Slot, 1),
        _ => null,
    };

    private void ReleaseAll(DeviceResources resources)
    {
        foreach (var resource in resources)
        {
            if (Locate(resource) is var (pool, first, size))
            {
                pool.Release(first, size);
            }
        }
    }
}
