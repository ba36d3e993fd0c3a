using System.Numerics;
using Eider.Devices.Pci;

namespace Eider.Devices.Virtio.Transport;

/// <summary>
/// Where the structures of a virtio-pci device are: one memory region for registers, notifications and the tables of MSI-X, and
/// one for shared memory if the device has any.
/// </summary>
internal static class VirtioPciLayout
{
    /// <summary>The region of the registers.</summary>
    public const int RegisterBar = 0;

    /// <summary>The region of shared memory.</summary>
    public const int SharedMemoryBar = 2;

    /// <summary>Common configuration.</summary>
    public const uint CommonOffset = 0;

    /// <summary>Its length.</summary>
    public const uint CommonBytes = 0x40;

    /// <summary>ISR status.</summary>
    public const uint IsrOffset = 0x1000;

    /// <summary>Its length.</summary>
    public const uint IsrBytes = 1;

    /// <summary>Device-specific configuration.</summary>
    public const uint ConfigOffset = 0x2000;

    /// <summary>Notifications: one address for each queue.</summary>
    public const uint NotifyOffset = 0x3000;

    /// <summary>Distance of the addresses of two queues.</summary>
    public const uint NotifyMultiplier = 4;

    /// <summary>The table of MSI-X.</summary>
    public const uint MsixTableOffset = 0x4000;

    /// <summary>Its pending bits.</summary>
    public const uint MsixPendingOffset = 0xE000;

    /// <summary>Size of the region of the registers.</summary>
    public const uint RegisterBytes = 0x1_0000;

    /// <summary>One vector for each queue and one for configuration changes, as many as the table has room for.</summary>
    public static uint VectorsFor(int queues) => Math.Min((uint)queues + 1, 0x800);

    /// <summary>The regions of a device with that much shared memory.</summary>
    public static IReadOnlyList<PciRegion> Regions(ulong sharedBytes)
    {
        var registers = PciRegion.Memory32(RegisterBar, RegisterBytes);
        return sharedBytes == 0
            ? [registers]
            : [registers, PciRegion.Memory64(SharedMemoryBar, Math.Max(BitOperations.RoundUpToPowerOf2(sharedBytes), 0x1000), isPrefetchable: true)];
    }
}
