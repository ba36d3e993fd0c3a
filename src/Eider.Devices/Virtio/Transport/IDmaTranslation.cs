using Eider.Hardware.Memory;

namespace Eider.Devices.Virtio.Transport;

/// <summary>Translates the addresses that a device uses (ACCESS_PLATFORM), as an IOMMU does. Any thread.</summary>
public interface IDmaTranslation
{
    /// <summary>Translates one address.</summary>
    /// <param name="address">As the driver gave it.</param>
    /// <param name="access">What for.</param>
    /// <param name="physicalAddress">Guest-physical address.</param>
    /// <param name="contiguousBytes">How many bytes from there on are translated alike; at least 1.</param>
    /// <returns>False if the device may not touch it.</returns>
    bool TryTranslate(ulong address, GuestMemoryAccess access, out ulong physicalAddress, out ulong contiguousBytes);
}
