using System.Globalization;

namespace Eider.Devices.Virtio;

/// <summary>Masks of feature bits, and their names.</summary>
public static class VirtioFeatures
{
    /// <summary>What seed drivers of hype must accept: VERSION_1, RING_PACKED, INDIRECT_DESC, EVENT_IDX.</summary>
    public const ulong HypeRequired = (1UL << (int)VirtioFeature.Version1) | (1UL << (int)VirtioFeature.RingPacked)
        | (1UL << (int)VirtioFeature.IndirectDesc) | (1UL << (int)VirtioFeature.EventIdx);

    /// <summary>What is offered unless switched: VERSION_1, INDIRECT_DESC, EVENT_IDX, RING_PACKED, RING_RESET.</summary>
    public const ulong DefaultOffered = HypeRequired | (1UL << (int)VirtioFeature.RingReset);

    /// <summary>Every bit of section 6 that a virtio-mmio device of this project may offer.</summary>
    public const ulong Supported = DefaultOffered | (1UL << (int)VirtioFeature.AccessPlatform)
        | (1UL << (int)VirtioFeature.InOrder) | (1UL << (int)VirtioFeature.OrderPlatform)
        | (1UL << (int)VirtioFeature.NotificationData);

    /// <summary>The same for a virtio-pci device.</summary>
    public const ulong SupportedOverPci = Supported | (1UL << (int)VirtioFeature.NotifConfigData);

    /// <summary>The bits that belong to the transport and the rings (24 to 41, section 2.2), not to a device type.</summary>
    public const ulong Reserved = ((1UL << 42) - 1) & ~((1UL << 24) - 1);

    /// <summary>The mask of one bit.</summary>
    public static ulong Mask(this VirtioFeature feature) => 1UL << (int)feature;

    /// <summary>True if the bit is in the set.</summary>
    public static bool Has(this ulong features, VirtioFeature feature) => (features >> (int)feature & 1) != 0;

    /// <summary>The specification's name of a bit, such as <c>VIRTIO_F_EVENT_IDX</c>.</summary>
    public static string NameOf(VirtioFeature feature) => feature switch
    {
        VirtioFeature.IndirectDesc => "VIRTIO_F_INDIRECT_DESC",
        VirtioFeature.EventIdx => "VIRTIO_F_EVENT_IDX",
        VirtioFeature.Version1 => "VIRTIO_F_VERSION_1",
        VirtioFeature.AccessPlatform => "VIRTIO_F_ACCESS_PLATFORM",
        VirtioFeature.RingPacked => "VIRTIO_F_RING_PACKED",
        VirtioFeature.InOrder => "VIRTIO_F_IN_ORDER",
        VirtioFeature.OrderPlatform => "VIRTIO_F_ORDER_PLATFORM",
        VirtioFeature.SrIov => "VIRTIO_F_SR_IOV",
        VirtioFeature.NotificationData => "VIRTIO_F_NOTIFICATION_DATA",
        VirtioFeature.NotifConfigData => "VIRTIO_F_NOTIF_CONFIG_DATA",
        VirtioFeature.RingReset => "VIRTIO_F_RING_RESET",
        _ => string.Create(CultureInfo.InvariantCulture, $"bit {(int)feature}"),
    };

    /// <summary>
    /// Finds a bit by name, as users write it: <c>event_idx</c>, <c>ring-packed</c> or the full
    /// <c>VIRTIO_F_EVENT_IDX</c>, in any case.
    /// </summary>
    public static bool TryParse(string name, out VirtioFeature feature)
    {
        ArgumentNullException.ThrowIfNull(name);
        var wanted = name.Replace('-', '_');
        foreach (var candidate in Enum.GetValues<VirtioFeature>())
        {
            var full = NameOf(candidate);
            if (string.Equals(wanted, full, StringComparison.OrdinalIgnoreCase)
                || string.Equals(wanted, full["VIRTIO_F_".Length..], StringComparison.OrdinalIgnoreCase))
            {
                feature = candidate;
                return true;
            }
        }

        feature = default;
        return false;
    }
}
