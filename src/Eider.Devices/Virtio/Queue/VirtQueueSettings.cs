using Eider.Hardware.Memory;

namespace Eider.Devices.Virtio.Queue;

/// <summary>Where a driver put a queue, and what was negotiated about it.</summary>
public sealed record VirtQueueSettings
{
    /// <summary>Its index.</summary>
    public int Index { get; init; }

    /// <summary>Its size in descriptors: 1 to 32768, for a split queue a power of two.</summary>
    public required int Size { get; init; }

    /// <summary>Descriptor table (split) or descriptor ring (packed); 16-byte aligned.</summary>
    public required ulong DescriptorAddress { get; init; }

    /// <summary>Available ring (2-byte aligned) or driver event suppression (4-byte aligned).</summary>
    public required ulong DriverAddress { get; init; }

    /// <summary>Used ring (4-byte aligned) or device event suppression (4-byte aligned).</summary>
    public required ulong DeviceAddress { get; init; }

    /// <summary>The negotiated features; RING_PACKED, INDIRECT_DESC, EVENT_IDX and IN_ORDER are looked at.</summary>
    public ulong Features { get; init; }

    /// <summary>Bytes of each of the three parts: descriptors, driver area, device area (2.7 and 2.8.10).</summary>
    public (ulong Descriptor, ulong Driver, ulong Device) PartSizes => Features.Has(VirtioFeature.RingPacked)
        ? (16UL * (ulong)Size, 4, 4)
        : (16UL * (ulong)Size, 6 + (2UL * (ulong)Size), 6 + (8UL * (ulong)Size));

    /// <summary>Checks size, alignment, and that every part is RAM.</summary>
    public bool IsUsable(GuestMemory memory)
    {
        ArgumentNullException.ThrowIfNull(memory);
        var packed = Features.Has(VirtioFeature.RingPacked);
        if (Size < 1 || Size > VirtioLimits.MaxQueueSize || (!packed && (Size & (Size - 1)) != 0))
        {
            return false;
        }

        var (descriptorBytes, driverBytes, deviceBytes) = PartSizes;
        return (DescriptorAddress & 15) == 0 && (DriverAddress & (packed ? 3u : 1u)) == 0 && (DeviceAddress & 3) == 0
            && memory.Contains(DescriptorAddress, descriptorBytes)
            && memory.Contains(DriverAddress, driverBytes)
            && memory.Contains(DeviceAddress, deviceBytes);
    }
}
