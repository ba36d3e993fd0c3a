namespace Eider.Devices.Virtio.Transport;

/// <summary>What can be switched on the transport of one virtio device.</summary>
public sealed record VirtioTransportOptions
{
    /// <summary>
    /// The offered bits of transport and rings; bits of the device type are added by the device. At most
    /// <see cref="VirtioFeatures.Supported"/> (<see cref="VirtioFeatures.SupportedOverPci"/>), with VERSION_1.
    /// </summary>
    public ulong Offered { get; init; } = VirtioFeatures.DefaultOffered;

    /// <summary>Bits of the device type that are not offered although the device could.</summary>
    public ulong Withheld { get; init; }

    /// <summary>FEATURES_OK is refused to a driver that did not accept all of these; VERSION_1 always is among them.</summary>
    public ulong Required { get; init; }

    /// <summary>The VendorID register of virtio-mmio; over PCI the vendor is fixed.</summary>
    public uint VendorId { get; init; } = 0xFFFF;

    /// <summary>
    /// Where the device's memory accesses go once ACCESS_PLATFORM is negotiated; must be given when that bit is
    /// offered.
    /// </summary>
    public IDmaTranslation? DmaTranslation { get; init; }

    /// <summary>Checks the options against a device.</summary>
    /// <param name="device">The device.</param>
    /// <param name="supported">The bits that the transport has.</param>
    /// <exception cref="ArgumentException">They contradict each other or what is implemented.</exception>
    public void Validate(VirtioDevice device, ulong supported = VirtioFeatures.Supported)
    {
        ArgumentNullException.ThrowIfNull(device);
        Refuse((Offered & ~supported) != 0, $"offered bits 0x{Offered & ~supported:x} are not supported");
        Refuse(!Offered.Has(VirtioFeature.Version1), "VIRTIO_F_VERSION_1 must be offered");
        Refuse(
            Offered.Has(VirtioFeature.AccessPlatform) && DmaTranslation is null,
            "VIRTIO_F_ACCESS_PLATFORM is offered without a translation");
        Refuse((device.Features & VirtioFeatures.Reserved) != 0, "the device offers bits that belong to the transport");
        var missing = Required & ~(Offered | (device.Features & ~Withheld));
        Refuse(missing != 0, $"required bits 0x{missing:x} are not offered");
        var sizes = device.QueueSizes;
        Refuse(sizes.Count > VirtioLimits.MaxQueues, $"{sizes.Count} queues, at most {VirtioLimits.MaxQueues}");
        Refuse(sizes.Any(size => size > VirtioLimits.MaxQueueSize), $"a queue is larger than {VirtioLimits.MaxQueueSize}");
        Refuse(
            !Offered.Has(VirtioFeature.RingPacked) && sizes.Any(size => (size & (size - 1)) != 0),
            "a split queue's size is a power of two");
        var regions = device.SharedMemory;
        Refuse(
            regions.Select(region => region.Id).Distinct().Count() != regions.Count, "two shared memory regions have one id");
        Refuse(
            device.ConfigSizeBytes is < 0 or > VirtioLimits.MaxConfigBytes,
            $"configuration space of {device.ConfigSizeBytes} bytes, at most {VirtioLimits.MaxConfigBytes}");

        void Refuse(bool wrong, string what)
        {
            if (wrong)
            {
                throw new ArgumentException($"virtio {device.DeviceId}: {what}");
            }
        }
    }
}
