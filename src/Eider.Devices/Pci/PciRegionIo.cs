using Eider.Hardware.Bus;
using Eider.Hardware.Resources;

namespace Eider.Devices.Pci;

/// <summary>A region of a function as the bus of the machine sees it, and where it is at the moment.</summary>
internal sealed class PciRegionIo(PciFunction function, PciRegion region) : IDeviceIo
{
    private DeviceResources _mapped = DeviceResources.Empty;

    /// <summary>Whose region it is.</summary>
    public PciFunction Function => function;

    /// <summary>The region.</summary>
    public PciRegion Region => region;

    /// <summary>Where it is registered; null if nowhere. Under the lock of the PCI bus.</summary>
    public ulong? Base { get; private set; }

    /// <inheritdoc/>
    public DeviceResources AssignedResources => Volatile.Read(ref _mapped);

    /// <summary>What is registered for the region at an address.</summary>
    public DeviceResources ResourcesAt(ulong address) => region.IsPorts
        ? new DeviceResources(new Resource.PioAddressRange((ushort)address, (ushort)region.SizeBytes))
        : new DeviceResources(new Resource.MmioAddressRange(address, region.SizeBytes));

    /// <summary>Remembers where the region is now.</summary>
    public void Moved(ulong? address)
    {
        Base = address;
        Volatile.Write(ref _mapped, address is { } at ? ResourcesAt(at) : DeviceResources.Empty);
    }

    /// <inheritdoc/>
    public BusResult Read(IoAddress rangeBase, IoAddress offset, Span<byte> data) => function.Read(region.Index, offset.Value, data);

    /// <inheritdoc/>
    public BusResult Write(IoAddress rangeBase, IoAddress offset, ReadOnlySpan<byte> data) =>
        function.Write(region.Index, offset.Value, data);

    /// <inheritdoc/>
    public BusResult PioRead(PioAddress rangeBase, PioAddress offset, Span<byte> data) => function.Read(region.Index, offset.Value, data);

    /// <inheritdoc/>
    public BusResult PioWrite(PioAddress rangeBase, PioAddress offset, ReadOnlySpan<byte> data) =>
        function.Write(region.Index, offset.Value, data);
}
