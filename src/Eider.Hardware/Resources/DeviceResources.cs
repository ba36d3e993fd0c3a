using System.Collections;

namespace Eider.Hardware.Resources;

/// <summary>An ordered list of what was assigned to one device; appending keeps the order.</summary>
/// <remarks>Two lists are equal if they hold equal entries in the same order. Appending is for one thread.</remarks>
public sealed class DeviceResources : IReadOnlyList<Resource>, IEquatable<DeviceResources>
{
    private readonly List<Resource> _list;

    /// <summary>An empty list, or one with the given entries in their order.</summary>
    public DeviceResources(params IEnumerable<Resource> resources) => _list = [.. resources];

    /// <summary>Nothing assigned.</summary>
    public static DeviceResources Empty => new();

    /// <inheritdoc/>
    public int Count => _list.Count;

    /// <summary>All port ranges, in order.</summary>
    public IReadOnlyList<Resource.PioAddressRange> PioAddressRanges => [.. _list.OfType<Resource.PioAddressRange>()];

    /// <summary>All memory-mapped ranges, in order; the first one is a virtio-mmio device's register window.</summary>
    public IReadOnlyList<Resource.MmioAddressRange> MmioAddressRanges => [.. _list.OfType<Resource.MmioAddressRange>()];

    /// <summary>All ranges of untrapped device memory, in order.</summary>
    public IReadOnlyList<Resource.MemAddressRange> MemAddressRanges => [.. _list.OfType<Resource.MemAddressRange>()];

    /// <summary>All memory slots, in order.</summary>
    public IReadOnlyList<uint> MemorySlots => [.. _list.OfType<Resource.MemorySlot>().Select(entry => entry.Slot)];

    /// <summary>The first wire; null if there is none.</summary>
    public uint? LegacyIrq => _list.OfType<Resource.LegacyIrq>().FirstOrDefault()?.Irq;

    /// <summary>The first MAC address; null if there is none.</summary>
    public string? MacAddress => _list.OfType<Resource.MacAddress>().FirstOrDefault()?.Value;

    /// <summary>The part that a device can trap: port and memory-mapped ranges, in order.</summary>
    public DeviceResources TrappedIo =>
        new(_list.Where(entry => entry is Resource.PioAddressRange or Resource.MmioAddressRange));

    /// <inheritdoc/>
    public Resource this[int index] => _list[index];

    /// <summary>The first block of message-signalled interrupts of a type; null if there is none.</summary>
    public Resource.MsiIrq? FirstMsi(MsiIrqType type) => _list.OfType<Resource.MsiIrq>().FirstOrDefault(entry => entry.Type == type);

    /// <summary>Adds one at the end.</summary>
    public void Append(Resource resource) => _list.Add(resource);

    /// <inheritdoc/>
    public IEnumerator<Resource> GetEnumerator() => _list.GetEnumerator();

    /// <inheritdoc/>
    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <inheritdoc/>
    public bool Equals(DeviceResources? other) => other is not null && _list.SequenceEqual(other._list);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as DeviceResources);

    /// <summary>From the entries, so it changes when one is appended.</summary>
    public override int GetHashCode() => _list.Aggregate(0, HashCode.Combine);
}
