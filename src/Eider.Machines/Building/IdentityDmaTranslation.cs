using Eider.Devices.Virtio.Transport;
using Eider.Hardware.Memory;

namespace Eider.Machines.Building;

/// <summary>The translation of a machine without an IOMMU: bus addresses are guest-physical addresses.</summary>
internal sealed class IdentityDmaTranslation : IDmaTranslation
{
    public static IdentityDmaTranslation Instance { get; } = new();

    public bool TryTranslate(ulong address, GuestMemoryAccess access, out ulong physicalAddress, out ulong contiguousBytes)
    {
        physicalAddress = address;
        contiguousBytes = Math.Max(1, ulong.MaxValue - address);
        return true;
    }
}
